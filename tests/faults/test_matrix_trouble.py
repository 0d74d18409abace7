"""Trouble after the first success: what ends a run at its first call is waited through once the service has answered.

The cells are printed with the fault matrix at the end of the test run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from prefect_runs import meanwhile
from xrt_support import QUICK, USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from ukssdc.quicklook.quick_look import fetch
from xrt_products import cancel_products, request_products
from xrt_products.tasks.retry import RetriesExhausted

LC, IMAGE = Product.LightCurve, Product.Image
TROUBLE = ("not_ok", "http_403", "json_list", "json_null", "no_ok", "html_200", "http_500")
TIMES = {"once": 1, "three times": 3, "lasting": 999}
IN_THE_GATE = {("not_ok", "three times"), ("http_403", "once"), ("json_list", "lasting"), ("http_500", "three times")}
ENDLESS = Build(requested=0, queued=0, running=1e6)
SHORT = {"max_wait": 3.0}
CELLS = [
    pytest.param(kind, times, marks=() if (kind, times) in IN_THE_GATE else pytest.mark.long, id=f"{kind}-{times}")
    for kind in TROUBLE
    for times in TIMES
]
Note = Callable[[str, str, str], None]


@pytest.fixture
def note(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Note:
    """Return what puts a cell into the table."""
    kind, times = request.node.callspec.params["kind"], request.node.callspec.params["times"]

    def cell(step: str, flow: str, files: str) -> None:
        record_property("cell", (step, f"{kind} ({times})", flow, "1", files))

    return cell


@pytest.mark.parametrize(("kind", "times"), CELLS)
def test_in_the_polls(serve: Serve, options: dict[str, Any], note: Note, kind: str, times: str) -> None:
    emulator = serve({IMAGE: Build(running=200)}, faults=[Fault(kind, "status", nth=2, count=TIMES[times])])

    report = request_products(
        request_for(LC, IMAGE), **options | (SHORT if times == "lasting" else {}), on_failure="return"
    )

    assert len(emulator.jobs) == 1
    if times == "lasting":
        assert {o.outcome for o in report.outcomes.values()} == {"timed_out"}
        assert "xrt-products collect 951" in str(report.outcomes[IMAGE])
        note("status", "timed out, with what to do", "to be collected")
    else:
        assert report.ok
        assert len(report.files) == 2
        note("status", "completed", "whole")


@pytest.mark.parametrize(("kind", "times"), CELLS)
def test_in_the_counts_of_active_jobs(serve: Serve, options: dict[str, Any], note: Note, kind: str, times: str) -> None:
    emulator = serve({LC: QUICK, IMAGE: ENDLESS})
    Client(USER, emulator.url).submit(request_for(IMAGE))
    emulator.faults.append(Fault(kind, "active_jobs", nth=2, count=TIMES[times]))

    if times == "lasting":
        with pytest.raises(RetriesExhausted, match="the longest wait is over"):
            request_products(request_for(LC), **options | SHORT, max_active=1)
        assert list(emulator.jobs) == [951]
        note("slot count", "failed, nothing submitted", "none")
    else:
        with meanwhile(lambda: trouble_is_over(emulator, kind, times), lambda: emulator.cancel(951)):
            assert request_products(request_for(LC), **options, max_active=1).ok
        assert list(emulator.jobs) == [951, 952]
        note("slot count", "completed", "whole")
    assert len(emulator.ledger.calls("submit")) == len(emulator.jobs)


def trouble_is_over(emulator: Emulator, kind: str, times: str) -> bool:
    return sum(call.fault == kind for call in emulator.ledger.calls("active_jobs")) == TIMES[times]


@pytest.mark.parametrize(("kind", "times"), CELLS)
def test_in_a_cancellation(serve: Serve, note: Note, kind: str, times: str) -> None:
    emulator = serve({IMAGE: ENDLESS}, faults=[Fault(kind, "cancel", count=TIMES[times])])
    Client(USER, emulator.url).submit(request_for(IMAGE))

    if times == "lasting":
        with pytest.raises(RetriesExhausted, match="the longest wait is over"):
            cancel_products(951, interval=0.2, max_wait=3.0)
        note("cancel", "failed, with the reason", "none asked for")
    else:
        cancel_products(951, interval=0.2)
        assert emulator.jobs[951].code(IMAGE) == -4
        note("cancel", "cancelled", "none asked for")


@pytest.mark.parametrize(("kind", "times"), [pytest.param(*cell.values, id=cell.id) for cell in CELLS])
def test_in_the_results(note: Note, kind: str, times: str) -> None:
    """The service says of what it does not have that it does not have it: its own refusal is not asked for again."""
    faults = [Fault(kind, "light_curve", count=TIMES[times])]
    with Emulator(users=(USER,), scenario=Scenario({LC: QUICK}), faults=faults) as emulator:
        client = Client(USER, emulator.url)
        job = client.submit(request_for(LC))
        emulator.advance(3600)
        assert client.status(job).complete

        look = fetch(client, job, backoff_delays=[0.01] * 3)

    calls = len(emulator.ledger.calls("light_curve"))
    if kind == "not_ok" or times == "lasting":
        assert look.light_curve is None
        assert look.problems[LC]
        assert calls == (1 if kind == "not_ok" else 4)
        note("results", "completed", "said in the page")
    else:
        assert look.light_curve is not None
        assert look.problems == {}
        assert calls == TIMES[times] + 1
        note("results", "completed", "shown")

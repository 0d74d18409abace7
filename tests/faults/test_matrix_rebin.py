"""Every fault at every step of a rebinning: the columns of the jobs' matrix, printed with it at the end of the run.

A rebinning whose answer was lost is asked for again, because the service has no list to find it in: there may be two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from prefect.exceptions import FailedRun
from xrt_support import USER, Rebinnable

from ukssdc import Client, Product, UKSSDCError
from ukssdc.emulator import Build, Emulator, Fault
from xrt_products import ProductsFailed, RebinReport, rebin_light_curve
from xrt_products.tasks.rebin import cancel_rebin

LC = Product.LightCurve
BINNING: Any = {"binMeth": "snapshot"}
CONNECTION = ("refuse", "reset_before", "reset_after", "stall", "stall_after", "slow", "restart")
ANSWER = ("http_500", "http_502", "html_200", "truncated_json", "invalid_json")
PASSING = CONNECTION + ANSWER
LATE = ("http_500", "http_502", "html_200")  # also after the call took effect
STATUS = ("status_missing", "status_backwards", "other_job")
REFUSALS = ("not_ok", "http_403", "json_list", "json_null", "no_ok")
LOST = {
    "reset_after",
    "stall_after",
    "slow",
    "truncated_json",
    "invalid_json",
}  # the call took effect, the answer did not arrive
STALL = 2.0  # s; the client waits half of it
ENDLESS = Build(requested=0, queued=0, running=1e6)
SHORT = {"max_wait": 3.0}
TIMES = {"once": 1, "three times": 3, "lasting": 999}
STEPS = {"rebin": ("rebin", 1), "poll 1": ("rebin_status", 1), "poll 2": ("rebin_status", 2)}
STEPS |= {"light curve": ("rebinned_light_curve", 1)}
CELLS: list[tuple[str, str, bool]] = [
    *(("rebin", kind, False) for kind in (*PASSING, "not_ok")),
    *(("rebin", kind, True) for kind in LATE),
    *((poll, kind, False) for poll in ("poll 1", "poll 2") for kind in (*PASSING, *STATUS, *REFUSALS)),
    *(("light curve", kind, False) for kind in (*PASSING, "not_ok")),
]
IN_THE_GATE = {
    ("rebin", "reset_after", False),
    ("rebin", "html_200", True),
    ("poll 2", "status_backwards", False),
    ("poll 2", "not_ok", False),
    ("light curve", "truncated_json", False),
}
Note = Callable[..., None]


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Return what puts a cell into the table."""

    def cell(step: str, fault: str, flow: str, emulator: Emulator, files: str) -> None:
        record_property("cell", (f"rebinning: {step}", fault, flow, len(emulator.rebins), files))

    return cell


@pytest.fixture(autouse=True)
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UKSSDC_TIMEOUT", str(STALL / 2))


def marked(cell: tuple[Any, ...], in_the_gate: bool) -> Any:
    return pytest.param(*cell, marks=() if in_the_gate else pytest.mark.long, id="-".join(map(str, cell)))


@pytest.mark.parametrize(("step", "kind", "after"), [marked(cell, cell in IN_THE_GATE) for cell in CELLS])
def test_what_time_can_mend(
    rebinnable: Rebinnable, options: dict[str, Any], note: Note, step: str, kind: str, after: bool
) -> None:
    call, nth = STEPS[step]
    fault = Fault(kind, call, nth=nth, after=after, seconds=STALL)
    emulator, _ = rebinnable(Build(requested=30, queued=60, running=60), faults=[fault])

    report = rebin_light_curve(951, BINNING, **options)

    note(step, kind + (" (took effect)" if after else ""), "completed", emulator, "whole")
    assert kind in [call.fault for call in emulator.ledger if call.fault]
    assert report.ok
    assert len(emulator.rebins) == (2 if step == "rebin" and (after or kind in LOST) else 1)
    assert len(report.files[LC].read_text().splitlines()) > 5
    assert list(options["destination"].rglob("*.part")) == []


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        marked((kind, times), (kind, times) in {("no_ok", "three times"), ("http_403", "lasting")})
        for kind in (*REFUSALS, "http_500", "html_200")
        for times in TIMES
        if times != "once"
    ],
)
def test_trouble_in_the_polls(
    rebinnable: Rebinnable, options: dict[str, Any], note: Note, kind: str, times: str
) -> None:
    emulator, _ = rebinnable(faults=[Fault(kind, "rebin_status", nth=2, count=TIMES[times])])
    limits = SHORT if times == "lasting" else {}

    report: RebinReport = rebin_light_curve(951, BINNING, **options | limits, on_failure="return")

    assert len(emulator.rebins) == 1
    if times == "lasting":
        note("status", f"{kind} (lasting)", "timed out, with what to do", emulator, "to be taken up")
        assert report.outcomes[LC].outcome == "timed_out"
        assert "it is taken up" in str(report.outcomes[LC])
    else:
        note("status", f"{kind} ({times})", "completed", emulator, "whole")
        assert report.ok


REFUSED = [
    ("rebin", Fault("not_ok", "rebin", count=99), "the service refused to rebin the light curve of job 951"),
    ("poll 2", Fault("restart_forgetful", "rebin_status", nth=2), "the service has no job 951 any more"),
    ("light curve", Fault("not_ok", "rebinned_light_curve", count=99), "complete at the service, but not on disk"),
]


@pytest.mark.parametrize(("step", "fault", "words"), [marked(cell, cell[0] == "poll 2") for cell in REFUSED])
def test_what_the_service_refuses_for_good_ends_the_flow_with_the_reason(
    rebinnable: Rebinnable, options: dict[str, Any], note: Note, step: str, fault: Fault, words: str
) -> None:
    emulator, _ = rebinnable(faults=[fault])

    with pytest.raises((UKSSDCError, FailedRun, ProductsFailed), match=words):
        rebin_light_curve(951, BINNING, **options)

    note(step, f"{fault.kind} (lasting)", "failed, with the reason", emulator, "absent")
    assert list(options["destination"].rglob("lightcurve.csv")) == []


@pytest.mark.long
def test_a_rebinning_that_alone_is_forgotten_is_given_up_in_the_end(
    rebinnable: Rebinnable, options: dict[str, Any]
) -> None:
    """The job is in the service's list, so nothing but the number of refusals tells."""
    rebinnable(ENDLESS, faults=[Fault("not_ok", "rebin_status", nth=2, count=999)])

    report = rebin_light_curve(951, BINNING, **options | {"interval": 0.01, "max_wait": 120.0}, on_failure="return")

    assert report.outcomes[LC].outcome == "failed"
    assert "Rebin again" in str(report.outcomes[LC])


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        marked((kind, times), (kind, times) == ("reset_after", "once"))
        for kind in (*PASSING, *REFUSALS)
        for times in TIMES
        if kind in REFUSALS or times == "once"
    ],
)
def test_a_cancellation_gets_through(rebinnable: Rebinnable, note: Note, kind: str, times: str) -> None:
    emulator, job = rebinnable(ENDLESS, faults=[Fault(kind, "cancel_rebin", count=TIMES[times], seconds=STALL)])
    rebin = Client(USER, emulator.url).rebin(job, "snapshot")
    cancel = cancel_rebin.with_options(retries=12, retry_delay_seconds=0.1)

    if times == "lasting" and kind in {"not_ok", "http_403", "json_list", "json_null"}:
        with pytest.raises(UKSSDCError):
            cancel(rebin)
        note("cancel", f"{kind} (lasting)", "failed, with the reason", emulator, "none asked for")
    else:
        cancel(rebin)
        note("cancel", f"{kind} ({times})", "cancelled", emulator, "none asked for")
        assert emulator.rebins[rebin.rebin_id].code(LC) == -4

"""Every fault at every step: what becomes of the flow, of the job at the service, and of the files.

Each cell runs the real flow over real HTTP. The cells are printed as a table at the end of the test run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.exceptions import FailedRun
from xrt_support import Serve, request_for

from ukssdc import Client, Product, UKSSDCError
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Fault
from xrt_products import JobReport, ProductsFailed, cancel_products, request_products

CONNECTION = ("refuse", "reset_before", "reset_after", "stall", "stall_after", "slow", "restart")
ANSWER = ("http_500", "http_502", "html_200", "truncated_json", "invalid_json")
STATUS = ("status_missing", "status_backwards")
ARCHIVE = (
    "archive_truncated",
    "archive_short",
    "archive_corrupt",
    "archive_wrong_length",
    "archive_404",
    "archive_html",
    "archive_redirect",
)
LATE = ("http_500", "http_502", "html_200")  # also after the call took effect
PASSING = CONNECTION + ANSWER
STALL = 2.0  # s; the client waits half of it
CELLS: list[tuple[str, str, bool]] = [
    *(("submit", kind, False) for kind in (*PASSING, "not_ok")),
    *(("submit", kind, True) for kind in LATE),
    *((poll, kind, False) for poll in ("poll 1", "poll 2") for kind in (*PASSING, *STATUS, "not_ok")),
    *(("search for the job", kind, False) for kind in PASSING),
    *(("download", kind, False) for kind in (*CONNECTION, "http_500", "http_502", *ARCHIVE)),
]
REFUSED = [
    ("submit", Fault("not_ok", "submit", count=99), "the service refused to submit the request"),
    ("poll 2", Fault("restart_forgetful", "status", nth=2), "the service has no job 951 any more"),
]


@pytest.fixture
def run(serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the flow for a light curve and an image while the given faults happen."""
    monkeypatch.setenv("UKSSDC_TIMEOUT", str(STALL / 2))

    def flow(*faults: Fault) -> tuple[JobReport, Emulator]:
        emulator = serve({Product.LightCurve: Build(running=90)}, faults=faults)
        report = request_products(request_for(Product.LightCurve, Product.Image), **options)
        return report, emulator

    return flow


def faults_at(step: str, kind: str, *, after: bool) -> list[Fault]:
    """Return what goes wrong in a cell."""
    match step.split():
        case ["poll", number]:
            return [Fault(kind, "status", nth=int(number), seconds=STALL)]
        case ["search", *_]:  # only made when the answer to the submission was lost
            return [Fault("reset_after", "submit"), Fault(kind, "old_jobs", seconds=STALL)]
        case _:
            return [Fault(kind, step, after=after, seconds=STALL)]


def whole_or_absent(directory: Path) -> bool:
    """Tell whether every file that has an archive's name is one."""
    return all(verify_archive(path, "tar.gz") is None for path in directory.rglob("*.tar.gz"))


# Each step meets in `make test` what it may take in a way of its own, and in `make test-long` everything.
IN_THE_GATE = {
    "submit": {"reset_after", "stall_after", "http_502", "html_200", "truncated_json", "not_ok"},
    "poll 1": {"restart", "slow", "http_500", "status_missing", "not_ok"},
    "poll 2": {"status_backwards", "reset_after", "html_200"},
    "search for the job": {"status_backwards", "reset_after", "html_200"},
    "download": {
        "refuse",
        "reset_after",
        "stall",
        "http_502",
        "archive_truncated",
        "archive_wrong_length",
        "archive_404",
    },
    "cancel": {"refuse", "reset_after", "stall", "html_200"},
}


def in_the_gate(step: str, kind: str) -> bool:
    """Tell which cells `make test` runs."""
    return kind in IN_THE_GATE[step]


@pytest.mark.parametrize(
    ("step", "kind", "after"),
    [pytest.param(*c, marks=() if in_the_gate(*c[:2]) else pytest.mark.long, id="-".join(map(str, c))) for c in CELLS],
)
def test_what_time_can_mend(
    run: Callable[..., Any],
    options: dict[str, Any],
    record_property: Callable[[str, object], None],
    step: str,
    kind: str,
    after: bool,
) -> None:
    report, emulator = run(*faults_at(step, kind, after=after))

    happened = [call.fault for call in emulator.ledger if call.fault]
    record_property(
        "cell", (step, kind + (" (took effect)" if after else ""), "completed", len(emulator.jobs), "whole")
    )
    assert kind in happened
    assert report.ok
    assert len(emulator.jobs) == 1
    assert {path.name for path in report.files.values()} == {"lc.tar.gz", "image.tar.gz"}
    assert whole_or_absent(options["destination"])


@pytest.mark.parametrize(("step", "fault", "words"), REFUSED, ids=[step for step, *_ in REFUSED])
def test_what_the_service_refuses_for_good_ends_the_flow_with_the_reason(
    run: Callable[..., Any],
    options: dict[str, Any],
    record_property: Callable[[str, object], None],
    step: str,
    fault: Fault,
    words: str,
) -> None:
    with pytest.raises((UKSSDCError, FailedRun, ProductsFailed), match=words):
        run(fault)

    record_property("cell", (step, f"{fault.kind} (lasting)", "failed, with the reason", "0 or 1", "absent"))
    assert list(options["destination"].rglob("*.tar.gz")) == []


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if in_the_gate("cancel", k) else pytest.mark.long) for k in PASSING]
)
def test_a_cancellation_gets_through(
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
    kind: str,
) -> None:
    monkeypatch.setenv("UKSSDC_TIMEOUT", str(STALL / 2))
    emulator = serve({Product.Image: Build(running=1e6)}, faults=[Fault(kind, "cancel", seconds=STALL)])
    Client("observer@example.org", emulator.url).submit(request_for(Product.Image))

    cancel_products(951, interval=0.2)

    record_property("cell", ("cancel", kind, "cancelled", len(emulator.jobs), "none asked for"))
    assert emulator.jobs[951].code(Product.Image) == -4


def test_a_download_that_stays_broken_is_one_failed_outcome(run: Callable[..., Any], options: dict[str, Any]) -> None:
    with pytest.raises(ProductsFailed) as raised:
        run(Fault("archive_corrupt", "download", count=99, product="LightCurve"))

    outcomes = raised.value.report.outcomes
    assert (outcomes[Product.LightCurve].outcome, outcomes[Product.Image].outcome) == ("failed", "downloaded")
    assert "xrt-products collect 951" in str(outcomes[Product.LightCurve])
    assert [path.name for path in options["destination"].rglob("*.tar.gz")] == ["image.tar.gz"]

"""What is being waited for, in words that need no log: since when, why, and when it is looked at next."""

from __future__ import annotations

import re
from errno import EDQUOT, ENOSPC
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ukssdc import Job, Product, ProtocolError, UKSSDCError
from ukssdc.errors import DownloadError, NoSlot, ServiceError, TransportError
from ukssdc.record.files import write_error
from ukssdc.tracker import JobTracker
from xrt_products.flows.cli import waits
from xrt_products.flows.cli.waits import AGAIN, Waits, describe_poll, describe_problem

AWAY = "the service is away (HTTP 502)"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of the module's clock, s, which the test moves."""
    time = [1000.0]
    monkeypatch.setattr(waits, "clock", lambda: time[0])
    return time


def shown(all_waits: Waits) -> list[str]:
    out = StringIO()
    Console(file=out, width=200).print(all_waits)
    return [re.sub(r"since \d\d:\d\d", "since 12:04", line).strip() for line in out.getvalue().splitlines() if line]


def refused(text: str) -> ServiceError:
    return ServiceError("tell the status", [text])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoSlot("waiting for a slot: 5 of 5 active", active=5), "waiting for a slot: 5 of 5 active"),
        (TransportError("long", url="", reason="it refused the connection"), "the service is away (it refused the"),
        (TransportError("long", url="", status_code=502, reason="HTTP 502"), "the service is away (HTTP 502)"),
        (TransportError("long", url=""), "the service is away"),
        (write_error(Path("lc.tar.gz"), OSError(ENOSPC, "No space left on device")), "disk full (make room"),
        (write_error(Path("job.json"), OSError(EDQUOT, "Disk quota exceeded")), "disk full (make room"),
        (refused("down"), "the service refuses (the service refused to tell the status: down)"),
        (DownloadError("lc.tar.gz is corrupt\nand more", url="", retryable=True), "lc.tar.gz is corrupt"),
        (UKSSDCError(""), "UKSSDCError"),
        (UKSSDCError("x" * 500), "x" * 99 + "…"),
        (ProtocolError("no JSON", url="", start=""), "the service refuses (no JSON"),
    ],
)
def test_a_problem_is_said_in_a_few_words(error: UKSSDCError, words: str) -> None:
    assert describe_problem(error).startswith(words)


def test_where_nothing_is_wrong_the_next_look_is_counted_down(clock: list[float]) -> None:
    all_waits = Waits()

    lines = [all_waits.note("poll", "", clock[0] + 42)]
    first = shown(all_waits)
    clock[0] += 1.5
    second = shown(all_waits)
    clock[0] += 42
    third = shown(all_waits)

    assert (lines, first, second, third) == ([None], ["next look in 42 s"], ["next look in 41 s"], ["looking now"])


def test_what_is_wrong_is_told_once_with_its_time_and_when_it_is_over(clock: list[float]) -> None:
    all_waits = Waits()

    lines = [all_waits.note("poll", problem, clock[0] + 60) for problem in ("", AWAY, AWAY, "", "")]
    lines.append(all_waits.note("poll", AWAY, clock[0] + 60))

    changes = [line and re.sub(r"\d\d:\d\d", "12:04", line) for line in lines]
    away = "the service is away since 12:04 (HTTP 502)"
    assert changes == [None, away, None, AGAIN, None, away]
    assert shown(all_waits) == [f"{away}; next look in 60 s"]
    assert all_waits.end("poll") == AGAIN
    assert all_waits.end("poll") is None


def test_several_that_wait_for_the_same_are_one_line_and_a_problem_goes_before_the_next_look(
    clock: list[float],
) -> None:
    all_waits = Waits()

    lines = [all_waits.note(f"download {p}", "disk full (make room)", clock[0] + 5) for p in ("Image", "LightCurve")]
    all_waits.note("poll", "", clock[0] + 60)

    assert [bool(line) for line in lines] == [True, False]
    assert shown(all_waits) == ["disk full since 12:04 (make room); next look in 5 s"]
    clock[0] += 20
    assert shown(all_waits) == ["next look in 40 s"]


def test_a_text_of_the_service_controls_no_terminal(clock: list[float]) -> None:
    all_waits = Waits()

    all_waits.note("poll", describe_problem(refused("\x1b[2J")), clock[0] + 5)

    assert "\x1b" not in "".join(shown(all_waits))


def test_a_job_that_the_service_refuses_to_tell_of_is_said_also_while_its_list_is_asked() -> None:
    tracker = JobTracker(Job(job_id=1, url="http://127.0.0.1/1", name="x", products=(Product.LightCurve,)))
    error = refused("no such job")

    with pytest.raises(ServiceError):
        tracker.poll(lambda _: (_ for _ in ()).throw(error), list)

    assert describe_poll(tracker).startswith("the service refuses (")
    tracker.poll_error = None
    assert describe_poll(tracker) == "the service refuses to tell of the job"

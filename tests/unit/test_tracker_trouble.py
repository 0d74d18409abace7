"""Trouble in the middle of a day of polls is no verdict; a job that the service's list has lost twice is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from ukssdc import Job, JobStatus, OldJob, Product, ProtocolError, ServiceError, TransportError, UKSSDCError
from ukssdc.errors import JobGone
from ukssdc.record import JobFolder
from ukssdc.status import ProductStatus
from ukssdc.times import clock, utcnow
from ukssdc.tracker import JobTracker

LC = Product.LightCurve
URL = "https://example.org/USERPROD_951"
JOB = Job(job_id=951, url=URL, name="M82", products=(LC,), submitted=utcnow())
RUNNING = ProductStatus(status_code=3, status_text="Running")
REFUSALS = {
    "refused": ServiceError("get the status", ["no"]),
    "401": TransportError("HTTP 401", url=URL, status_code=401),
    "403": TransportError("HTTP 403", url=URL, status_code=403),
    "400": TransportError("HTTP 400", url=URL, status_code=400),
    "a list": ProtocolError("no object", url=URL, start="[]"),
}


class Service:
    """A service that answers as it is told, and notes what it was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status: ProductStatus | UKSSDCError = RUNNING
        self.jobs: list[OldJob] | UKSSDCError = []

    def poll(self, tracker: JobTracker) -> None:
        tracker.poll(self._ask, self._list)

    def _ask(self, products: tuple[Product, ...]) -> JobStatus:
        self.calls.append("status")
        if isinstance(self.status, UKSSDCError):
            raise self.status
        return JobStatus(dict.fromkeys(products, self.status))

    def _list(self) -> list[OldJob]:
        self.calls.append("list")
        if isinstance(self.jobs, UKSSDCError):
            raise self.jobs
        return self.jobs


def entry(*, available: bool = True, age: timedelta = timedelta()) -> OldJob:
    return OldJob(job_id=951, name="M82", submitted=utcnow() - age, products=(LC,), available=available)


def tolerant(poll: Callable[[], None]) -> None:
    try:
        poll()
    except UKSSDCError:
        return


@pytest.mark.parametrize("error", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_in_the_middle_is_waited_through(error: UKSSDCError) -> None:
    tracker, service = JobTracker(JOB), Service()
    service.jobs = [entry()]
    service.status = error

    for _ in range(6):
        tolerant(lambda: service.poll(tracker))
        assert not tracker.poll_failed
    service.status = RUNNING
    service.poll(tracker)

    assert service.calls == ["status", "list"] * 3 + ["status"]
    assert not tracker.refused
    assert tracker.settled == ()


def test_the_pauses_grow_while_the_service_refuses_to_a_quarter_of_an_hour() -> None:
    tracker, service = JobTracker(JOB, interval=60), Service()
    service.jobs, service.status = [entry()], REFUSALS["403"]

    pauses = []
    for _ in range(14):
        tolerant(lambda: service.poll(tracker))
        pauses.append(tracker.next_poll - clock())

    assert pauses == pytest.approx([60, 60, 120, 120, 240, 240, 480, 480, 900, 900, 900, 900, 900, 900], abs=5)


def test_an_interval_above_a_quarter_of_an_hour_stays_what_it_is() -> None:
    tracker, service = JobTracker(JOB, interval=3600), Service()
    service.jobs, service.status = [entry()], REFUSALS["403"]

    for _ in range(4):
        tolerant(lambda: service.poll(tracker))

    assert tracker.next_poll - clock() == pytest.approx(3600, abs=5)


def test_what_the_service_asks_for_moves_the_next_poll() -> None:
    tracker, service = JobTracker(JOB, interval=60), Service()
    busy = TransportError("HTTP 503", url=URL, status_code=503)
    busy.retry_after = 600.0
    service.status = busy

    tolerant(lambda: service.poll(tracker))

    assert tracker.next_poll - clock() == pytest.approx(600, abs=5)


@pytest.mark.parametrize(
    ("jobs", "gone"),
    [
        ([], True),
        ([entry(available=False, age=timedelta(days=2))], True),
        ([entry(available=False)], False),  # running jobs have no products either
        ([entry(age=timedelta(days=2))], False),
    ],
    ids=["not listed", "old and without products", "young and without products", "listed"],
)
def test_gone_is_what_two_lists_say(jobs: list[OldJob], gone: bool) -> None:
    tracker, service = JobTracker(JOB), Service()
    service.status, service.jobs = REFUSALS["refused"], jobs

    for _ in range(3):
        tolerant(lambda: service.poll(tracker))

    assert (tracker.gone, tracker.poll_failed) == (gone, gone)
    assert isinstance(tracker.poll_error, JobGone) == gone


def test_a_job_that_was_complete_and_has_no_products_is_gone(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "951", JOB).begin({}, {})
    complete = ProductStatus(status_code=4, status_text="Complete")
    folder.note_statuses(JobStatus({LC: complete}), utcnow())
    tracker, service = JobTracker(JOB, folder), Service()
    service.status, service.jobs = REFUSALS["refused"], [entry(available=False)]

    for _ in range(3):
        tolerant(lambda: service.poll(tracker))

    assert tracker.gone


def test_an_unreadable_list_decides_nothing() -> None:
    tracker, service = JobTracker(JOB), Service()
    service.status, service.jobs = REFUSALS["refused"], ProtocolError("no list", url=URL, start="{}")

    for _ in range(5):
        tolerant(lambda: service.poll(tracker))

    assert not tracker.gone
    assert not tracker.poll_failed


def test_a_job_that_is_listed_again_is_asked_about_again() -> None:
    tracker, service = JobTracker(JOB), Service()
    service.status, service.jobs = REFUSALS["refused"], []
    tolerant(lambda: service.poll(tracker))
    tolerant(lambda: service.poll(tracker))  # once missing from the list

    service.jobs, service.status = [entry()], RUNNING
    service.poll(tracker)
    service.poll(tracker)

    assert service.calls == ["status", "list", "list", "status"]
    assert not tracker.gone


def test_a_poll_is_made_after_the_deadline_however_late() -> None:
    tracker = JobTracker(JOB, start=utcnow() - timedelta(days=3), max_wait=86400)

    assert not tracker.deadline_passed
    Service().poll(tracker)

    assert tracker.deadline_passed


def test_an_answer_from_before_the_deadline_is_not_the_last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, service = JobTracker(JOB, start=utcnow(), max_wait=3600), Service()
    service.poll(tracker)
    now = clock()
    monkeypatch.setattr("ukssdc.tracker.clock", lambda: now + 7200)  # the machine slept for two hours

    assert not tracker.deadline_passed
    service.poll(tracker)

    assert tracker.deadline_passed


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_set_in_the_middle_changes_no_wait(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    tracker, service = JobTracker(JOB, start=utcnow(), max_wait=3600), Service()
    wrong = utcnow() + timedelta(hours=hours)
    monkeypatch.setattr("ukssdc.tracker.utcnow", lambda: wrong)

    service.poll(tracker)

    assert not tracker.deadline_passed
    assert 0 < tracker.next_poll - clock() <= tracker.interval

"""The decision table on the tracker, without Prefect and without HTTP (protocol, section 3).

What is expected is read off the protocol's table of codes and the sentences below it, not off the code.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tracked import ABSENT, URL, listed, poll, tracker_of

from ukssdc import JobStatus, Product, ServiceError, TransportError, UKSSDCError
from ukssdc.status import Action
from ukssdc.times import clock, utcnow
from ukssdc.tracker import JobTracker

LC, SPECTRUM, IMAGE = Product.LightCurve, Product.Spectrum, Product.Image
WITHOUT_STATUS: list[Any] = [None, ABSENT, -10, "-10", "", "nonsense", [], {}]
AWAY = TransportError("no answer", url=URL)
TOO_LARGE = UKSSDCError("not to be mended")
REFUSED = ServiceError("tell the job's status", ["You do not have permission"])


def fail(tracker: JobTracker, error: UKSSDCError) -> None:
    """Poll a service that gives no answer."""

    def no_answer(_: tuple[Product, ...]) -> JobStatus:
        raise error

    with pytest.raises(type(error)):
        tracker.poll(no_answer, lambda: [listed(tracker.job)])


def after(code: Any, polls: int = 1) -> JobTracker:
    """Return the tracker of a light curve that had this code at each of so many polls."""
    tracker = tracker_of(LC)
    for _ in range(polls):
        poll(tracker, LightCurve=code)
    return tracker


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (-4, Action.CANCELLED),
        (-3, Action.FAILED),
        (-2, Action.FAILED),
        (-1, Action.FAILED),
        (1, Action.WAIT),
        (2, Action.WAIT),
        (3, Action.WAIT),
        (4, Action.DOWNLOAD),
        (5, Action.WAIT),
    ],
)
@pytest.mark.parametrize("wire", [int, str])
def test_a_documented_code_calls_for_what_the_protocol_says(code: int, action: Action, wire: type) -> None:
    assert after(wire(code)).action(LC) is action


@pytest.mark.parametrize("code", [-5, -7, -9, -11, -1000, "-7"])
def test_an_unknown_negative_code_means_that_the_product_will_not_be_made(code: Any) -> None:
    assert after(code).action(LC) is Action.FAILED


@pytest.mark.parametrize("code", [6, 10, 17, 1000, "17"])
def test_an_unknown_positive_code_is_waited_for_however_often_it_comes(code: Any) -> None:
    tracker = after(code, polls=10)

    assert tracker.action(LC) is Action.WAIT
    assert tracker.settled == ()


@pytest.mark.parametrize("code", WITHOUT_STATUS, ids=repr)
def test_no_status_is_accepted_from_two_polls_and_has_failed_with_the_third(code: Any) -> None:
    assert [after(code, polls).action(LC) for polls in (1, 2, 3, 4)] == [
        Action.MISSING,
        Action.MISSING,
        Action.FAILED,
        Action.FAILED,
    ]


@pytest.mark.parametrize("allowed", [1, 2, 5])
def test_how_many_polls_may_go_without_a_status_can_be_chosen(allowed: int) -> None:
    tracker = tracker_of(LC, no_status_polls=allowed)
    settled = []

    for _ in range(allowed):
        poll(tracker, LightCurve=None)
        settled.append(tracker.settled)

    assert settled == [*[()] * (allowed - 1), (LC,)]


@pytest.mark.parametrize("code", [1, 2, 3, 5, 17])
def test_a_status_in_between_starts_the_count_of_polls_without_one_anew(code: int) -> None:
    tracker = tracker_of(LC)

    for answer in (None, None, code, None, None):
        poll(tracker, LightCurve=answer)
    before = tracker.action(LC)
    poll(tracker, LightCurve=None)

    assert (before, tracker.action(LC)) == (Action.MISSING, Action.FAILED)


def test_each_product_has_a_count_of_its_own() -> None:
    tracker = tracker_of(LC, IMAGE)

    poll(tracker, LightCurve=None, Image=3)
    poll(tracker, LightCurve=None, Image=None)
    poll(tracker, LightCurve=None, Image=None)

    assert tracker.settled == (LC,)


def test_a_poll_without_an_answer_is_no_poll_without_a_status() -> None:
    tracker = after(None, polls=2)

    fail(tracker, AWAY)
    before = tracker.action(LC)
    poll(tracker, LightCurve=None)

    assert (before, tracker.action(LC)) == (Action.MISSING, Action.FAILED)


def test_what_failed_for_want_of_a_status_goes_on_when_it_has_one_again() -> None:
    tracker = after(None, polls=3)
    before = tracker.action(LC), tracker.complete

    poll(tracker, LightCurve=3)

    assert before == (Action.FAILED, True)
    assert (tracker.action(LC), tracker.complete) == (Action.WAIT, False)


def test_before_the_first_poll_everything_is_pending_and_nothing_is_known() -> None:
    tracker = tracker_of(LC, IMAGE)

    assert tracker.pending == (LC, IMAGE)
    assert tracker.settled == ()
    assert not tracker.complete
    assert {tracker.action(product) for product in tracker.pending} == {Action.MISSING}


def test_what_has_ended_is_settled_and_stays_pending_until_it_has_gone_to_its_branch() -> None:
    tracker = tracker_of(LC, SPECTRUM, IMAGE)

    poll(tracker, LightCurve=4, Spectrum=3, Image=-3)
    settled = [tracker.settled]
    tracker.mark_dispatched(tracker.settled)
    settled.append(tracker.settled)
    asked = poll(tracker, Spectrum=4)
    settled.append(tracker.settled)

    assert settled == [(LC, IMAGE), (), (SPECTRUM,)]
    assert asked == (SPECTRUM,)  # what has gone is not asked for again
    assert tracker.pending == (SPECTRUM,)


def test_what_has_gone_keeps_its_last_status() -> None:
    tracker = tracker_of(LC, IMAGE)

    poll(tracker, LightCurve=4, Image=3)
    tracker.mark_dispatched((LC,))
    poll(tracker, Image=-3)

    assert {product: int(status.status_code) for product, status in tracker.status.items()} == {LC: 4, IMAGE: -3}


@pytest.mark.parametrize("codes", [(4, 4), (4, -1), (-3, -4), (-2, -7)])
def test_a_job_is_complete_when_every_product_has_ended_whatever_its_end(codes: tuple[int, int]) -> None:
    tracker = tracker_of(LC, IMAGE)

    poll(tracker, LightCurve=codes[0], Image=codes[1])

    assert tracker.complete


@pytest.mark.parametrize("code", [1, 2, 3, 5, 17, None, -10])
def test_a_job_is_not_complete_while_a_product_waits_or_has_no_status(code: int | None) -> None:
    tracker = tracker_of(LC, IMAGE)

    poll(tracker, LightCurve=4, Image=code)
    before = tracker.complete
    tracker.mark_dispatched(tracker.settled)

    assert not before
    assert not tracker.complete


def test_a_job_whose_products_have_all_gone_is_complete() -> None:
    tracker = after(4)

    tracker.mark_dispatched(tracker.settled)

    assert tracker.complete
    assert tracker.pending == ()


def test_the_longest_wait_is_over_only_after_one_more_poll_however_late_it_is() -> None:
    tracker = tracker_of(LC, start=utcnow() - timedelta(days=3), max_wait=86400.0)
    before = tracker.deadline_passed

    poll(tracker, LightCurve=3)

    assert (before, tracker.deadline_passed) == (False, True)


def test_a_poll_without_an_answer_is_that_poll_too() -> None:
    tracker = tracker_of(LC, start=utcnow() - timedelta(days=3), max_wait=86400.0)

    fail(tracker, AWAY)

    assert tracker.deadline_passed


def test_the_longest_wait_counts_from_its_start() -> None:
    start = utcnow() - timedelta(hours=2)
    waiting, late = (tracker_of(LC, start=start, max_wait=hours * 3600.0) for hours in (3, 1))

    poll(waiting, LightCurve=3)
    poll(late, LightCurve=3)

    assert (waiting.deadline_passed, late.deadline_passed) == (False, True)
    assert waiting.elapsed == pytest.approx(7200, abs=60)


def test_a_job_may_be_asked_about_at_once_and_then_not_before_the_interval_is_over() -> None:
    tracker = tracker_of(LC, interval=60.0)
    before = tracker.poll_too_soon

    poll(tracker, LightCurve=3)

    assert (before, tracker.poll_too_soon) == (False, True)
    assert tracker.next_poll - clock() == pytest.approx(60, abs=5)


def test_a_job_may_be_asked_about_again_when_the_interval_is_over() -> None:
    tracker = tracker_of(LC, interval=1e-9)

    poll(tracker, LightCurve=3)

    assert not tracker.poll_too_soon


def test_a_poll_without_an_answer_is_followed_by_the_interval_too() -> None:
    tracker = tracker_of(LC, interval=60.0)

    fail(tracker, AWAY)

    assert tracker.poll_too_soon


@pytest.mark.parametrize(
    ("ago", "seconds"), [(0, 600), (200, 400), (580, 20), (600, 0), (36000, 0), (-300, 600)], ids=str
)
def test_the_interval_since_the_poll_of_an_earlier_process_is_kept(tmp_path: Path, ago: int, seconds: int) -> None:
    earlier = tracker_of(LC, folder=tmp_path)
    assert earlier.folder is not None
    earlier.folder.note_statuses(earlier.status, utcnow() - timedelta(seconds=ago))  # -300: its clock was ahead

    later = tracker_of(LC, folder=tmp_path, interval=600.0)

    assert later.next_poll - clock() == pytest.approx(seconds, abs=10)
    assert later.poll_too_soon is (seconds > 0)


def test_an_answer_is_put_on_record_with_its_time(tmp_path: Path) -> None:
    tracker = tracker_of(LC, IMAGE, folder=tmp_path)
    began = utcnow()

    poll(tracker, LightCurve=2, Image=3)
    poll(tracker, LightCurve=2, Image=4)

    assert tracker.folder is not None
    record = tracker.folder.read()
    assert record is not None
    assert [(entry.product, entry.code) for entry in record.history] == [(LC, 2), (IMAGE, 3), (IMAGE, 4)]
    assert record.last_poll is not None
    assert began <= record.last_poll <= utcnow()


def test_a_poll_without_an_answer_leaves_the_record_and_the_status_as_they_were(tmp_path: Path) -> None:
    tracker = tracker_of(LC, folder=tmp_path)
    assert tracker.folder is not None
    poll(tracker, LightCurve=3)
    before = tracker.folder.read(), tracker.status

    fail(tracker, AWAY)

    assert (tracker.folder.read(), tracker.status) == before


@pytest.mark.parametrize(
    ("error", "final"), [(AWAY, False), (REFUSED, False), (TOO_LARGE, True)], ids=["away", "refused", "of no use"]
)
def test_why_a_poll_failed_is_kept_until_one_succeeds(error: UKSSDCError, final: bool) -> None:
    tracker = after(3)
    assert (tracker.poll_error, tracker.poll_failed) == (None, False)

    fail(tracker, error)
    assert (tracker.poll_error, tracker.poll_failed) == (error, final)
    assert str(tracker) == f"job 951: LightCurve running ({error})"

    poll(tracker, LightCurve=3)
    assert (tracker.poll_error, tracker.poll_failed) == (None, False)
    assert str(tracker) == "job 951: LightCurve running"


def test_its_text_is_the_state_of_what_is_pending() -> None:
    tracker = tracker_of(LC, SPECTRUM, IMAGE)

    poll(tracker, LightCurve=4, Spectrum=3, Image=2)
    tracker.mark_dispatched(tracker.settled)

    assert str(tracker) == "job 951: Spectrum running, Image queued"


def test_several_jobs_keep_what_they_know_apart() -> None:
    done, failing, waiting = (tracker_of(LC, job_id=number) for number in (951, 952, 953))

    poll(done, LightCurve=4)
    fail(failing, TOO_LARGE)

    assert [t.complete for t in (done, failing, waiting)] == [True, False, False]
    assert [t.poll_failed for t in (done, failing, waiting)] == [False, True, False]
    assert [t.poll_too_soon for t in (done, failing, waiting)] == [True, True, False]

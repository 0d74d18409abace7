"""A submission is in the journal before it is sent, and is found again if its process dies."""

from __future__ import annotations

import errno
import fcntl
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import pytest

from ukssdc import ServiceError, UKSSDCError
from ukssdc.errors import SubmissionRefused
from ukssdc.record.journal import PendingSubmission, journal_submission
from ukssdc.times import utcnow

DAY = timedelta(days=1)
BODY: dict[str, Any] = {"name": "M82", "lc": 1}


class Gone(Exception):  # noqa: N818 - in the place of a process that dies
    """The submission's process is gone."""


def submission(
    folder: Path, run: str, body: dict[str, Any] = BODY, ago: timedelta = timedelta()
) -> AbstractContextManager[PendingSubmission]:
    return journal_submission(folder / "M82", body, run=run, since=utcnow() - ago, until=utcnow() - ago + DAY)


def leave_behind(folder: Path, run: str, **options: Any) -> None:
    with pytest.raises(Gone), submission(folder, run, **options):
        raise Gone


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.json")}


def test_it_is_on_disk_while_it_is_sent_and_gone_when_it_is_fulfilled(tmp_path: Path) -> None:
    with submission(tmp_path, "one") as pending:
        before = files(tmp_path)
        pending.resolve()

    assert before == {"submitting-one.json"}
    assert files(tmp_path) == set()


def test_one_that_was_left_behind_is_found_by_the_next_and_goes_with_it(tmp_path: Path) -> None:
    leave_behind(tmp_path, "one")

    with submission(tmp_path, "two") as pending:
        found = [s.run for s in pending.orphaned]
        pending.resolve()

    assert found == ["one"]
    assert files(tmp_path) == set()


def test_one_whose_process_lives_is_left_alone(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(submission(tmp_path, "one"))
        second = stack.enter_context(submission(tmp_path, "two"))

        assert second.orphaned == ()


def test_ones_own_is_not_an_abandoned_one(tmp_path: Path) -> None:
    leave_behind(tmp_path, "one")

    with submission(tmp_path, "one") as pending:
        assert pending.orphaned == ()


def test_an_earlier_attempt_of_ones_own_is_told_with_its_time(tmp_path: Path) -> None:
    leave_behind(tmp_path, "one", ago=timedelta(hours=3))

    with submission(tmp_path, "one") as pending:
        again = pending.earlier
    with submission(tmp_path, "two") as other:
        (orphan,) = other.orphaned

    assert again is not None
    assert again.since <= utcnow() - timedelta(hours=3)
    assert orphan == again
    assert other.earlier is None


def test_another_request_is_none_of_ours(tmp_path: Path) -> None:
    leave_behind(tmp_path, "one", body={"name": "M82", "spec": 1})

    with submission(tmp_path, "two") as pending:
        pending.resolve()

    assert pending.orphaned == ()
    assert files(tmp_path) == {"submitting-one.json"}


@pytest.mark.parametrize(("ago", "left"), [(4 * DAY, True), (40 * DAY, False)], ids=["a weekend", "over a month"])
def test_what_was_left_behind_is_remembered_for_a_month(tmp_path: Path, ago: timedelta, left: bool) -> None:
    leave_behind(tmp_path, "one", ago=ago)

    with submission(tmp_path, "two") as pending:
        assert [s.run for s in pending.orphaned] == ["one"] * left
        assert ("submitting-one.json" in files(tmp_path)) == left


def test_one_on_a_file_system_that_locks_only_what_may_be_written_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_behind(tmp_path, "one")
    flock = fcntl.flock

    def as_on_nfs(file: IO[str], operation: int) -> None:
        if not file.writable():
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", as_on_nfs)

    with submission(tmp_path, "two") as pending:
        assert [s.run for s in pending.orphaned] == ["one"]


def test_one_that_is_not_whole_was_never_sent(tmp_path: Path) -> None:
    leave_behind(tmp_path, "one")
    path = tmp_path / "M82" / "submitting-one.json"
    path.write_bytes(path.read_bytes()[:40])

    with submission(tmp_path, "two") as pending:
        assert pending.orphaned == ()


def test_a_refusal_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused), submission(tmp_path, "one"):
        raise SubmissionRefused("submit the request", ["no"])

    assert files(tmp_path) == set()


def test_the_refusal_of_another_call_says_nothing_of_the_submission(tmp_path: Path) -> None:
    with pytest.raises(ServiceError), submission(tmp_path, "one"):
        raise ServiceError("list the jobs", ["no"])

    assert files(tmp_path) == {"submitting-one.json"}


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "M82").write_text("a file")

    with pytest.raises(UKSSDCError, match="cannot write to"), submission(tmp_path, "one"):
        pytest.fail("it went on")

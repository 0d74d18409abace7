"""What the file system says for a moment passes, wherever it says so; what it says for good ends with advice."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from failing_disk import PASSING, FailingDisk

from ukssdc import Job, Product, UKSSDCError
from ukssdc.record import JobFolder, JobRecord
from ukssdc.record.files import write_error, write_whole
from ukssdc.record.journal import journal_submission
from ukssdc.record.locks import file_lock
from ukssdc.times import utcnow

JOB = Job(job_id=951, url="https://example.org/USERPROD_951", name="GRB 200416A", products=tuple(Product))


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FailingDisk:
    JobFolder(tmp_path, JOB).begin(None, {})
    made = FailingDisk(tmp_path)
    made.install(monkeypatch)
    return made


def note(folder: Path, number: int = 0) -> None:
    with JobFolder(folder, JOB).open() as record:
        record.software["test"] = str(number)


def lock(folder: Path) -> None:
    with file_lock(folder / ".lock"):
        pass


def journal(folder: Path) -> None:
    with journal_submission(folder, {}, run="one", since=utcnow(), until=utcnow()):
        pass


def read(folder: Path) -> None:
    JobRecord.load(folder)


WAYS = (note, lock, journal, read)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PASSING)
def test_an_error_of_the_moment_is_retryable(
    tmp_path: Path, disk: FailingDisk, way: Callable[[Path], None], name: str
) -> None:
    disk.error = name

    with pytest.raises(UKSSDCError, match="This may pass") as raised:
        way(tmp_path)
    disk.error = None
    way(tmp_path)

    assert raised.value.retryable
    assert os.strerror(getattr(errno, name)) in str(raised.value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["EACCES", "EROFS", "ELOOP"])
def test_an_error_that_stays_is_not(tmp_path: Path, disk: FailingDisk, way: Callable[[Path], None], name: str) -> None:
    disk.error = name

    with pytest.raises(UKSSDCError, match="another destination") as raised:
        way(tmp_path)

    assert not raised.value.retryable


def test_too_many_open_files_pass(tmp_path: Path) -> None:
    with no_more_files(), pytest.raises(UKSSDCError, match=r"Too many open files\. This may pass") as raised:
        note(tmp_path)
    note(tmp_path)

    assert raised.value.retryable


@contextmanager
def no_more_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    handle = os.open("/", os.O_RDONLY)
    os.close(handle)
    resource.setrlimit(resource.RLIMIT_NOFILE, (handle, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("way", "file"), [(note, "job.json.part"), (journal, "submitting-one.json")], ids=["record", "journal"]
)
def test_a_full_disk_is_retryable_and_leaves_nothing_half_written(
    tmp_path: Path, disk: FailingDisk, way: Callable[[Path], None], file: str
) -> None:
    before = (tmp_path / "job.json").read_bytes()
    disk.full = lambda name: name == file

    with pytest.raises(UKSSDCError, match=r"no room for .*No space left on device\. Make room") as raised:
        way(tmp_path)

    assert raised.value.retryable
    assert disk.count == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"job.json": before}


def test_a_full_disk_does_not_cost_a_lock(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to("/dev/full")

    with file_lock(tmp_path / ".lock") as held:
        assert held


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT"])
def test_disk_and_quota_are_one(tmp_path: Path, name: str) -> None:
    number = getattr(errno, name)

    problem = write_error(tmp_path, OSError(number, os.strerror(number)))

    assert problem.retryable
    assert str(problem).startswith(f"no room for {tmp_path}: {os.strerror(number)}. Make room")


def test_a_file_that_cannot_be_written_whole_stays_what_it_was(tmp_path: Path, disk: FailingDisk) -> None:
    write_whole(tmp_path / "page.md", "before")
    disk.full = lambda _: True

    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "page.md", "after" * 9999)

    assert (tmp_path / "page.md").read_text() == "before"
    assert not (tmp_path / "page.md.part").exists()

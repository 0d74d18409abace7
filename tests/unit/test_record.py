"""job.json: whole, shared between threads, and never another job's."""

from __future__ import annotations

import contextlib
import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ukssdc import Job, Product, UKSSDCError
from ukssdc.record import JobFolder, JobRecord, ProductsFolder
from ukssdc.record.folders import safe_name
from ukssdc.record.locks import file_lock

JOB = Job(job_id=951, url="https://example.org/USERPROD_951", name="GRB 200416A", products=tuple(Product))


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    with JobFolder(tmp_path, JOB).open() as record:
        record.note_status(Product.Image, 3, "Running", datetime(2026, 1, 2, tzinfo=UTC))

    assert JobRecord.load(tmp_path) == record


def test_only_changes_of_status_enter_the_history(tmp_path: Path) -> None:
    with JobFolder(tmp_path, JOB).open() as record:
        for code in (2, 3, 3, 3, 4):
            record.note_status(Product.Image, code, "text", datetime.now(UTC))

    assert [s.code for s in record.history] == [2, 3, 4]


def test_threads_do_not_lose_each_others_changes(tmp_path: Path) -> None:
    def note(number: int) -> None:
        with JobFolder(tmp_path, JOB).open() as record:
            record.software[f"thread {number}"] = "here"

    threads = [threading.Thread(target=note, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    written = JobRecord.load(tmp_path)
    assert written is not None
    assert len(written.software) == 20


def test_a_change_that_fails_half_way_leaves_the_record_as_it_was(tmp_path: Path) -> None:
    with JobFolder(tmp_path, JOB).open():
        pass
    before = (tmp_path / "job.json").read_bytes()

    with contextlib.suppress(ZeroDivisionError), JobFolder(tmp_path, JOB).open() as record:
        record.name = "changed"
        _ = 1 / 0

    assert (tmp_path / "job.json").read_bytes() == before


def test_another_jobs_folder_is_refused(tmp_path: Path) -> None:
    with JobFolder(tmp_path, JOB).open():
        pass

    with (
        pytest.raises(UKSSDCError, match=r"belongs to job 951.*another destination"),
        JobFolder(tmp_path, JOB.model_copy(update={"job_id": 952})).open(),
    ):
        pass


def test_the_folder_of_another_services_job_of_the_same_number_is_refused(tmp_path: Path) -> None:
    with JobFolder(tmp_path, JOB).open():
        pass

    with (
        pytest.raises(UKSSDCError, match=r"belongs to job 951 at .*, not to job 951 at http://127\.0\.0\.1:1/"),
        JobFolder(tmp_path, JOB.model_copy(update={"url": "http://127.0.0.1:1/tprods/USERPROD_951"})).open(),
    ):
        pass


@pytest.mark.parametrize(("at", "found"), [(JOB.url, True), ("http://127.0.0.1:1/user_objects", False)])
def test_only_the_same_services_job_is_left_unfinished(tmp_path: Path, at: str, found: bool) -> None:
    with ProductsFolder(tmp_path).folder_of(JOB).open() as record:
        record.request = {"name": JOB.name}

    assert (ProductsFolder(tmp_path).find_unfinished(JOB.name, {"name": JOB.name}, at) is not None) == found


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2}', ""])
def test_a_record_that_cannot_be_read_is_kept_and_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "job.json"
    path.write_text(content)

    with pytest.raises(UKSSDCError, match=r"cannot read .*job\.json"), JobFolder(tmp_path, JOB).open():
        pass

    assert path.read_text() == content


def test_a_record_holds_its_versions_number(tmp_path: Path) -> None:
    with JobFolder(tmp_path, JOB).open():
        pass

    assert json.loads((tmp_path / "job.json").read_text())["version"] == 1


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with (
        pytest.raises(UKSSDCError, match=r"cannot write to .*file.*another destination"),
        JobFolder(tmp_path / "file" / "951", JOB).open(),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("GRB 200416A", "GRB_200416A"),
        ("../../etc", "etc"),
        ("/etc/passwd", "etc_passwd"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("1E 1740.7-2942", "1E_1740.7-2942"),
        ("M82\nX-2\0", "M82_X-2"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_targets_name_becomes_a_safe_folder(name: str, folder: str) -> None:
    assert safe_name(name) == folder


def test_a_long_name_in_any_script_fits_a_file_system() -> None:
    assert len(safe_name("é" * 300).encode()) <= 100


def test_files_go_to_target_and_job_number() -> None:
    assert ProductsFolder(Path("products")).folder_of(JOB).path == Path("products/GRB_200416A/951")


@pytest.fixture
def locked_away(tmp_path: Path) -> Path:
    """Return a job's folder whose lock file cannot be opened."""
    folder = ProductsFolder(tmp_path).folder_of(JOB)
    folder.begin({"name": JOB.name}, {})
    (folder.path / ".lock").mkdir()
    return folder.path


@pytest.mark.parametrize("wait", [False, True])
def test_a_lock_file_that_cannot_be_opened_is_a_clear_error(locked_away: Path, wait: bool) -> None:
    with (
        pytest.raises(UKSSDCError, match=r"cannot write to .*\.lock: .*directory"),
        file_lock(locked_away / ".lock", wait=wait),
    ):
        pass


def test_a_job_whose_lock_file_cannot_be_opened_is_not_taken_up(tmp_path: Path, locked_away: Path) -> None:
    assert JobRecord.load(locked_away) is not None

    assert ProductsFolder(tmp_path).find_unfinished(JOB.name, {"name": JOB.name}, JOB.url) is None


def test_a_lock_file_that_cannot_be_removed_is_left_where_it_is(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"

    with file_lock(lock):
        lock.unlink()
        lock.mkdir()

    assert lock.is_dir()

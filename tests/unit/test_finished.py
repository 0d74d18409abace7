"""What counts as finished: a run that has ended, pages included; and whose leftovers are whose."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ukssdc import Job, Product
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.record.record import JobRecord
from ukssdc.times import utcnow

VECTORS = Path(__file__).parents[1] / "vectors"
NAME, REQUEST = "GRB 200416A", {"name": "GRB 200416A", "lc": 1}
SERVICE = "http://127.0.0.1:8000"
NOBODY = 65534


def of_0_1_0(case: str, destination: Path) -> dict[str, Any]:
    """Put a record of version 0.1.0 into its place and return it."""
    text = (VECTORS / f"job_of_0.1.0_{case}.json").read_text("utf-8")
    record: dict[str, Any] = json.loads(text)
    folder = destination / record["name"].replace(" ", "_") / str(record["job_id"])
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(text, encoding="utf-8")
    return record


@pytest.mark.parametrize(("case", "unfinished"), [("finished", False), ("timed_out", True)])
def test_a_record_of_the_version_before_is_judged_by_its_outcomes(tmp_path: Path, case: str, unfinished: bool) -> None:
    record = of_0_1_0(case, tmp_path)
    assert "ended" not in record

    found = ProductsFolder(tmp_path).find_unfinished(record["name"], record["request"], record["url"])

    assert (found is not None) == unfinished


def folder_in(destination: Path) -> JobFolder:
    job = Job(
        job_id=951,
        url=f"{SERVICE}/user_objects/tprods/USERPROD_951",
        name=NAME,
        products=(Product.LightCurve,),
        submitted=utcnow(),
    )
    return ProductsFolder(destination).folder_of(job).begin(REQUEST, {})


def unfinished(destination: Path) -> JobFolder | None:
    return ProductsFolder(destination).find_unfinished(NAME, REQUEST, SERVICE)


def test_what_is_downloaded_but_not_shown_yet_is_not_finished(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.note_outcomes({Product.LightCurve: "downloaded"})

    assert unfinished(tmp_path) is not None
    folder.note_end()
    assert unfinished(tmp_path) is None


def test_a_job_that_is_gone_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    folder_in(tmp_path).note_gone()

    assert unfinished(tmp_path) is None


def test_a_folder_that_was_swept_away_comes_back_whole(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    (folder.path / "job.json").unlink()
    folder.path.rmdir()

    folder.note_outcomes({Product.LightCurve: "downloaded"})

    record = JobRecord.load(folder.path)
    assert record is not None
    assert (record.request, record.outcomes) == (REQUEST, {Product.LightCurve: "downloaded"})
    assert unfinished(tmp_path) is not None


def test_the_same_number_of_another_submission_inherits_nothing(tmp_path: Path) -> None:
    earlier = folder_in(tmp_path)
    earlier.note_outcomes({Product.LightCurve: "downloaded"})
    (earlier.path / "lc.tar.gz").write_bytes(b"of the earlier job")

    later = folder_in(tmp_path)  # of an emulator that was started again, at the same port

    record = JobRecord.load(later.path)
    assert record is not None
    assert (record.outcomes, record.files) == ({}, {})
    assert [path.name for path in later.path.iterdir()] == ["job.json"]
    [kept] = tmp_path.rglob("lc.tar.gz")
    assert kept.parent.name.startswith("951-")


def without_rights(work: Callable[[], bool]) -> bool:
    """Do something in a process that may not read what is not its own; root becomes nobody there."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            status = 0 if work() else 1
        finally:
            sys.stdout.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("mode", [0o000, 0o444], ids=oct)
def test_what_somebody_else_has_left_is_passed_over(tmp_path: Path, mode: int) -> None:
    left = "submitting-someone.json"
    shared = tmp_path / "products"
    target = shared / "GRB_200416A"
    target.mkdir(parents=True)
    (target / left).write_text("{}")
    (target / left).chmod(mode)
    for folder in (tmp_path, shared, target):
        folder.chmod(0o777)
    for folder in tmp_path.parents:
        if folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o711)

    def submit() -> bool:
        until = utcnow() + timedelta(days=1)
        with ProductsFolder(shared).journal(NAME, REQUEST, run="mine", since=utcnow(), until=until) as pending:
            return pending.orphaned == ()

    assert without_rights(submit)
    assert (target / left).exists()

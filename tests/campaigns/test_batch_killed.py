"""A campaign whose process is killed at any moment, and set going again: no target twice, every product on disk."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from campaign_support import TEMPLATE, run_batch, targets
from prefect_runs import account, group, meanwhile, wait_for
from xrt_support import USER, Serve

from ukssdc import Product
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Fault
from xrt_products import ProductsFailed, request_batch

LC = Product.LightCurve
SHORT = Build(requested=0, queued=0, running=30)
TIMEOUT = 180.0  # s
STALL = 30.0  # s; longer than it takes to kill a process
# Kills itself at the nth event of this kind whose arguments hold this text: Python tells of each file before it opens,
# renames or removes it.
SCRIPT = """
import itertools, os, signal, sys
from xrt_products import request_batch

event, text, nth = {kill!r}
seen = itertools.count(1)

def kill(name, args):
    if name == event and text in " ".join(map(str, args)) and next(seen) == nth:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
request_batch({rows!r}, {template!r}, destination={destination!r}, interval=0.2, quicklook=False, max_active=2,
              folder={folder!r})
"""
NEVER = ("", "no such text", 1)


def hostile_targets(count: int) -> list[dict[str, Any]]:
    """Return targets whose names the service repeats in other words, or not at all; two share a folder each."""
    rows = targets(count, group=[f"group {n // 2}" for n in range(count)])
    return [row | {"name": f"Barnard's star & {n // 3}", "RA": 20.0 + n} for n, row in enumerate(rows)]


def run_until_killed(
    emulator: Emulator,
    options: dict[str, Any],
    home: Path,
    rows: list[dict[str, Any]],
    *,
    kill: tuple[str, str, int] = NEVER,
    when: Any = None,
    folder: str = "{name}",
) -> None:
    """Run a campaign in a process that is killed: by itself, or once a condition holds."""
    script = SCRIPT.format(
        kill=kill, rows=rows, template=TEMPLATE, destination=str(options["destination"]), folder=folder
    )
    with group([sys.executable, "-c", script], home / "log", home, **account(emulator.url, USER)) as running:
        if when is not None:
            wait_for("the moment to kill it", lambda: when() or running.process.poll() is not None, TIMEOUT, 0.01)
            assert running.process.poll() is None, (home / "log").read_text()[-3000:]
            running.kill()
        else:
            assert running.process.wait(TIMEOUT) == -9, (home / "log").read_text()[-3000:]


def requested(emulator: Emulator) -> Counter[str]:
    """Return how often each target was asked for: by what the emulator was sent."""
    return Counter(str(job.pars["targ"]) for job in emulator.jobs.values())


def check_complete(emulator: Emulator, options: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Check that each target has one job, its archive is on disk and whole, and nothing is left half done."""
    destination: Path = options["destination"]
    archives = list(destination.rglob("lc.tar.gz"))
    assert requested(emulator) == Counter(row["targ"] for row in rows)
    assert sorted(int(path.parent.name) for path in archives) == list(emulator.jobs)
    assert all(verify_archive(path, "tar.gz") is None for path in archives)
    assert list(destination.rglob("*.part")) == []


def test_killed_while_it_submits_a_second_row_of_a_folder(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve({LC: SHORT}, name_change="mixed", faults=[Fault("stall_after", "submit", nth=2, seconds=STALL)])
    rows = hostile_targets(4)
    run_until_killed(emulator, options, tmp_path, rows, when=lambda: len(emulator.jobs) == 2, folder="{group}")

    report = run_batch(rows, options, folder="{group}")

    assert report.ok
    check_complete(emulator, options, rows)


def test_killed_between_a_job_s_number_and_its_record(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    emulator = serve({LC: SHORT}, name_change="mixed")
    rows = hostile_targets(4)
    run_until_killed(emulator, options, tmp_path, rows, kill=("open", "952/job.json.part", 1), folder="{group}")
    assert len(emulator.jobs) == 2

    report = run_batch(rows, options, folder="{group}")

    assert report.ok
    assert list(options["destination"].rglob("submitting-*.json")) == []
    check_complete(emulator, options, rows)


MOMENTS = {
    "before a submission is sent": ("open", "submitting-", 2),
    "before a job's record": ("open", "951/job.json.part", 1),
    "within a job's record": ("os.rename", "952/job.json.part", 1),
    "between a record and the end of its journal": ("os.remove", "submitting-", 2),
    "before the campaign's copy": ("os.rename", "campaign.json.part", 1),
    "before the next row of the folder": ("open", "submitting-", 3),
    "as a download begins": ("open", "lc.tar.gz.part", 1),
    "as an archive gets its name": ("os.rename", "lc.tar.gz.part", 1),
    "within the results": ("os.rename", "campaign.csv.part", 1),
    "between the results": ("os.rename", "campaign.ecsv.part", 1),
}


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_moment(serve: Serve, options: dict[str, Any], tmp_path: Path, moment: str) -> None:
    emulator = serve({LC: SHORT}, name_change="mixed")
    rows = hostile_targets(5)
    run_until_killed(emulator, options, tmp_path, rows, kill=MOMENTS[moment], folder="{group}")

    report = run_batch(rows, options, folder="{group}")

    assert report.ok
    check_complete(emulator, options, rows)


@pytest.mark.long
def test_killed_in_the_middle_of_a_download_which_goes_on_from_there(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    slow = Fault("slow", "download", rate=1.0, seconds=STALL)
    emulator = serve({LC: Build(requested=0, queued=0, running=30, size=2 << 20)}, name_change="mixed", faults=[slow])
    rows = hostile_targets(3)

    def half_there() -> bool:
        return any(part.stat().st_size > 10_000 for part in options["destination"].rglob("lc.tar.gz.part"))

    run_until_killed(emulator, options, tmp_path, rows, when=half_there)
    emulator.faults.clear()

    report = run_batch(rows, options)

    assert report.ok
    assert any(call.http_status == 206 for call in emulator.ledger.calls("download"))
    check_complete(emulator, options, rows)


@pytest.mark.long
def test_killed_again_and_again(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    emulator = serve({LC: SHORT}, name_change="mixed")
    rows = hostile_targets(6)
    for nth in range(1, 6):
        run_until_killed(emulator, options, tmp_path, rows, kill=("open", f"{950 + nth}/job.json.part", 1))
        assert len(emulator.jobs) == nth

    report = run_batch(rows, options)

    assert report.ok
    check_complete(emulator, options, rows)


def test_a_run_that_is_tried_again_reads_the_targets_that_it_began_with(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve({LC: SHORT}, targets={"GRB 2": {LC: Build(requested=0, queued=0, running=30, ends=-3)}})
    table = tmp_path / "targets.csv"
    head, *lines = ["name,RA,Dec,targ", *(f"GRB {n},{n},-5,{n:08d}" for n in range(1, 5))]
    table.write_text("\n".join([head, *lines[:2]]) + "\n")
    flow = request_batch.with_options(retries=1)

    with (
        meanwhile(lambda: emulator.jobs, lambda: table.write_text("\n".join([head, *lines]) + "\n")),
        pytest.raises(ProductsFailed, match="1 of 2 targets failed") as failed,
    ):
        flow(table, TEMPLATE, **options)

    assert [row.name for row in failed.value.report.rows] == ["GRB 1", "GRB 2"]
    assert [job.name for job in emulator.jobs.values()] == ["GRB 1", "GRB 2"]

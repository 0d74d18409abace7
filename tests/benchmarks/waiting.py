"""A campaign that waits: memory over its length, processor time of a poll, and what it leaves with Prefect's server.

Campaigns of 10, 100 and 1,000 jobs in five slots, each followed in a process of its own, beside a bare loop with
`ukssdc` alone that asks as often, at the same time. Intervals and run times are compressed; memory is sampled while
they run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from campaign import LC, TARGET, TEMPLATE, USER, counted_server
from table import Row, report

from ukssdc.emulator import Build, Emulator, Scenario

SLOTS = 5
INTERVAL = 0.2  # s
POLLS = 5  # of a job
SIZES = (10, 100, 1000)
MANY = 40  # active jobs, to tell what one takes
LONG_POLLS = 200  # of each of five jobs, for the processor time of a poll
MIB = 2**20
OURS = """
import json, sys, time
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from xrt_products import request_batch
template, rows, folder, interval, slots = json.loads(sys.argv[1])
cpu = time.process_time()
with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
    report = request_batch(rows, template, destination=folder, interval=interval, quicklook=False,
        max_active=slots)
print(json.dumps([report.ok, time.process_time() - cpu]))
"""
LOOP = """
import json, sys, time
from pathlib import Path
from ukssdc import Client, ProductRequest
template, rows, folder, interval, slots = json.loads(sys.argv[1])
client = Client.from_environment()
cpu = time.process_time()
waiting, active = [ProductRequest.model_validate(template | row) for row in rows], []
while waiting or active:
    while waiting and client.count_active_jobs() < slots and len(active) < slots:
        active.append(client.submit(waiting.pop(0)))
    time.sleep(interval)
    for job in list(active):
        if not client.status(job).pending:
            client.download(job, "LightCurve", Path(folder) / str(job.job_id))
            active.remove(job)
print(json.dumps([True, time.process_time() - cpu]))
"""


def resident(pid: int) -> int:
    """Return a process's resident memory, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def follow(
    script: str, count: int, polls: int, root: Path, environment: dict[str, str], slots: int = SLOTS
) -> dict[str, Any]:
    """Let a script run a campaign; return its memory over time, its processor time, and the calls that it made."""
    names = [f"Target {n}" for n in range(1, count + 1)]
    build = Build(requested=0, queued=0, running=polls * INTERVAL)
    rows = [{"name": name, **TARGET} for name in names]
    with Emulator(users=(USER,), scenario=Scenario({LC: build}), max_active_jobs=slots) as emulator:
        arguments = json.dumps([TEMPLATE, rows, str(root), INTERVAL, slots])
        command = [sys.executable, "-c", script, arguments]
        account = {"UKSSDC_USER": USER, "UKSSDC_URL": emulator.url}
        began = time.monotonic()
        process = subprocess.Popen(command, env=environment | account, stdout=subprocess.PIPE, text=True)
        samples = []
        while process.poll() is None:
            samples.append(resident(process.pid) / MIB)
            time.sleep(0.5)
        output = process.stdout.read() if process.stdout is not None else ""
        if process.returncode != 0:
            raise RuntimeError(f"exit status {process.returncode}: {output}")
        _, cpu = json.loads(output.splitlines()[-1])
        calls = [call.call for call in emulator.ledger]
        return {
            "jobs": len(emulator.jobs),
            "wall": time.monotonic() - began,
            "cpu": cpu,
            "polls": calls.count("status"),
            "memory": max(samples),
            "memory_halfway": samples[len(samples) // 2],
        }


def both(count: int, polls: int, root: Path, environment: dict[str, str]) -> list[dict[str, Any]]:
    """Let ours and the loop run at the same time, each on an emulator of its own."""
    with ThreadPoolExecutor(2) as pool:
        started = [
            pool.submit(follow, script, count, polls, root / str(number), environment)
            for number, script in enumerate((OURS, LOOP))
        ]
        return [process.result() for process in started]


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().sizes
    rows: list[Row] = []
    data: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with counted_server(root) as (environment, proxy):
            for size in sizes:
                before = len(proxy.calls), _database(root / "server")
                ours, loop = both(size, POLLS, root / str(size), environment)
                time.sleep(5.0)  # until the server has written its last events
                calls, grown = len(proxy.calls) - before[0], _database(root / "server") - before[1]
                data[str(size)] = {"ours": ours, "loop": loop, "prefect_calls": calls, "database": grown}
                rows += _rows(size, ours, loop, calls, grown)
            ours, loop = both(SLOTS, LONG_POLLS, root / "long", environment)
            few, many = (follow(OURS, MANY, POLLS, root / f"slots-{n}", environment, n) for n in (SLOTS, MANY))
            data["slots"] = {str(SLOTS): few, str(MANY): many}
            grown = (many["memory"] - few["memory"]) / (MANY - SLOTS)
            rows.append(
                (f"{MANY} active jobs and not {SLOTS}: memory", f"{grown:.1f} MiB", "an active job more (goal: 2)")
            )
            data["long"] = {"ours": ours, "loop": loop}
            each, plain = (1000 * found["cpu"] / found["polls"] for found in (ours, loop))
            rows.append(
                (f"a poll, of {ours['polls']}: processor time", f"{each:.1f} ms", f"loop: {plain:.1f} (goal: 20)")
            )
    title = f"Campaigns in {SLOTS} slots, {POLLS} polls a job, {INTERVAL} s apart, beside a bare loop with ukssdc"
    report("waiting", title, rows, data)


def _rows(size: int, ours: dict[str, Any], loop: dict[str, Any], calls: int, grown: int) -> list[Row]:
    half = ours["memory_halfway"]
    return [
        (
            f"{size} jobs: memory",
            f"{ours['memory']:.0f} MiB",
            f"halfway {half:.0f}; loop: {loop['memory']:.0f} (goal: 250)",
        ),
        ("  processor time", f"{1000 * ours['cpu'] / size:.0f} ms", f"a job; loop: {1000 * loop['cpu'] / size:.0f}"),
        ("  calls of Prefect's server", f"{calls / size:.1f}", "a job"),
        ("  its database", f"{grown / 1024 / size:.0f} KiB", "a job"),
    ]


def _database(home: Path) -> int:
    """Return the size of a server's database, bytes."""
    return sum(file.stat().st_size for file in home.rglob("prefect.db*"))


if __name__ == "__main__":
    main()

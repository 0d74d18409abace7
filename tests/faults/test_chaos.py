"""A served flow, killed again and again at random moments: one job per request, every product on disk.

XRT_CHAOS_KILLS says how often (3 by default; `make chaos`: 30), XRT_CHAOS_SEED repeats a sequence of moments.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from prefect_runs import BIN, Group, Runs, account, wait_for
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from ukssdc.record.folders import safe_name
from ukssdc.record.record import JobRecord

KILLS = int(os.environ.get("XRT_CHAOS_KILLS", "3"))
SEED = int(os.environ.get("XRT_CHAOS_SEED") or random.SystemRandom().randrange(10**6))
PROGRAM = Path(__file__).parents[1] / "support" / "serve_products.py"
NAME = "chaos"
AT_ONCE = 3  # unfinished jobs
WINDOW = 1.5  # s for which a submission has taken effect and is unanswered, or an archive is on its way
TIMEOUT = 120.0  # s that anything may take by itself
PRODUCTS = (Product.LightCurve, Product.Image)
ARCHIVES = {"lc.tar.gz", "image.tar.gz"}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Serve with wide windows: each submission and each archive takes its time."""
    scenario = Scenario({"all": Build(requested=0, queued=1, running=3), Product.Image: Build(running=6)})
    faults = [
        Fault("stall_after", "submit", rate=1.0, seconds=WINDOW),
        Fault("slow", "download", rate=1.0, seconds=WINDOW),
    ]
    with Emulator(users=(USER,), scenario=scenario, faults=faults, name_change="mixed") as running:
        yield running


class Chaos:
    """The served flow, its runs, and what happens to it."""

    def __init__(self, api: str, emulator: Emulator, home: Path) -> None:
        self.random = random.Random(SEED)
        self.runs = Runs(api, f"request products/{NAME}")
        self.emulator = emulator
        self.home = home
        self.started: dict[str, str] = {}  # run -> target
        self.story: list[str] = []
        self._served: Group | None = None

    def serve(self) -> None:
        """Start the process that carries the runs out."""
        self._served = Group(
            [sys.executable, str(PROGRAM), NAME],
            self.home / "served.log",
            self.home,
            PREFECT_RUNNER_POLL_FREQUENCY="1",
            **account(self.emulator.url, USER),
        )
        wait_for("the deployment", self.runs.exists, TIMEOUT)

    def request(self) -> None:
        """Ask for another target's products, unless enough is going on."""
        if len(self.unfinished()) < AT_ONCE:
            number = len(self.started) + 1
            target = f"Barnard's star & {number}"  # which the service repeats in other words, or not at all
            run = self.runs.start(
                request=request_for(*PRODUCTS, name=target, RA=number).model_dump(mode="json"),
                interval=0.5,
                destination="products",
            )
            self.started[run] = target

    def unfinished(self) -> list[str]:
        """Return the runs that are not Completed."""
        return [run for run in self.started if self.runs.state(run) != "COMPLETED"]

    def wait_for_the_moment(self, moment: str) -> None:
        """Wait for a random time, or for a call to reach the service and then for a random part of the window."""
        ledger = self.emulator.ledger
        before, deadline = len(ledger.calls(moment)), time.monotonic() + TIMEOUT
        if moment == "any":
            time.sleep(self.random.uniform(2, 20))
            return
        while len(ledger.calls(moment)) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(self.random.uniform(0, WINDOW))

    def kill(self) -> None:
        """Kill the served flow and all its runs with SIGKILL."""
        if self._served is not None:
            self._served.kill()

    def interrupt(self) -> None:
        """Press Ctrl-C where the flow is served: it reaches all processes there."""
        assert self._served is not None
        os.killpg(self._served.process.pid, signal.SIGINT)
        self._served.process.wait(TIMEOUT)

    def last_words(self) -> str:
        """Return where the runs stand, and the end of what the served flow wrote."""
        states = [f"{target}: {self.runs.read(run)['state_name']}" for run, target in self.started.items()]
        return "\n".join([*states, (self.home / "served.log").read_text()[-6000:]])

    def set_going_again(self) -> None:
        """Schedule the runs whose process is gone."""
        for run in self.unfinished():
            if self.runs.state(run) in {"PENDING", "RUNNING"}:
                self.runs.set_state(run, "SCHEDULED", "AwaitingRetry", force=True)
                self.story[-1] += f", {self.started[run]}"


@pytest.fixture
def chaos(prefect_api: str, emulator: Emulator, tmp_path: Path) -> Iterator[Chaos]:
    made = Chaos(prefect_api, emulator, tmp_path)
    made.serve()
    yield made
    made.kill()
    print(made.last_words())  # noqa: T201 - shown where it fails


def whole(folder: Path) -> bool:
    """Tell whether a job's folder holds all products, each readable to its end and as recorded."""
    record = JobRecord.load(folder)
    assert record is not None
    sums = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.tar.gz")}
    return (
        set(sums) == ARCHIVES
        and all(verify_archive(folder / name, "tar.gz") is None for name in sums)
        and sums == {file.name: file.sha256 for file in record.files.values()}
        and not list(folder.glob("*.part"))
    )


@pytest.mark.xdist_group("chaos")
def test_runs_killed_at_random_moments_end_with_one_job_and_every_product(chaos: Chaos) -> None:
    print(f"\nXRT_CHAOS_SEED={SEED} XRT_CHAOS_KILLS={KILLS}")  # noqa: T201 - to repeat it
    moments = ["submit", *chaos.random.choices(["submit", "status", "download", "any"], k=KILLS - 1)]

    for number, moment in enumerate(moments, start=1):
        chaos.request()
        chaos.wait_for_the_moment(moment)
        chaos.kill()
        chaos.story.append(f"kill {number} ({moment}) hit")
        chaos.set_going_again()
        chaos.serve()
    print("\n".join(chaos.story))  # noqa: T201 - shown where it fails, and by `make chaos`
    wait_for("the runs' end", lambda: not chaos.unfinished(), 3 * TIMEOUT, 1.0)

    jobs = list(chaos.emulator.jobs.values())
    assert Counter(job.name for job in jobs) == Counter(chaos.started.values())
    assert all(whole(chaos.home / "products" / safe_name(job.name) / str(job.id)) for job in jobs)
    assert len([call for call in chaos.emulator.ledger.calls("submit") if call.ok]) == len(jobs)


@pytest.mark.long
@pytest.mark.xdist_group("chaos")
def test_ctrl_c_of_what_serves_the_flow_does_not_cancel_its_jobs(chaos: Chaos) -> None:
    chaos.request()
    chaos.wait_for_the_moment("status")

    chaos.interrupt()

    assert chaos.emulator.ledger.calls("cancel") == []


@pytest.mark.long
@pytest.mark.xdist_group("chaos")
def test_a_crashed_run_is_taken_up_again_by_prefects_own_command(chaos: Chaos) -> None:
    chaos.request()
    chaos.wait_for_the_moment("status")
    chaos.kill()
    (run,) = chaos.started
    chaos.runs.set_state(run, "CRASHED", "Crashed", force=True)

    command = [str(BIN / "prefect"), "flow-run", "retry", run]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    chaos.serve()
    wait_for("the run's end", lambda: not chaos.unfinished(), 2 * TIMEOUT, 1.0)

    assert done.returncode == 0, done.stdout + done.stderr
    assert list(chaos.emulator.jobs) == [951]
    assert whole(chaos.home / "products" / safe_name("Barnard's star & 1") / "951")

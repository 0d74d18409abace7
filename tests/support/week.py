"""A week of the service in some minutes: a campaign, all that goes wrong meanwhile, and what restarts its parts."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from hashlib import sha256
from math import log
from pathlib import Path
from typing import Any, Protocol

from active_jobs import most_active
from campaign_support import TEMPLATE, targets
from own_server import OwnServer
from prefect_runs import BIN, ENDS, Group, Runs, account, copy_database, kill_marked, wait_for
from xrt_support import USER

from ukssdc import Product
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from ukssdc.record.folders import safe_name
from ukssdc.record.record import JobRecord

PROJECT = Path(__file__).parents[2]
WEEK = 604800.0  # s
MEDIAN, SIGMA = 1200.0, 0.8  # of the run times, drawn log-normally: s of the service, and of their logarithm
SEED = 12
STALL = 1.5  # s; the client waits 1
TIMEOUT = 120.0  # s that anything may take by itself
AWAY = 5.0  # s for which a server, or the service, is away
LC = Product.LightCurve

CONNECTION = ("refuse", "reset_before", "reset_after", "stall", "stall_after", "slow", "restart")
ANSWER = ("http_500", "http_502", "html_200", "truncated_json", "invalid_json")
TROUBLE = ("not_ok", "http_403", "json_list", "json_null", "no_ok")
STATUS = ("status_missing", "status_backwards", "other_job")
ARCHIVE = (
    "archive_truncated",
    "archive_short",
    "archive_corrupt",
    "archive_wrong_length",
    "archive_404",
    "archive_html",
    "archive_redirect",
)
# The cells of the fault matrix that a campaign's calls can meet: the call, the kind, whether it takes effect first.
CELLS = [
    *(("submit", kind, False) for kind in (*CONNECTION, *ANSWER, "not_ok")),
    *(("submit", kind, True) for kind in ("http_500", "http_502", "html_200")),
    *(("status", kind, False) for kind in (*CONNECTION, *ANSWER, *TROUBLE, *STATUS)),
    *(("active_jobs", kind, False) for kind in (*CONNECTION, *ANSWER, *TROUBLE)),
    *(("old_jobs", kind, False) for kind in (*CONNECTION, *ANSWER)),
    *(("download", kind, False) for kind in (*CONNECTION, "http_500", "http_502", *ARCHIVE)),
]


def week_emulator(count: int, speed: float, rate: float) -> Emulator:
    """Return a service on which so many targets' light curves run as long as they do in the field.

    Parameters
    ----------
    count : int
    speed : float
        Service seconds per second.
    rate : float
        How often each kind of fault happens to a call that it can happen to; to the rare search for a lost job, five
        times as often.
    """
    rng = random.Random(SEED)
    builds = {
        row["name"]: {LC: Build(requested=0, queued=0, running=rng.lognormvariate(log(MEDIAN), SIGMA))}
        for row in targets(count)
    }
    faults = [
        Fault(kind, call, rate=rate * (5 if call == "old_jobs" else 1), seconds=STALL, after=after, seed=SEED)
        for call, kind, after in CELLS
    ]
    return Emulator(users=(USER,), scenario=Scenario({}, builds), speed=speed, name_change="mixed", faults=faults)


class CampaignRun(Protocol):
    """A campaign that runs, and the parts of it that can be killed and started again."""

    def restart(self, part: str) -> None:
        """Kill a part, start it again, and set the campaign going again where it was a part of it."""

    def ended(self) -> bool:
        """Tell whether the campaign has come to its end.

        Raises
        ------
        AssertionError
            It has failed.
        """

    def close(self) -> None:
        """Leave nothing behind."""


class _Campaign:
    """What is asked for, and where.

    Parameters
    ----------
    emulator : Emulator
    home : Path
        Where the campaign runs: it has the targets' file, and the products' folder.
    count : int
    interval : float
        Of the polls, s.
    """

    def __init__(self, emulator: Emulator, home: Path, count: int, interval: float) -> None:
        self.emulator = emulator
        self.home = home
        self.environment = dict(account(emulator.url, USER)) | {"UKSSDC_TIMEOUT": "1"}
        self.environment["XDG_STATE_HOME"] = str(home / "state")
        self.options: dict[str, Any] = {"interval": interval, "max_wait": 600.0, "quicklook": False}
        rows = targets(count)
        with (home / "targets.csv").open("w") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def restart_service(self) -> None:
        self.emulator.stop()
        time.sleep(AWAY / 5)
        self.emulator.start()


class ScriptRun(_Campaign):
    """The campaign as a script of a user's; its parts are "batch" and "service"."""

    def __init__(self, emulator: Emulator, home: Path, count: int, interval: float) -> None:
        super().__init__(emulator, home, count, interval)
        self.environment["PREFECT_LOGGING_TO_API_ENABLED"] = "false"  # the session's server has enough to do
        self._group = self._start()

    def _start(self) -> Group:
        script = (
            "import json, sys; from xrt_products import request_batch; from pathlib import Path\n"
            "template, options = json.loads(sys.argv[1])\n"
            "request_batch(Path('targets.csv'), template, name='week', **options)\n"
        )
        command = [sys.executable, "-c", script, json.dumps([TEMPLATE, self.options])]
        return Group(command, self.home / "log", self.home, **self.environment)

    def restart(self, part: str) -> None:
        if part == "service":
            self.restart_service()
            return
        self._group.kill()
        self._group = self._start()

    def ended(self) -> bool:
        if self._group.process.poll() is None:
            return False
        assert self._group.process.returncode == 0, (self.home / "log").read_text()[-6000:]
        return True

    def close(self) -> None:
        self._group.kill()


class DeployedRun(_Campaign):
    """The campaign as a deployment's run on a process worker, with a Prefect server of its own.

    Its parts are "batch", "worker", "server" and "service".
    """

    def __init__(self, emulator: Emulator, home: Path, count: int, interval: float) -> None:
        super().__init__(emulator, home, count, interval)
        copy_database(home / "prefect.db")
        self._server = OwnServer(home)
        self._server.start()
        self.environment |= self._server.environment
        self._prefect("work-pool", "create", "xrt", "--type", "process", "--overwrite")
        file = str(PROJECT / "deployments" / "prefect.yaml")
        self._prefect("deploy", "--name", "campaign", "--prefect-file", file, "--no-prompt")
        self._worker = self._start_worker()
        self._runs = Runs(self._server.api, "request batch/campaign")
        self._run = self._runs.start(targets="targets.csv", template=TEMPLATE, name="week", **self.options)

    def _prefect(self, *command: str) -> None:
        done = subprocess.run(
            [str(BIN / "prefect"), *command],
            cwd=self.home,
            env=os.environ | self.environment | {"PWD": str(self.home)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _start_worker(self) -> Group:
        command = [str(BIN / "prefect"), "worker", "start", "--pool", "xrt"]
        return Group(command, self.home / "worker.log", self.home, PREFECT_WORKER_QUERY_SECONDS="1", **self.environment)

    def restart(self, part: str) -> None:
        match part:
            case "service":
                self.restart_service()
            case "server":
                self._server.kill()
                time.sleep(AWAY)
                self._server.start()
            case "batch":
                before = self._crashes_told()
                kill_marked(f"PREFECT__FLOW_RUN_ID={self._run}")
                wait_for("the worker's word of it", lambda: self._crashes_told() > before, TIMEOUT)
                self._set_going_again()
            case "worker":
                self._worker.kill()
                self._worker = self._start_worker()
                self._set_going_again()

    def _crashes_told(self) -> int:
        """Return how often the worker is done with a crash: it tells Prefect of each twice, and then gives a hint."""
        return (self.home / "worker.log").read_text().count("prefect.flow_runs.worker - Check whether ")

    def _set_going_again(self) -> None:
        self._runs.set_state(self._run, "SCHEDULED", "AwaitingRetry", force=True)

    def ended(self) -> bool:
        state = self._runs.read(self._run)
        if state["state_type"] in ENDS:
            assert state["state_type"] == "COMPLETED", f"{state['state']}\n{self._runs.logs(self._run)[-6000:]}"
            return True
        return False

    def close(self) -> None:
        self._worker.kill()
        self._server.kill()


def is_whole(folder: Path) -> bool:
    """Tell whether a job's light curve is on disk, readable to its end, and as recorded."""
    record, archive = JobRecord.load(folder), folder / "lc.tar.gz"
    return (
        record is not None
        and record.finished
        and verify_archive(archive, "tar.gz") is None
        and record.files[LC].sha256 == sha256(archive.read_bytes()).hexdigest()
        and not list(folder.glob("*.part"))
    )


def not_whole(emulator: Emulator, products: Path) -> list[str]:
    """Return the jobs whose light curve is not on disk as it should be."""
    jobs = emulator.jobs.values()
    return [f"{job.id} {job.name}" for job in jobs if not is_whole(products / safe_name(job.name) / str(job.id))]


def figures(emulator: Emulator, restarts: Counter[str], seconds: float) -> list[str]:
    """Return what happened, as lines."""
    calls = Counter(call.call for call in emulator.ledger)
    faults = Counter(call.fault for call in emulator.ledger if call.fault)
    hit = Counter(call.call for call in emulator.ledger if call.fault)
    return [
        f"{len(emulator.jobs)} jobs in {seconds:.0f} s, {emulator.now() / 86400:.1f} days of the service",
        f"at most {most_active(emulator)} active at once",
        f"calls: {_counts(calls)}",
        f"of these with a fault: {_counts(hit)}",
        f"faults: {faults.total()} of {len(faults)} kinds: {_counts(faults)}",
        f"restarts: {_counts(restarts)}",
    ]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())

"""Two campaigns on two workers of one pool, Prefect's server on PostgreSQL; one worker is killed in the middle."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from astropy.table import Table
from campaign_support import TEMPLATE
from prefect_runs import BIN, Group, Runs, account, group, wait_for
from servers import postgresql
from xrt_support import USER

from ukssdc import Product
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Scenario

pytestmark = pytest.mark.long
POOL = "campaigns"
TARGETS = 40  # of each campaign
TIMEOUT = 300.0  # s
DEPLOYMENT = {
    "name": "xrt-products",
    "deployments": [
        {"name": POOL, "entrypoint": "xrt_products.flows.batch.request_batch", "work_pool": {"name": POOL}}
    ],
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Serve light curves that take five minutes, in five seconds."""
    scenario = Scenario({Product.LightCurve: Build(requested=0, queued=10, running=280)})
    with Emulator(users=(USER,), scenario=scenario, speed=60, max_active_jobs=5) as running:
        yield running


@pytest.fixture
def environment(emulator: Emulator, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return the environment of a machine that knows the Prefect server, to which the flow is deployed."""
    if os.geteuid() != 0 or not list(Path("/usr/lib/postgresql").glob("*/bin")):
        pytest.fail("it takes Debian's PostgreSQL, which root runs as the user postgres: apt-get install postgresql")
    (tmp_path / "server").mkdir()
    with postgresql(tmp_path / "server") as url:
        found = {"PREFECT_API_URL": f"{url}/api", "PREFECT_HOME": str(tmp_path / "client")}
        found |= {"PREFECT_WORKER_QUERY_SECONDS": "1", "XDG_STATE_HOME": str(tmp_path / "state")}
        found |= account(emulator.url, USER)
        pull = {"pull": [{"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}]}
        (tmp_path / "prefect.yaml").write_text(json.dumps(DEPLOYMENT | pull))
        create = ["work-pool", "create", POOL, "--type", "process"]
        for command in (create, ["deploy", "--all", "--prefect-file", "prefect.yaml", "--no-prompt"]):
            subprocess.run(
                [BIN / "prefect", *command], cwd=tmp_path, env=os.environ | found, check=True, timeout=TIMEOUT
            )
        yield found


def table(path: Path, count: int) -> Path:
    """Write a table of so many targets, named after the file."""
    rows = [f"{path.stem} {n},{n},-5,{n:08d}" for n in range(1, count + 1)]
    path.write_text("\n".join(["name,RA,Dec,targ", *rows]) + "\n")
    return path


def worker(home: Path, name: str, limit: int, environment: dict[str, str]) -> AbstractContextManager[Group]:
    command = [str(BIN / "prefect"), "worker", "start", "--pool", POOL, "--name", name, "--limit", str(limit)]
    return group(command, home / f"{name}.log", home, **environment)


def test_a_campaign_goes_on_with_the_other_worker(
    emulator: Emulator, environment: dict[str, str], tmp_path: Path
) -> None:
    runs = Runs(environment["PREFECT_API_URL"], f"request batch/{POOL}")

    def start(name: str) -> str:
        targets = table(tmp_path / f"{name}.csv", TARGETS)
        return runs.start(
            targets=str(targets), template=TEMPLATE, name=name, destination=name, interval=0.5, quicklook=False
        )

    def jobs_of(name: str) -> list[int]:
        return [job.id for job in emulator.jobs.values() if job.name.startswith(name)]

    with worker(tmp_path, "worker-1", 1, environment) as first:
        one = start("north")
        wait_for("the first campaign", lambda: jobs_of("north"), TIMEOUT)
        with worker(tmp_path, "worker-2", 2, environment):
            other = start("south")
            wait_for("both campaigns", lambda: len(jobs_of("north")) >= 5 and len(jobs_of("south")) >= 2, TIMEOUT)
            first.kill()
            table(tmp_path / "north.csv", TARGETS + 1)  # which the run that goes on does not read again
            killed_at = len(jobs_of("north"))
            runs.set_state(one, "SCHEDULED", "AwaitingRetry", force=True)
            ends = [runs.end_of(run, TIMEOUT) for run in (one, other)]

    assert [end["state_type"] for end in ends] == ["COMPLETED", "COMPLETED"], [end["state"]["message"] for end in ends]
    assert [end["run_count"] for end in ends] == [2, 1]
    assert killed_at < TARGETS
    names = [f"{campaign} {n}" for campaign in ("north", "south") for n in range(1, TARGETS + 1)]
    assert Counter(job.name for job in emulator.jobs.values()) == Counter(names)
    assert [call for call in emulator.ledger.calls("submit") if not call.ok] == []
    for campaign in ("north", "south"):
        archives = list((tmp_path / campaign).rglob("lc.tar.gz"))
        assert len(archives) == TARGETS
        assert all(verify_archive(path, "tar.gz") is None for path in archives)
        assert list(Table.read(tmp_path / campaign / "campaign.ecsv")["Outcome"]) == ["downloaded"] * TARGETS

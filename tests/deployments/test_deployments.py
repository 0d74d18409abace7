"""deployments/prefect.yaml against a real server and a real process worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from parent_flow import waits_for_a_deployment
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.schedules import IntervalSchedule
from prefect_runs import Runs, wait_for
from xrt_support import QUICK, USER, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Scenario

PROJECT = Path(__file__).parents[2]
PREFECT = Path(sys.executable).with_name("prefect")
TIMEOUT = 120.0  # s
pytestmark = pytest.mark.xdist_group("deployments")  # one worker process, one work pool


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    scenario = Scenario(
        {"all": QUICK, Product.EnhancedPos: Build(ends=-3)},
        targets={"Overlapping": {Product.LightCurve: Build(requested=0, queued=0, running=1e9)}},
    )
    with Emulator(users=(USER,), scenario=scenario, seconds_per_poll=60) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that relative destinations start from."""
    return tmp_path_factory.mktemp("deployed")


@pytest.fixture(scope="module")
def deployed(prefect_api: str, home: Path) -> str:
    """Bring the deployments up with the README's commands, and return the server's address."""
    deploy = ["deploy", "--all", "--prefect-file", str(PROJECT / "deployments" / "prefect.yaml"), "--no-prompt"]
    for command in (["work-pool", "create", "xrt", "--type", "process", "--overwrite"], deploy):
        done = subprocess.run(
            [PREFECT, *command],
            cwd=home,
            env=os.environ | {"PWD": str(home)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return prefect_api


@pytest.fixture(scope="module")
def worker(deployed: str, emulator: Emulator, home: Path) -> Iterator[None]:
    assert deployed
    with (home / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [PREFECT, "worker", "start", "--pool", "xrt"],
            cwd=home,
            env=os.environ | {"UKSSDC_USER": USER, "UKSSDC_URL": emulator.url, "PREFECT_WORKER_QUERY_SECONDS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.usefixtures("worker")
def test_a_run_started_through_the_api_puts_its_products_on_disk(deployed: str, home: Path) -> None:
    request = request_for(Product.LightCurve, Product.Image).model_dump(mode="json")

    runs = Runs(deployed, "request products/on-demand")
    run = runs.end_of(runs.start(request=request, interval=0.5), TIMEOUT)

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert run["name"] == "GRB 200416A"
    assert any(tag.startswith("job 9") for tag in run["tags"])
    names = {p.name for p in (home / "products" / "GRB_200416A").rglob("[!.]*") if p.is_file()}
    assert names >= {"lc.tar.gz", "image.tar.gz", "job.json", "quicklook.md", "lightcurve.png"}


@pytest.mark.usefixtures("worker")
def test_a_rebinning_started_through_the_api_is_on_disk_and_its_report_comes_back(
    deployed: str, home: Path, emulator: Emulator
) -> None:
    job = Client(USER, emulator.url).submit(request_for(Product.LightCurve, name="Rebinned"))
    emulator.advance(3600)

    runs = Runs(deployed, "rebin light curve/rebin")
    binning = {"bin_method": "snapshot"}
    run = runs.end_of(runs.start(job_id=job.job_id, binning=binning, interval=0.5), TIMEOUT)

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert any(tag.startswith("rebin 7") for tag in run["tags"])
    assert len(list((home / "products" / "Rebinned").rglob("rebin-*/lightcurve.csv"))) == 1


@pytest.mark.usefixtures("worker")
def test_a_run_with_the_services_own_parameter_names_fails_where_a_product_fails(deployed: str) -> None:
    request = {
        "name": "GRB 200416A",
        "getTargs": True,
        "RA": 335.6985,
        "Dec": -7.5179,
        "centroid": True,
        "posErr": 1,
        "EnhancedPos": {},
    }

    runs = Runs(deployed, "request products/on-demand")
    run = runs.end_of(runs.start(request=request, interval=0.5), TIMEOUT)

    assert run["state_type"] == "FAILED"
    assert "EnhancedPos" in run["state"]["message"]


def test_the_example_schedule_plans_nothing_until_it_is_switched_on(deployed: str) -> None:
    deployment = requests.get(f"{deployed}/deployments/name/request products/m82-weekly", timeout=30).json()
    (schedule,) = deployment["schedules"]
    assert not schedule["active"]
    assert planned_runs(deployed, deployment["id"]) == []

    address = f"{deployed}/deployments/{deployment['id']}/schedules/{schedule['id']}"
    requests.patch(address, json={"active": True}, timeout=30).raise_for_status()
    planned = wait_for("a planned run", lambda: planned_runs(deployed, deployment["id"]), TIMEOUT, 0.5)

    first = datetime.fromisoformat(planned[0]["expected_start_time"])
    assert first > datetime.now(UTC)
    assert (first.weekday(), first.hour in {5, 6}) == (0, True)  # Monday, 6 o'clock in London
    assert planned[0]["parameters"]["request"]["name"] == "M82"


def planned_runs(api: str, deployment: str) -> list[dict[str, Any]]:
    """Return a deployment's runs that are still to come, the next one first."""
    wanted = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
    answer = requests.post(
        f"{api}/flow_runs/filter", json={"flow_runs": wanted, "sort": "EXPECTED_START_TIME_ASC"}, timeout=30
    )
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


@pytest.mark.long
@pytest.mark.usefixtures("worker")
def test_another_flow_waits_for_a_deployments_run_and_gets_its_report(deployed: str, home: Path) -> None:
    assert deployed
    deployment = "request products/on-demand"

    fine = waits_for_a_deployment(deployment, request_for(Product.Image, name="Waited for").model_dump(mode="json"))
    request = request_for(Product.Image, Product.EnhancedPos, name="Waited for, failed").model_dump(mode="json")
    failed = waits_for_a_deployment(deployment, request)

    assert "Image downloaded" in fine["report"]
    assert "EnhancedPos failed, Image downloaded" in failed["failed"]
    files = [Path(file) for report in (fine, failed) for file in report["files"]]
    assert [file.name for file in files] == ["image.tar.gz"] * 2
    assert all(file.is_relative_to(home) and file.exists() for file in files)


@pytest.mark.long
@pytest.mark.usefixtures("worker")
def test_a_schedules_run_is_skipped_while_the_one_before_goes_on(deployed: str, emulator: Emulator) -> None:
    with get_client(sync_client=True) as client:
        example = client.read_deployment_by_name("request products/m82-weekly")
        assert "fresh" not in example.parameters
        request = request_for(Product.LightCurve, name="Overlapping").model_dump(mode="json")
        every = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(seconds=5)), active=True)
        scheduled = client.create_deployment(
            flow_id=example.flow_id,
            name="every-5-seconds",
            schedules=[every],
            parameters=example.parameters | {"request": request, "interval": 0.5, "quicklook": False},
            entrypoint=example.entrypoint,
            pull_steps=example.pull_steps,
            path=example.path,
            work_pool_name="xrt",
        )
        ours = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[scheduled]))

        def states() -> list[str]:
            return [run.state_name or "" for run in client.read_flow_runs(flow_run_filter=ours)]

        try:
            wait_for("two skipped runs", lambda: states().count("Skipped") > 1, TIMEOUT, 0.5)
            assert states().count("Running") >= 1
        finally:
            address = f"{deployed}/deployments/{scheduled}/pause_deployment"
            requests.post(address, timeout=30).raise_for_status()
        (job,) = [job for job in emulator.jobs.values() if job.name == "Overlapping"]
        emulator.cancel(job.id, ["LightCurve"])
        wait_for("the first run's end", lambda: "Completed" in states(), TIMEOUT, 0.5)
        ended = {run.state.type for run in client.read_flow_runs(flow_run_filter=ours) if run.state and run.start_time}
        assert "FAILED" not in ended

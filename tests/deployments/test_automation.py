"""deployments/automations.yaml on a real server: a downloaded light curve starts the analysis, with its path."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from xrt_fixtures import options, serve
from xrt_support import Serve, request_for

from ukssdc import Product
from xrt_products import request_products

__all__ = ["options", "serve"]

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
PREFECT = Path(sys.executable).with_name("prefect")
POOL = "xrt-analysis"  # the example's is `xrt`, which other tests have workers for
TIMEOUT = 120.0  # s
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("deployments")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the example's files, for a work pool of its own."""
    home = tmp_path_factory.mktemp("analysis")
    (home / "deployments").mkdir()
    shutil.copy(DEPLOYMENTS / "analysis.py", home / "deployments")
    text = (DEPLOYMENTS / "analysis.yaml").read_text()
    (home / "deployments" / "analysis.yaml").write_text(text.replace("name: xrt\n", f"name: {POOL}\n"))
    return home


@pytest.fixture(scope="module")
def deployment(prefect_api: str, home: Path) -> str:
    """Do what the example files say, and return the analysis deployment's id."""
    assert prefect_api
    prefect(home, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    prefect(home, "deploy", "--all", "--prefect-file", "deployments/analysis.yaml", "--no-prompt")
    found = prefect(home, "deployment", "inspect", "analyse light curve/on-complete", "--output", "json")
    deployment = str(json.loads(found)["id"])
    text = (DEPLOYMENTS / "automations.yaml").read_text()
    (home / "automations.yaml").write_text(text.replace("DEPLOYMENT-ID", deployment))
    prefect(home, "automation", "create", "--from-file", "automations.yaml")
    return deployment


@pytest.fixture
def _worker(home: Path, deployment: str) -> Iterator[None]:
    assert deployment
    with (home / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [PREFECT, "worker", "start", "--pool", POOL],
            cwd=home,
            env=os.environ | {"PREFECT_WORKER_QUERY_SECONDS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def prefect(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [PREFECT, *arguments],
        cwd=home,
        env=os.environ | {"PWD": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def finished_run(api: str, deployment: str) -> dict[str, Any]:
    """Return the one run of a deployment when it is over."""
    deadline = time.monotonic() + TIMEOUT
    runs: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        query = {"flow_runs": {"deployment_id": {"any_": [deployment]}}}
        runs = requests.post(f"{api}/flow_runs/filter", json=query, timeout=30).json()
        if runs and all(run["state_type"] in {"COMPLETED", "FAILED", "CRASHED"} for run in runs):
            assert len(runs) == 1
            return runs[0]
        time.sleep(0.5)
    return pytest.fail(f"no finished run, only {[run['state_name'] for run in runs]}")


@pytest.mark.usefixtures("_worker")
def test_a_light_curve_on_disk_starts_the_analysis_with_its_path(
    serve: Serve, options: dict[str, Any], prefect_api: str, deployment: str
) -> None:
    serve()

    report = request_products(request_for(Product.LightCurve, Product.Image), **options)

    run = finished_run(prefect_api, deployment)
    assert run["parameters"] == {"path": str(report.files[Product.LightCurve]), "target": "GRB 200416A"}
    assert run["name"] == "analyse GRB 200416A"
    assert run["state_type"] == "COMPLETED", run["state"]["message"]

"""Cancelling both ways: a flow run's cancellation reaches the service, the service's reaches the flow."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect_runs import BIN, Runs, account, group, meanwhile, wait_for
from xrt_support import QUICK, USER, Serve, request_for

from flows import request_products
from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario

POOL = "xrt-cancel"
PATIENCE = 90.0  # s
PROMISE = 60.0  # s from the click to the cancellation at the service
ENDLESS = Build(requested=0, queued=0, running=1e9)
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("cancel")]  # one worker process, one work pool
DEPLOYMENT = {
    "name": "xrt-products",
    "deployments": [
        {"name": POOL, "entrypoint": "flows.products.request_products", "work_pool": {"name": POOL}},
    ],
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Serve a light curve that never ends, and an image that is complete at once."""
    with Emulator(users=(USER,), scenario=Scenario({"all": ENDLESS, Product.Image: QUICK})) as running:
        yield running


@pytest.fixture(scope="module")
def runs(prefect_api: str, emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Deploy the flow, and start a process worker for it."""
    home = tmp_path_factory.mktemp("cancelled")
    file = home / "prefect.yaml"
    pull = {"pull": [{"prefect.deployments.steps.set_working_directory": {"directory": str(home)}}]}
    file.write_text(json.dumps(DEPLOYMENT | pull))
    for command in (
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["deploy", "--all", "--prefect-file", str(file), "--no-prompt"],
    ):
        done = subprocess.run(
            [BIN / "prefect", *command], cwd=home, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    worker = [str(BIN / "prefect"), "worker", "start", "--pool", POOL]
    seconds = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    with group(worker, home / "worker.log", home, **seconds, **account(emulator.url, USER)):
        yield Runs(prefect_api, f"request products/{POOL}")


def polled(emulator: Emulator, name: str) -> int:
    """Wait until the job of this target has been polled, and is down to its light curve; return its number."""

    def look() -> int:
        jobs = [job.id for job in emulator.jobs.values() if job.name == name]
        polls = [c for job in jobs for c in emulator.ledger.calls("status", job_id=job)]
        return jobs[0] if polls and polls[-1].products == (Product.LightCurve,) else 0

    return int(wait_for(f"polls of {name}", look, PATIENCE))


def start(runs: Runs, name: str, **parameters: Any) -> str:
    request = request_for(Product.LightCurve, Product.Image, name=name).model_dump(mode="json")
    return runs.start(request=request, interval=0.5, destination="products", **parameters)


def test_a_cancelled_run_cancels_its_job_and_says_so(runs: Runs, emulator: Emulator) -> None:
    run = start(runs, "Cancelled")
    emulator.advance(60)
    job = polled(emulator, "Cancelled")

    runs.set_state(run, "CANCELLING", "Cancelling")
    clicked = time.monotonic()
    wait_for("the cancellation", lambda: emulator.jobs[job].code(Product.LightCurve) == -4, PROMISE)

    assert time.monotonic() - clicked < PROMISE
    assert emulator.jobs[job].code(Product.Image) == 4
    assert runs.end_of(run, PATIENCE)["state_type"] == "CANCELLED"
    said = f"The flow run was cancelled, and with it job {job}"
    wait_for("the line in the log", lambda: said in runs.logs(run), 20.0)


def test_a_job_goes_on_where_that_is_wanted(runs: Runs, emulator: Emulator) -> None:
    run = start(runs, "Goes on", cancel_with_run=False)
    emulator.advance(60)
    job = polled(emulator, "Goes on")

    runs.set_state(run, "CANCELLING", "Cancelling")
    wait_for("the line in the log", lambda: "The job goes on at the service" in runs.logs(run), PROMISE)

    assert runs.end_of(run, PATIENCE)["state_type"] == "CANCELLED"
    assert emulator.jobs[job].code(Product.LightCurve) == 3
    assert emulator.ledger.calls("cancel", job_id=job) == []


@pytest.mark.parametrize(("options", "code"), [("", -4), (", cancel_with_run=False", 3)], ids=["cancels", "lets be"])
def test_ctrl_c_of_a_script(prefect_api: str, tmp_path: Path, options: str, code: int) -> None:
    assert prefect_api
    request = request_for(Product.LightCurve).model_dump(mode="json")
    script = f"from flows import request_products\nrequest_products({request!r}, interval=0.5{options})\n"
    with (
        Emulator(users=(USER,), scenario=Scenario({"all": ENDLESS})) as emulator,
        group([sys.executable, "-c", script], tmp_path / "log", tmp_path, **account(emulator.url, USER)) as running,
    ):
        wait_for("polls", lambda: len(emulator.ledger.calls("status")) > 1, PATIENCE)
        time.sleep(0.2)  # the run pauses now, as it does nearly all the time

        running.process.send_signal(signal.SIGINT)
        running.process.wait(PROMISE)

        assert emulator.jobs[951].code(Product.LightCurve) == code
    assert "Stopped" in (tmp_path / "log").read_text()


def test_what_is_cancelled_on_the_services_web_page_ends_as_cancelled(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=1e9)})

    with meanwhile(lambda: emulator.ledger.calls("status"), lambda: emulator.cancel(951, ["LightCurve"])):
        report = request_products(request_for(Product.LightCurve, Product.Image), **options)

    assert {p: o.outcome for p, o in report.outcomes.items()} == {
        Product.LightCurve: "cancelled",
        Product.Image: "downloaded",
    }
    assert report.ok

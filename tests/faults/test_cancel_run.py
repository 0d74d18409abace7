"""Cancelling both ways: a flow run's cancellation reaches the service, the service's reaches the flow."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import parent_flow
import pytest
from prefect_runs import BIN, Runs, account, group, meanwhile, tagged_runs, wait_for
from xrt_support import QUICK, USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from xrt_products import request_products

POOL = "xrt-cancel"
TIMEOUT = 180.0  # s; a busy Prefect server on SQLite may hold an answer back for a minute
PROMISE = 60.0  # s from the click to the cancellation at the service
ENDLESS = Build(requested=0, queued=0, running=1e9)
pytestmark = pytest.mark.xdist_group("cancel")  # one worker process, one work pool
DEPLOYMENT = {
    "name": "xrt-products",
    "deployments": [
        {"name": POOL, "entrypoint": "xrt_products.flows.products.request_products", "work_pool": {"name": POOL}},
        {"name": POOL, "entrypoint": "xrt_products.flows.rebin.rebin_light_curve", "work_pool": {"name": POOL}},
        {"name": POOL, "entrypoint": "parent_flow.follow_up", "work_pool": {"name": POOL}},
    ],
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """Serve a light curve that never ends, and an image that is complete at once."""
    ready = {"Ready": {Product.LightCurve: QUICK}}
    scenario = Scenario({"all": ENDLESS, Product.Image: QUICK}, ready, rebin=ENDLESS)
    with Emulator(users=(USER,), scenario=scenario) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the worker's relative destinations start from."""
    return tmp_path_factory.mktemp("cancelled")


@pytest.fixture(scope="module")
def worker(prefect_api: str, emulator: Emulator, home: Path) -> Iterator[str]:
    """Deploy the flows, and start a process worker for them; return the server's address."""
    environment = {
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(Path(parent_flow.__file__).parent),
        **account(emulator.url, USER),
    }
    file = home / "prefect.yaml"
    pull = {"pull": [{"prefect.deployments.steps.set_working_directory": {"directory": str(home)}}]}
    file.write_text(json.dumps(DEPLOYMENT | pull))
    for command in (
        ["work-pool", "create", POOL, "--type", "process", "--overwrite"],
        ["deploy", "--all", "--prefect-file", str(file), "--no-prompt"],
    ):
        done = subprocess.run(
            [BIN / "prefect", *command],
            cwd=home,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    command = [str(BIN / "prefect"), "worker", "start", "--pool", POOL]
    with group(command, home / "worker.log", home, **environment):
        yield prefect_api


@pytest.fixture
def runs(worker: str) -> Runs:
    return Runs(worker, f"request products/{POOL}")


def submitted(emulator: Emulator, name: str) -> int:
    """Wait until the service has the job of this target; return its number."""
    found = wait_for(f"the job of {name}", lambda: [j.id for j in emulator.jobs.values() if j.name == name], TIMEOUT)
    return int(found[0])


def polled(emulator: Emulator, name: str) -> int:
    """Wait until the job of this target has been polled, and is down to its light curve; return its number."""
    job = submitted(emulator, name)
    emulator.advance(60)

    def down_to_the_light_curve() -> bool:
        polls = emulator.ledger.calls("status", job_id=job)
        return bool(polls) and polls[-1].products == (Product.LightCurve,)

    wait_for(f"polls of {name}", down_to_the_light_curve, TIMEOUT)
    return job


def start(runs: Runs, name: str, **parameters: Any) -> str:
    request = request_for(Product.LightCurve, Product.Image, name=name).model_dump(mode="json")
    return runs.start(request=request, interval=0.5, **parameters)


def test_a_cancelled_run_cancels_its_job_and_says_so(runs: Runs, emulator: Emulator) -> None:
    run = start(runs, "Cancelled")
    job = polled(emulator, "Cancelled")

    runs.set_state(run, "CANCELLING", "Cancelling")
    wait_for("the cancellation", lambda: emulator.jobs[job].code(Product.LightCurve) == -4, PROMISE)

    assert emulator.jobs[job].code(Product.Image) == 4
    assert runs.end_of(run, TIMEOUT)["state_type"] == "CANCELLED"
    said = f"The flow run was cancelled, and with it job {job}"
    wait_for("the line in the log", lambda: said in runs.logs(run), 20.0)


@pytest.mark.long
def test_a_service_that_is_away_at_that_moment_is_told_later(runs: Runs, emulator: Emulator) -> None:
    run = start(runs, "Away")
    job = polled(emulator, "Away")
    emulator.faults.append(Fault("http_502", "cancel"))

    runs.set_state(run, "CANCELLING", "Cancelling")
    wait_for("the cancellation", lambda: emulator.jobs[job].code(Product.LightCurve) == -4, TIMEOUT)

    assert [bool(call.ok) for call in emulator.ledger.calls("cancel", job_id=job)] == [False, True]


def test_a_run_that_is_cancelled_while_it_submits_cancels_what_has_reached_the_service(
    runs: Runs, emulator: Emulator, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for(Product.LightCurve, Product.Image, name="Stalled")
    emulator.faults.append(Fault("stall_after", "submit", seconds=PROMISE))
    run = start(runs, "Stalled")
    job = submitted(emulator, "Stalled")

    runs.set_state(run, "CANCELLING", "Cancelling")
    wait_for("the cancellation", lambda: emulator.jobs[job].code(Product.LightCurve) == -4, TIMEOUT)
    runs.end_of(run, TIMEOUT)
    for name, value in account(emulator.url, USER).items():
        monkeypatch.setenv(name, value)
    options: dict[str, Any] = {"interval": 0.2, "max_wait": 1.0, "on_failure": "return", "quicklook": False}
    again = request_products(request, destination=home / "products", **options)

    assert again.job.job_id > job  # nobody goes on with a job that was cancelled


def test_cancelling_the_flow_around_it_cancels_the_job_once(worker: str, emulator: Emulator) -> None:
    runs = Runs(worker, f"follow up/{POOL}")
    run = start(runs, "Part of a pipeline")
    job = polled(emulator, "Part of a pipeline")

    runs.set_state(run, "CANCELLING", "Cancelling")

    wait_for("the cancellation", lambda: emulator.jobs[job].code(Product.LightCurve) == -4, TIMEOUT)
    assert runs.end_of(run, TIMEOUT)["state_type"] == "CANCELLED"
    assert len(emulator.ledger.calls("cancel", job_id=job)) == 1


@pytest.mark.long
def test_a_job_goes_on_where_that_is_wanted(runs: Runs, emulator: Emulator) -> None:
    run = start(runs, "Goes on", cancel_with_run=False)
    job = polled(emulator, "Goes on")

    runs.set_state(run, "CANCELLING", "Cancelling")
    wait_for("the line in the log", lambda: "The job goes on at the service" in runs.logs(run), TIMEOUT)

    assert runs.end_of(run, TIMEOUT)["state_type"] == "CANCELLED"
    assert emulator.jobs[job].code(Product.LightCurve) == 3
    assert emulator.ledger.calls("cancel", job_id=job) == []


@pytest.mark.long
def test_a_cancelled_run_cancels_its_rebinning(worker: str, emulator: Emulator) -> None:
    job = Client(USER, emulator.url).submit(request_for(Product.LightCurve, name="Ready"))
    emulator.advance(60)
    runs = Runs(worker, f"rebin light curve/{POOL}")
    run = runs.start(job_id=job.job_id, binning={"binMeth": "snapshot"}, interval=0.5)
    wait_for("polls", lambda: emulator.ledger.calls("rebin_status"), TIMEOUT)

    runs.set_state(run, "CANCELLING", "Cancelling")

    wait_for("the cancellation", lambda: emulator.rebins[71].code(Product.LightCurve) == -4, PROMISE)
    wait_for("the line in the log", lambda: "The flow run was cancelled; rebinning 71" in runs.logs(run), TIMEOUT)
    assert runs.end_of(run, TIMEOUT)["state_type"] == "CANCELLED"


@pytest.mark.long
@pytest.mark.parametrize(
    ("around", "code", "words"),
    [
        ("nullcontext()", 3, "rebinning 71 of job 951 goes on at the service"),
        ("cancel_on_interrupt()", -4, "rebinning 71 of job 951 is cancelled at the service"),
    ],
    ids=["goes on", "cancels"],
)
def test_ctrl_c_of_a_rebinning(prefect_api: str, tmp_path: Path, around: str, code: int, words: str) -> None:
    assert prefect_api
    script = (
        "from contextlib import nullcontext\nfrom xrt_products import rebin_light_curve\n"
        "from xrt_products.flows.interrupt import cancel_on_interrupt\n"
        f"with {around}:\n    rebin_light_curve(951, {{'binMeth': 'snapshot'}}, interval=0.5)\n"
    )
    with Emulator(users=(USER,), scenario=Scenario({"all": QUICK}, rebin=ENDLESS)) as emulator:
        Client(USER, emulator.url).submit(request_for(Product.LightCurve))
        emulator.advance(60)
        environment = account(emulator.url, USER)
        with group([sys.executable, "-c", script], tmp_path / "log", tmp_path, **environment) as running:
            wait_for("polls", lambda: len(emulator.ledger.calls("rebin_status")) > 1, TIMEOUT)
            time.sleep(0.2)  # the run pauses now, as it does nearly all the time

            running.process.send_signal(signal.SIGINT)
            assert running.process.wait(TIMEOUT) == -signal.SIGINT

        assert emulator.rebins[71].code(Product.LightCurve) == code
    log = (tmp_path / "log").read_text()
    assert words in log
    assert "Crash" not in log


@pytest.mark.parametrize(
    ("around", "code", "last"),
    [
        ("nullcontext()", 3, "  xrt-products cancel 951    cancels it"),
        ("cancel_on_interrupt()", -4, "KeyboardInterrupt: cancelled at the service: job 951: LightCurve: "),
    ],
    ids=["goes on", "cancels"],
)
def test_ctrl_c_of_a_script(prefect_api: str, tmp_path: Path, around: str, code: int, last: str) -> None:
    assert prefect_api
    request = request_for(Product.LightCurve).model_dump(mode="json")
    tag = f"script-{uuid4().hex}"
    script = (
        "from prefect import tags\nfrom contextlib import nullcontext\nfrom xrt_products import request_products\n"
        "from xrt_products.flows.interrupt import cancel_on_interrupt\n"
        f"with {around}, tags({tag!r}):\n    request_products({request!r}, interval=0.5)\n"
    )
    with (
        Emulator(users=(USER,), scenario=Scenario({"all": ENDLESS})) as emulator,
        group([sys.executable, "-c", script], tmp_path / "log", tmp_path, **account(emulator.url, USER)) as running,
    ):
        wait_for("polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)
        time.sleep(0.2)  # the run pauses now, as it does nearly all the time

        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(TIMEOUT) == -signal.SIGINT

        assert emulator.jobs[951].code(Product.LightCurve) == code
    log = (tmp_path / "log").read_text()
    assert log.splitlines()[-1].startswith(last)
    assert "Crash" not in log
    assert "Hook" not in log
    (run,) = tagged_runs(prefect_api, tag)
    assert (run["state_type"], run["state_name"]) == ("CANCELLED", "Interrupted")
    assert run["state"]["message"] in log
    assert "job 951" in run["state"]["message"]


@pytest.mark.long
def test_ctrl_c_of_a_flow_that_asks_for_products_leaves_its_step_interrupted(prefect_api: str, tmp_path: Path) -> None:
    request = request_for(Product.LightCurve).model_dump(mode="json")
    tag = f"parent-{uuid4().hex}"
    script = (
        "from prefect import flow, tags\nfrom xrt_products import request_products\n"
        f"@flow\ndef survey():\n    with tags({tag!r}):\n        request_products({request!r}, interval=0.5)\n"
        "survey()\n"
    )
    (tmp_path / "survey.py").write_text(script)
    with (
        Emulator(users=(USER,), scenario=Scenario({"all": ENDLESS})) as emulator,
        group([sys.executable, "survey.py"], tmp_path / "log", tmp_path, **account(emulator.url, USER)) as running,
    ):
        wait_for("polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)

        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(TIMEOUT) == -signal.SIGINT

        assert emulator.ledger.calls("cancel") == []
    assert "Hook" not in (tmp_path / "log").read_text()
    assert [run["state_name"] for run in tagged_runs(prefect_api, tag)] == ["Interrupted"]


def test_what_is_cancelled_on_the_services_web_page_ends_as_cancelled(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=1e9)})

    with meanwhile(lambda: emulator.ledger.calls("status"), lambda: emulator.cancel(951, ["LightCurve"])):
        report = request_products(request_for(Product.LightCurve, Product.Image), **options)

    assert {p: o.outcome for p, o in report.outcomes.items()} == {
        Product.LightCurve: "cancelled",
        Product.Image: "downloaded",
    }
    assert report.ok

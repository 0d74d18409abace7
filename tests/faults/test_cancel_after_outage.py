"""A cancellation in the UI after the Prefect server has been away for longer than Prefect's own watch waits for it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import parent_flow
import pytest
from own_server import OwnServer
from prefect_runs import BIN, Runs, account, copy_database, group, wait_for
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario

POOL = "xrt-outage"
TIMEOUT = 180.0  # s
ENDLESS = Build(requested=0, queued=0, running=1e9)
GIVEN_UP = "flow run cancellation will fail"
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("prefect away")]


@pytest.fixture
def server(prefect_api: str, tmp_path: Path) -> Iterator[OwnServer]:
    assert prefect_api
    copy_database(tmp_path / "prefect.db")
    running = OwnServer(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.mark.parametrize("flow", ["request products", "follow up"], ids=["its own run", "a step of another flow's"])
def test_it_reaches_the_service(server: OwnServer, tmp_path: Path, flow: str) -> None:
    entrypoints = ("xrt_products.flows.products.request_products", "parent_flow.follow_up")
    file = tmp_path / "prefect.yaml"
    file.write_text(
        json.dumps(
            {
                "name": POOL,
                "pull": [{"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}],
                "deployments": [{"name": POOL, "entrypoint": e, "work_pool": {"name": POOL}} for e in entrypoints],
            }
        )
    )
    path = f"{Path(parent_flow.__file__).parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**server.environment, "PYTHONPATH": path, "PREFECT_WORKER_QUERY_SECONDS": "1"}
    for command in (["work-pool", "create", POOL, "--type", "process"], ["deploy", "--all", "--prefect-file", file]):
        subprocess.run(
            [BIN / "prefect", "--no-prompt", *command],
            cwd=tmp_path,
            env=os.environ | environment,
            capture_output=True,
            timeout=TIMEOUT,
            check=True,
        )
    worker = [str(BIN / "prefect"), "worker", "start", "--pool", POOL]
    log, runs = tmp_path / "worker.log", Runs(server.api, f"{flow}/{POOL}")

    with (
        Emulator(users=(USER,), scenario=Scenario({"all": ENDLESS})) as emulator,
        group(worker, log, tmp_path, **environment, **account(emulator.url, USER)),
    ):
        request = request_for(Product.Image).model_dump(mode="json")
        run = runs.start(request=request, interval=0.5)
        wait_for("polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)
        server.kill()
        wait_for("the end of Prefect's patience", lambda: GIVEN_UP in log.read_text(), TIMEOUT)
        server.start()

        runs.set_state(run, "CANCELLING", "Cancelling")
        wait_for("the cancellation", lambda: emulator.jobs[951].code(Product.Image) == -4, TIMEOUT)
        ended = runs.end_of(run, TIMEOUT)

        assert ended["state_type"] == "CANCELLED", log.read_text()[-3000:]
        assert len(emulator.ledger.calls("cancel")) == 1

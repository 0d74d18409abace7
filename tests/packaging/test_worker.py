"""A worker in a user's own project runs the installed flow, deployed by the file that the command writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from fresh_environment import FreshEnvironment
from prefect_runs import Runs, account, api_session, free_port, group, wait_for
from xrt_support import QUICK, USER, request_for

from ukssdc import Product
from ukssdc.emulator import Emulator, Scenario

PATIENCE = 120.0  # s
LIST_BLOCK_TYPES = """
import os, subprocess, sys
os.environ |= dict(setting.split("=", 1) for setting in sys.argv[1:])
subprocess.run([sys.executable, "-m", "prefect", "block", "type", "ls"], check=True)
"""
pytestmark = pytest.mark.xdist_group("packaging")


@pytest.mark.parametrize("source", ["tree", pytest.param("sdist", marks=pytest.mark.long)])
def test_a_worker_beside_a_users_own_flows_and_tasks_runs_a_request(
    source: str, environment_with: Callable[[str], FreshEnvironment], prefect_api: str, tmp_path: Path
) -> None:
    environment = environment_with(source)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "__init__.py").write_text("")
    (tmp_path / "tasks.py").write_text("")
    prefect = ("-m", "prefect")
    pool = f"from-{source}"
    written = environment.run(environment.python.with_name("xrt-products"), "deployments", directory=tmp_path)
    text = written.replace("name: on-demand\n", f"name: {pool}\n").replace("name: xrt\n", f"name: {pool}\n")
    (tmp_path / "prefect.yaml").write_text(text)
    request = request_for(Product.Image).model_dump(mode="json")
    settings = {"PYTHONPATH": "", "PREFECT_WORKER_QUERY_SECONDS": "1"}
    worker = [str(environment.python), *prefect, "worker", "start", "--pool", pool, "--type", "process"]

    with (
        Emulator(users=(USER,), scenario=Scenario({"all": QUICK}), seconds_per_poll=60) as emulator,
        group(worker, tmp_path / "worker.log", tmp_path, **account(emulator.url, USER), **settings),
    ):
        wait_for("the worker's pool", lambda: api_session().get(f"{prefect_api}/work_pools/{pool}").ok, PATIENCE)
        environment.run(*prefect, "--no-prompt", "deploy", "--name", pool, directory=tmp_path)
        runs = Runs(prefect_api, f"request products/{pool}")
        run = runs.end_of(runs.start(request=request, interval=0.5, quicklook=False), PATIENCE)

    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert [path.name for path in (tmp_path / "products").rglob("*.tar.gz")] == ["image.tar.gz"]


def answers(api: str) -> bool:
    """Tell whether a server answers."""
    try:
        return requests.get(f"{api}/health", timeout=2).ok
    except requests.RequestException:
        return False


@pytest.mark.long
def test_a_server_knows_the_account_block_from_its_start(
    environment_with: Callable[[str], FreshEnvironment], tmp_path: Path
) -> None:
    environment, port = environment_with("tree"), free_port()
    settings = {
        "PYTHONPATH": "",
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/prefect.db",
    }
    server = [str(environment.python), "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]

    def listed() -> str:
        asked = [f"{name}={value}" for name, value in settings.items()]
        return environment.run("-c", LIST_BLOCK_TYPES, *asked, directory=tmp_path)

    with group(server, tmp_path / "server.log", tmp_path, **settings):
        wait_for("the server", lambda: answers(settings["PREFECT_API_URL"]), PATIENCE)
        wait_for("the block type", lambda: "ukssdc-account" in listed(), PATIENCE, 1.0)

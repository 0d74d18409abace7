"""Flow runs as the Prefect server sees them, over its API, and the processes that carry them out."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

BIN = Path(sys.executable).parent
TIMEOUT = 120.0  # s; a busy Prefect server on SQLite may hold an answer back for a minute
MARK = "XRT_TEST_PROCESS"  # in the environment of all processes of a group, children included
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def wait_for(what: str, condition: Callable[[], Any], seconds: float, step: float = 0.1) -> Any:
    """Wait until a condition holds and return what it returned; fail the test after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(step)
    return pytest.fail(f"{what}: not within {seconds:g} s")


def api_session() -> requests.Session:
    """Return a session for Prefect's API, which answers 503 where two writes meet on SQLite."""
    session = requests.Session()
    again = Retry(8, status_forcelist=[503], allowed_methods=None, backoff_factor=0.1)
    session.mount("http://", HTTPAdapter(max_retries=again))
    return session


def copy_database(to: Path) -> None:
    """Copy the session's database for a server of a test's own: setting one up takes half a minute."""
    with (
        closing(sqlite3.connect(f"{os.environ['XRT_TEST_HOME']}/prefect/prefect.db")) as session,
        closing(sqlite3.connect(to)) as copy,
    ):
        session.backup(copy)


@contextmanager
def meanwhile(when: Callable[[], Any], do: Callable[[], Any], seconds: float = TIMEOUT) -> Iterator[None]:
    """Do something in another thread once a condition holds, while the body runs; fail where it never held."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(lambda: (wait_for("the moment", when, seconds), do()))
        yield
        done.result(seconds)


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Runs:
    """The flow runs of one deployment.

    Parameters
    ----------
    api : str
        The server's address.
    deployment : str
        `flow name/deployment name`.
    """

    def __init__(self, api: str, deployment: str) -> None:
        self._api = api
        self._name = deployment

    def exists(self) -> bool:
        """Tell whether the server knows the deployment."""
        return api_session().get(f"{self._api}/deployments/name/{self._name}", timeout=TIMEOUT).ok

    def start(self, **parameters: Any) -> str:
        """Create a flow run, to begin at once, and return its id."""
        found = api_session().get(f"{self._api}/deployments/name/{self._name}", timeout=TIMEOUT)
        found.raise_for_status()
        created = api_session().post(
            f"{self._api}/deployments/{found.json()['id']}/create_flow_run",
            json={"parameters": parameters},
            timeout=TIMEOUT,
        )
        created.raise_for_status()
        return str(created.json()["id"])

    def read(self, run: str) -> dict[str, Any]:
        """Return what the server knows of a run."""
        answer = api_session().get(f"{self._api}/flow_runs/{run}", timeout=TIMEOUT)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def state(self, run: str) -> str:
        """Return the type of a run's state."""
        return str(self.read(run)["state_type"])

    def set_state(self, run: str, kind: str, name: str | None = None, *, force: bool = False) -> None:
        """Set a run's state, as the UI does."""
        answer = api_session().post(
            f"{self._api}/flow_runs/{run}/set_state",
            json={"state": {"type": kind, "name": name}, "force": force},
            timeout=TIMEOUT,
        )
        answer.raise_for_status()

    def end_of(self, run: str, seconds: float) -> dict[str, Any]:
        """Wait for a run's end."""
        wait_for(f"the end of run {run}", lambda: self.state(run) in ENDS, seconds, 0.5)
        return self.read(run)

    def logs(self, run: str) -> str:
        """Return a run's log lines."""
        answer = api_session().post(
            f"{self._api}/logs/filter",
            json={"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC", "limit": 200},
            timeout=TIMEOUT,
        )
        answer.raise_for_status()
        return "\n".join(line["message"] for line in answer.json())


def tagged_runs(api: str, tag: str) -> list[dict[str, Any]]:
    """Return the flow runs that have a tag."""
    answer = api_session().post(
        f"{api}/flow_runs/filter", json={"flow_runs": {"tags": {"all_": [tag]}}}, timeout=TIMEOUT
    )
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


class Group:
    """A process and all that it has started, which can be killed together.

    Parameters
    ----------
    command : list
        What is run.
    log : Path
        Takes its output; is added to.
    directory : Path
        Where it runs.
    **environment : str
        In addition to this process's.
    """

    def __init__(self, command: list[str], log: Path, directory: Path, **environment: str) -> None:
        self._mark = f"{MARK}={uuid4().hex}"
        name, _, value = self._mark.partition("=")
        with log.open("a") as output:
            self.process = subprocess.Popen(
                command,
                cwd=directory,
                env=os.environ | {"PWD": str(directory)} | environment | {name: value},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End them all with SIGKILL; a child started at this very moment as well."""
        kill_marked(self._mark)
        self.process.wait(TIMEOUT)


def kill_marked(mark: str) -> None:
    """End all processes with SIGKILL that have `NAME=VALUE` in their environment."""
    deadline = time.monotonic() + TIMEOUT
    while left := [int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_marked(path, mark.encode())]:
        if time.monotonic() > deadline:
            pytest.fail("the processes could not be killed")
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _is_marked(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or someone else's
        return False


@contextmanager
def group(command: list[str], log: Path, directory: Path, **environment: str) -> Iterator[Group]:
    """Run a command, and leave nothing of it behind."""
    started = Group(command, log, directory, **environment)
    try:
        yield started
    finally:
        started.kill()


def account(url: str, user: str) -> Mapping[str, str]:
    """Return the environment that points a process at an emulator."""
    return {"UKSSDC_USER": user, "UKSSDC_URL": url}

"""One Prefect server for the whole test session, shared by all its processes and started when first needed."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, settings

settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

SERVER_START = 180.0  # s
SERVER = Path(__file__).with_name("support") / "prefect_server.py"


def pytest_configure(config: pytest.Config) -> None:
    """Set Prefect up before any test module imports it; the processes of pytest-xdist inherit the environment."""
    if hasattr(config, "workerinput"):
        return
    home = tempfile.mkdtemp(prefix="xrt-tests-")
    # Before Prefect is imported, so that it comes after Prefect's own: without a server, that waits for over a minute.
    atexit.register(end_server, Path(home))
    for name in [n for n in os.environ if n.startswith(("PREFECT_", "UKSSDC_"))]:
        del os.environ[name]
    os.environ |= {
        "XRT_TEST_HOME": home,
        "PREFECT_HOME": f"{home}/prefect",
        "XDG_STATE_HOME": f"{home}/state",
        "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect/prefect.db",
        "DO_NOT_TRACK": "1",
    }


def end_server(home: Path) -> None:
    """End the server, if a test started it."""
    pid_file = home / "server.pid"
    if pid_file.exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(pid_file.read_text()), signal.SIGKILL)
    shutil.rmtree(home, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """Yield the address of the session's Prefect server; the first to ask starts it.

    Flows send no heartbeats, which nobody looks for here: at its end, a flow waits up to 1 s for the thread that does.
    """
    home = Path(os.environ["XRT_TEST_HOME"])
    api = os.environ["PREFECT_API_URL"]
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "server.pid").exists():
            with (home / "server.log").open("w") as log:
                port = api.split(":")[2].split("/")[0]
                server = subprocess.Popen(
                    [sys.executable, SERVER, "server", "start", "--host", "127.0.0.1", "--port", port],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            (home / "server.pid").write_text(str(server.pid))
            wait_for_server(api, home / "server.log")

    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415 - as above

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield api


def wait_for_server(api: str, log: Path) -> None:
    deadline = time.monotonic() + SERVER_START
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{api}/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    pytest.fail(f"the Prefect server did not start:\n{log.read_text()[-3000:]}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the fault matrix, and the figures of the long campaigns, where they were run."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind) if r.when == "call"]
    for name, lines in [(r.nodeid, v) for r in reports for k, v in r.user_properties if k == "figures"]:
        terminalreporter.section(name.partition("::")[2])
        for line in lines:
            terminalreporter.write_line(line)
    cells = sorted((tuple(v), r.outcome) for r in reports for k, v in r.user_properties if k == "cell")
    if cells:
        terminalreporter.section("fault matrix")
        row = "{:20} {:28} {:34} {:6} {:16} {}".format
        terminalreporter.write_line(row("step", "fault", "the flow", "jobs", "files", ""))
        for (step, fault, flow, jobs, files), outcome in cells:
            terminalreporter.write_line(
                row(step, fault, flow, str(jobs), files, "" if outcome == "passed" else "FAILED")
            )

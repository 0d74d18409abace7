"""A terminal that is closed, and a command that is killed: the command ends in order, and no server is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prefect_runs import copy_database, free_port, wait_for
from raw_server import http, raw_server
from terminal import Terminal
from user_servers import own_state, servers_of, wait_for_end
from xrt_support import USER, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products.flows.cli.server import wait_until_healthy

pytestmark = pytest.mark.xdist_group("own server")  # one after the other, as each looks for Prefect's usual port

COMMAND = Path(sys.executable).with_name("xrt-products")
TIMEOUT = 120.0  # s; longer than anything here takes
LC = Product.LightCurve
ENDLESS = Build(requested=0, queued=0, running=1e6)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator(users=(USER,), scenario=Scenario({"all": ENDLESS}), seconds_per_poll=60.0) as running:
        monkeypatch.setenv("UKSSDC_USER", USER)
        monkeypatch.setenv("UKSSDC_URL", running.url)
        yield running


@pytest.fixture
def folder(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a user's folder with a request in it; no Prefect server is set up, but there is a database for one."""
    assert prefect_api  # its database is copied
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(request_for(LC).model_dump(mode="json")))
    with own_state(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
            if not value:
                monkeypatch.delenv(name)
        yield tmp_path


@contextlib.contextmanager
def running(*arguments: object, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a session of its own, and leave nothing of it."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND, *map(str, arguments)], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        for number in [process.pid, *processes_in(folder, "xrt_products.flows.cli")]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait(TIMEOUT)


def processes_in(folder: Path, module: str) -> list[int]:
    """Return the processes of a module that were started in a folder; those that have ended are none."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if module.encode() in words and (process / "cwd").resolve() == folder.resolve():
                found.append(int(process.name))
    return found


def servers_in(folder: Path) -> list[int]:
    """Return the server of the commands, or of the demonstration in this folder."""
    return [*servers_of(folder), *processes_in(folder / ".demo" / "prefect", "xrt_products.flows.cli.server")]


def log_of(folder: Path) -> bytes:
    return (folder / "log").read_bytes()


def wait_for_server(folder: Path) -> None:
    """Wait until a command has started the server."""
    wait_for("the server", lambda: servers_of(folder), TIMEOUT)


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGHUP, 129, id="SIGHUP"),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM", marks=pytest.mark.long),
    ],
)
def test_a_run_ends_in_order_and_its_server_with_it(
    emulator: Emulator, folder: Path, number: signal.Signals, status: int
) -> None:
    with running("run", "grb.yaml", "--interval", 0.3, folder=folder) as process:
        wait_for_server(folder)
        wait_for("two polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)

        os.kill(process.pid, number)

        assert process.wait(TIMEOUT) == status
        wait_for_end(folder)
    assert emulator.ledger.calls("cancel") == []  # as with SIGTERM, the job goes on
    assert b"Exception ignored" not in log_of(folder)


def test_a_run_whose_server_is_still_starting_leaves_none_behind(emulator: Emulator, folder: Path) -> None:
    with running("run", "grb.yaml", "--interval", 0.3, folder=folder) as process:
        wait_for_server(folder)

        os.kill(process.pid, signal.SIGHUP)

        assert process.wait(TIMEOUT) == 129, log_of(folder).decode()
        wait_for_end(folder)
    assert emulator.ledger.calls("submit") == []


SENT_ON_IMPORT = """
import signal, sys

class Ignoring:
    def __del__(self):
        signal.raise_signal({number})

class Converting:
    def __set_name__(self, owner, name):
        signal.raise_signal({number})

class Finder:
    def find_spec(self, name, *_):
        if name == "prefect":
            sys.meta_path.remove(self)
            {where}

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "where", ["Ignoring()", "type('Owner', (), {'name': Converting()})"], ids=["lost", "converted"]
)
@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGHUP, 129, id="SIGHUP"),
        pytest.param(signal.SIGINT, 130, id="SIGINT", marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, 143, id="SIGTERM", marks=pytest.mark.long),
    ],
)
def test_a_signal_in_the_middle_of_an_import_ends_a_run(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int, where: str
) -> None:
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(request_for(LC).model_dump(mode="json")))
    (tmp_path / "sitecustomize.py").write_text(SENT_ON_IMPORT.format(number=int(number), where=where))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    with running("run", "grb.yaml", "--interval", 0.3, folder=tmp_path) as process:
        wait_for("the end", lambda: process.poll() is not None or emulator.jobs, TIMEOUT)

        assert process.poll() == status, log_of(tmp_path).decode()
    assert b"Traceback" not in log_of(tmp_path)


@pytest.mark.parametrize("moment", ["starting", "polling"])
def test_the_server_of_a_run_that_is_killed_ends_by_itself(emulator: Emulator, folder: Path, moment: str) -> None:
    with running("run", "grb.yaml", "--interval", 0.3, folder=folder) as process:
        wait_for_server(folder)
        if moment == "polling":
            wait_for("two polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)
        assert servers_in(folder)

        os.kill(process.pid, signal.SIGKILL)

        wait_for("the server's end", lambda: not servers_in(folder), TIMEOUT)


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGHUP, id="SIGHUP", marks=pytest.mark.long), pytest.param(signal.SIGKILL, id="SIGKILL")],
)
def test_a_demonstration_that_ends_early_leaves_neither_server_nor_run(folder: Path, number: signal.Signals) -> None:
    home = folder / ".demo" / "prefect"
    home.mkdir(parents=True)
    copy_database(home / "prefect.db")
    with running("demo", folder=folder) as process:
        wait_for("the demonstration's run", lambda: b"$ xrt-products run" in log_of(folder), TIMEOUT)
        assert servers_in(folder)

        os.kill(process.pid, number)

        process.wait(TIMEOUT)
        wait_for("the server's end", lambda: not servers_in(folder), TIMEOUT)
        wait_for("the run's end", lambda: not processes_in(folder, "xrt_products.flows.cli.demo"), TIMEOUT)
    assert process.returncode == (129 if number == signal.SIGHUP else -signal.SIGKILL)


def test_watching_in_a_terminal_that_is_closed_ends(emulator: Emulator, folder: Path) -> None:
    Client(USER, emulator.url).submit(request_for(LC))
    terminal = Terminal("watch", 951, "--interval", 0.2, directory=folder)

    assert terminal.close(after="Running (3)") == 129


def test_nohup_is_honoured(emulator: Emulator, folder: Path) -> None:
    Client(USER, emulator.url).submit(request_for(LC))
    with subprocess.Popen(
        ["nohup", COMMAND, "watch", "951", "--interval", "0.2"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        wait_for("two polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)
        os.kill(process.pid, signal.SIGHUP)
        polls = len(emulator.ledger.calls("status"))
        wait_for("two more polls", lambda: len(emulator.ledger.calls("status")) > polls + 1, TIMEOUT)
        emulator.cancel(951)

        assert process.wait(TIMEOUT) == 0


@pytest.mark.parametrize("exempt", ["", pytest.param("example.org", marks=pytest.mark.long)])
def test_the_commands_own_server_is_asked_past_a_proxy(
    emulator: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    refused = wrong_proxy()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, refused)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, exempt)

    with running("run", "grb.yaml", "--interval", 0.3, folder=folder) as process:
        wait_for("a poll", lambda: emulator.ledger.calls("status") or process.poll() is not None, TIMEOUT)

        assert process.poll() is None, log_of(folder).decode()


def test_the_health_of_a_server_is_asked_past_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, wrong_proxy())
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("xrt_products.flows.cli.server.SERVER_START", 20.0)
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]

    with raw_server(http(b"true")) as url, subprocess.Popen(sleeper) as process:
        try:
            wait_until_healthy(lambda: process.poll() is None, url, tmp_path / "log")
        finally:
            process.kill()


def wrong_proxy() -> str:
    """Return the address of a proxy that nobody runs."""
    return f"http://127.0.0.1:{free_port()}"

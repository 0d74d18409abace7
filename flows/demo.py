"""The demonstration: emulator, Prefect server and the flow for GRB 200416A, all on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from rich.console import Console

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.record import JobRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(".demo")
REQUEST = Path(__file__).with_name("demo.yaml")
USER = "observer@example.org"
SPEED = 20.0  # service seconds per second
INTERVAL = 60 / SPEED  # s: once a minute, on the service's clock
PORT = 4200
PRODUCTS = HOME / "products"
COMMAND = (sys.executable, "-m", "flows.cli")
SERVER_START = 180.0  # s; the first start sets its database up
EXPECTED = dict.fromkeys(Product, "downloaded") | {Product.EnhancedPos: "failed", Product.AstromPos: "cancelled"}
SCENARIO = Scenario(
    {
        Product.EnhancedPos: Build(ends=-3, text="No enhanced position could be produced"),
        Product.AstromPos: Build(running=40, ends=-4, text="Cancelled at your request"),
    }
)


def run_demo(*, keep: bool = False) -> int:
    """Run the demonstration.

    Parameters
    ----------
    keep : bool, optional
        Leave the Prefect server up.

    Returns
    -------
    int
        0 where the outcomes are those that the scenario sets.
    """
    say = Console(highlight=False, soft_wrap=True).print
    HOME.mkdir(exist_ok=True)
    shutil.rmtree(PRODUCTS, ignore_errors=True)
    say("Starting a Prefect server of its own in .demo/ (the first start takes half a minute) ...")
    with _prefect_server(keep=keep) as ui, Emulator(speed=SPEED, users=(USER,), scenario=SCENARIO) as emulator:
        say(f"Prefect UI: {ui}\nEmulator of the UKSSDC: {emulator.url}, {SPEED:g} times as fast as the real one")
        command = [*COMMAND, "run", str(REQUEST), "--destination", str(PRODUCTS), "--interval", f"{INTERVAL:g}"]
        say(f"$ xrt-products {' '.join(command[len(COMMAND) :])}")
        subprocess.run(  # noqa: S603 - the command is ours
            command, env=os.environ | {"UKSSDC_USER": USER, "UKSSDC_URL": emulator.url}, check=False
        )
        say("EnhancedPos fails and AstromPos is cancelled on purpose: the scenario says so.")
        if keep:
            say(f"The Prefect UI stays up: open {ui}/runs and look at the run, its tasks and its artifacts.")
            say("`make demo-stop` ends it.")
        else:
            say(f"To look around in the Prefect UI, run `make demo KEEP=1`; this one was at {ui}/runs")
    return 0 if _outcomes() == EXPECTED else 1


def _outcomes() -> dict[Product, str]:
    """Return the outcomes that the run has put on record."""
    records = [JobRecord.load(path.parent) for path in PRODUCTS.glob("*/*/job.json")]
    return records[0].outcomes if len(records) == 1 and records[0] else {}


def stop_server() -> None:
    """End a server that an earlier demonstration left up."""
    pid_file = HOME / "server.pid"
    try:
        pid = int(pid_file.read_text())
        command = Path(f"/proc/{pid}/cmdline")
        ours = not command.exists() or b"prefect" in command.read_bytes()  # numbers are used again
        if ours:
            _end(pid)
    except (OSError, ValueError):
        pass
    pid_file.unlink(missing_ok=True)


@contextmanager
def _prefect_server(*, keep: bool) -> Iterator[str]:
    """Serve Prefect from .demo/prefect and set this process up for it; yield the UI's address."""
    stop_server()
    port = _free_port()
    home = (HOME / "prefect").resolve()
    os.environ |= {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
    }
    prefect = shutil.which("prefect", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if prefect is None:
        raise OSError("the command prefect is missing: install this project with its dependencies")
    with (HOME / "server.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(  # noqa: S603 - the command is ours
            [prefect, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (HOME / "server.pid").write_text(str(server.pid))
    finished = False
    try:
        _wait_until_healthy(server, port)
        yield f"http://127.0.0.1:{port}"
        finished = True
    finally:
        if not (keep and finished):
            _end(server.pid)
            server.wait()
            (HOME / "server.pid").unlink(missing_ok=True)


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + SERVER_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise OSError(f"the Prefect server ended with status {server.returncode}; see {HOME / 'server.log'}")
        try:
            if requests.get(f"http://127.0.0.1:{port}/api/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise OSError(f"the Prefect server did not start within {SERVER_START:g} s; see {HOME / 'server.log'}")


def _end(pid: int) -> None:
    """End a server and its children: politely at first."""
    for sign, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(pid, sign)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and _alive(pid):
            time.sleep(0.2)


def _alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _free_port() -> int:
    """Return Prefect's usual port where it is free, another one otherwise."""
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")

"""The demonstration: emulator, Prefect server and the flow for GRB 200416A, all on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.record.record import JobRecord
from xrt_products.flows.cli.server import MODULE as SERVER
from xrt_products.flows.cli.server import (
    NO_STATISTICS,
    PORT,
    address,
    end,
    keep_running,
    listen,
    start,
    wait_until_healthy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(".demo")
REQUEST = Path(__file__).with_name("demo.yaml")
USER = "observer@example.org"
SPEED = 20.0  # service seconds per second
INTERVAL = 60 / SPEED  # s: once a minute, on the service's clock
PRODUCTS = HOME / "products"
COMMAND = (sys.executable, "-m", "xrt_products.flows.cli.demo_run")  # the command, which ends when this process does
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
        say(f"Prefect UI: {ui}\nEmulator of the UKSSDC: {emulator.url}, {SPEED:g}x real time")
        command = [*COMMAND, "run", str(REQUEST), "--destination", str(PRODUCTS), "--interval", f"{INTERVAL:g}"]
        say(f"$ xrt-products {' '.join(command[len(COMMAND) :])}")
        environment = os.environ | {"UKSSDC_USER": USER, "UKSSDC_URL": emulator.url}
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as run:  # noqa: S603 - ours
            run.wait()
        say("EnhancedPos fails and AstromPos is cancelled on purpose: the scenario says so.")
        if keep:
            say(f"The Prefect UI stays up: open {ui}/runs and look at the run, its tasks and its artifacts.")
            say("The emulator has ended with the run, so links to the job's own page lead nowhere now.")
            say("`make demo-stop` ends the Prefect server.")
        else:
            say(f"To look around in the Prefect UI, run `make demo KEEP=1`; this one was at {ui}/runs")
    return 0 if _outcomes() == EXPECTED else 1


def _outcomes() -> dict[Product, str]:
    """Return the outcomes that the run has put on record."""
    records = [JobRecord.load(path.parent) for path in PRODUCTS.glob("*/*/job.json")]
    return records[0].outcomes if len(records) == 1 and records[0] else {}


def stop_demo() -> None:
    """End a server that an earlier demonstration left up, and say whether there was one."""
    pid = stop_server()
    say = Console(highlight=False, soft_wrap=True).print
    if pid is None:
        say("No Prefect server of the demonstration was running.")
    else:
        say(f"Ended the demonstration's Prefect server (process {pid}).")


def stop_server() -> int | None:
    """End a server that an earlier demonstration left up; return its process id, or None where there was none."""
    pid_file = HOME / "server.pid"
    ended = None
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, 0)  # an OSError where there is no such process
        command = Path(f"/proc/{pid}/cmdline")
        words = command.read_bytes() if command.exists() else b"prefect"
        ours = SERVER.encode() in words or b"prefect" in words  # numbers are used again
        if ours:
            end(pid)
            ended = pid
    except (OSError, ValueError):
        pass
    pid_file.unlink(missing_ok=True)
    return ended


@contextmanager
def _prefect_server(*, keep: bool) -> Iterator[str]:
    """Serve Prefect from .demo/prefect and set this process up for it; yield the UI's address."""
    stop_server()
    home = (HOME / "prefect").resolve()
    home.mkdir(exist_ok=True)
    with listen(PORT) as listener, (HOME / "server.log").open("wb") as log:
        url = address(listener)
        server = start(listener, home, log)
    os.environ |= NO_STATISTICS | {"PREFECT_HOME": str(home), "PREFECT_API_URL": f"{url}/api"}
    (HOME / "server.pid").write_text(str(server.pid))
    finished = False
    try:
        wait_until_healthy(lambda: server.poll() is None, url, HOME / "server.log")
        yield url
        finished = True
    finally:
        if keep and finished:
            keep_running(server)
        else:
            end(server.pid)
            (HOME / "server.pid").unlink(missing_ok=True)

"""How long commands take to start, and a flow whose job is complete at the first poll, beside `import prefect`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import commands_server
from table import report

from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products.flows.cli.server import NO_STATISTICS

ROUNDS = 7
USER = "observer@example.org"
COMMAND = str(Path(sys.executable).with_name("xrt-products"))
REQUEST = """
name: GRB 200416A
getTargs: true
RA: 335.6985
Dec: -7.5179
centroid: false
Image: {}
"""
OPTIONS = ("--interval", "1", "--no-quicklook")


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return how long a command takes, s."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - began


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    ready = Scenario({"all": Build(requested=0, queued=0, running=0)})
    with (
        tempfile.TemporaryDirectory() as name,
        Emulator(users=(USER,), scenario=ready, max_active_jobs=10_000) as emulator,
    ):
        folder = Path(name)
        (folder / "request.yaml").write_text(REQUEST)
        (folder / "server").mkdir()
        bare = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")} | NO_STATISTICS
        bare |= {"UKSSDC_USER": USER, "UKSSDC_URL": emulator.url, "XDG_STATE_HOME": str(folder / "state")}
        bare |= {"PREFECT_HOME": str(folder / "client")}
        run = [COMMAND, "run", str(folder / "request.yaml"), "--destination", str(folder / "products"), *OPTIONS]
        with commands_server(folder / "server") as url:
            served = bare | {"PREFECT_API_URL": f"{url}/api"}
            ways = {
                'python -c "import prefect"': ([sys.executable, "-c", "import prefect"], bare),
                "xrt-products --help": ([COMMAND, "--help"], bare),
                "xrt-products check FILE": ([COMMAND, "check", str(folder / "request.yaml")], bare),
                "xrt-products jobs": ([COMMAND, "jobs"], bare),
                "xrt-products run FILE, with a Prefect server": (run, served),
                "xrt-products run FILE, with its own": (run, bare),
            }
            found: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(ROUNDS + 1):  # the first sets the databases up
                for way, (command, environment) in ways.items():
                    found[way].append(seconds(command, environment))
    medians = {way: statistics.median(times[1:]) for way, times in found.items()}
    prefect = next(iter(medians.values()))
    rows = [(way, f"{value:.2f} s", f"{value / prefect:.2f} times import prefect") for way, value in medians.items()]
    title = f"Start-up, and a run whose job is complete at the first poll; medians of {ROUNDS}"
    report("start", title, rows, {"seconds": found, "medians": medians})


if __name__ == "__main__":
    main()

"""Ten runs that start together, on three Prefect servers, side by side in one run.

`python tests/benchmarks/servers.py`, as root: it needs Debian's `postgresql`, which it runs as the user postgres.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products.flows.cli.server import NO_STATISTICS, address, end, listen, start, wait_until_healthy

AT_ONCE = 10
ROUNDS = 3
USER = "observer@example.org"
FLOWS = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from xrt_products import request_products
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

def run(name):
    request = dict(name=name, getTargs=True, RA=335.7, Dec=-7.5, centroid=False, LightCurve=dict(binMeth="snapshot"))
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        began = time.monotonic()
        request_products(request, destination=sys.argv[1], interval=0.2, quicklook=False, max_active=99)
        return time.monotonic() - began

run("warm-up")
began = time.monotonic()
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    each = list(pool.map(run, [f"Target {n}" for n in range(int(sys.argv[2]))]))
print(time.monotonic() - began, max(each))
"""


@contextmanager
def commands_server(home: Path) -> Iterator[str]:
    """Serve as the commands' own server does."""
    with listen() as listener, (home / "log").open("wb") as log:
        url = address(listener)
        server = start(listener, home, log)
    try:
        wait_until_healthy(lambda: server.poll() is None, url, home / "log")
        yield url
    finally:
        end(server.pid)


@contextmanager
def prefect_server(home: Path, **environment: str) -> Iterator[str]:
    """Serve as `prefect server start` does."""
    with listen() as listener:
        url = address(listener)
    port = url.rpartition(":")[2]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port],
            env=os.environ | NO_STATISTICS | {"PREFECT_HOME": str(home)} | environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_healthy(lambda: server.poll() is None, url, home / "log")
        yield url
    finally:
        end(server.pid)


@contextmanager
def postgresql(home: Path) -> Iterator[str]:
    """Serve as `prefect server start` does with Debian's PostgreSQL."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    data = Path(tempfile.mkdtemp(prefix="xrt-postgresql-"))
    shutil.chown(data, "postgres", "postgres")
    with listen() as listener:
        port = address(listener).rpartition(":")[2]

    def postgres(*words: str) -> None:
        command = ["runuser", "-u", "postgres", "--", *words]
        subprocess.run(command, check=True, capture_output=True, cwd=data)

    postgres(str(binaries / "initdb"), "-D", str(data / "db"), "--auth", "trust")
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1"
    postgres(str(binaries / "pg_ctl"), "-D", str(data / "db"), "-l", str(data / "log"), "-w", "-o", options, "start")
    try:
        postgres(str(binaries / "createdb"), "-h", "127.0.0.1", "-p", port, "prefect")
        url = f"postgresql+asyncpg://postgres@127.0.0.1:{port}/prefect"
        with prefect_server(home, PREFECT_SERVER_DATABASE_CONNECTION_URL=url) as served:
            yield served
    finally:
        postgres(str(binaries / "pg_ctl"), "-D", str(data / "db"), "-m", "immediate", "stop")
        shutil.rmtree(data)


SERVERS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "the commands' own server (SQLite, writers in a queue)": commands_server,
    "prefect server start, PostgreSQL": postgresql,
    "prefect server start, SQLite": prefect_server,
}


def flows(url: str, folder: Path, count: int) -> tuple[float, float]:
    """Return the time of all runs, and of the slowest, s."""
    done = subprocess.run(
        [sys.executable, "-c", FLOWS, str(folder), str(count)],
        env=os.environ | {"PREFECT_API_URL": f"{url}/api", "PREFECT_LOGGING_LEVEL": "ERROR"},
        check=True,
        capture_output=True,
        text=True,
    )
    total, slowest = map(float, done.stdout.split())
    return total, slowest


def main() -> None:
    """Measure, and print a table."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        build = Build(requested=0, queued=0, running=0)
        emulator = stack.enter_context(Emulator(users=(USER,), scenario=Scenario({"all": build}), max_active_jobs=99))
        os.environ |= {"UKSSDC_USER": USER, "UKSSDC_URL": emulator.url, "PREFECT_HOME": str(root / "client")}
        os.environ |= {"XDG_STATE_HOME": str(root / "state"), **NO_STATISTICS}
        urls = {}
        for number, (name, serve) in enumerate(SERVERS.items()):
            home = root / f"home-{number}"
            home.mkdir()
            urls[name] = stack.enter_context(serve(home))
        times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in urls}
        for round_ in range(ROUNDS):
            for number, (name, url) in enumerate(urls.items()):
                ten, slowest = flows(url, root / f"ten-{round_}-{number}", AT_ONCE)
                two, _ = flows(url, root / f"two-{round_}-{number}", 2)
                times[name].append((ten, slowest, two))
        sys.stdout.write(f"{AT_ONCE} runs at once, medians of {ROUNDS}, s: all, the slowest; two at once\n")
        for name, found in times.items():
            ten, slowest, two = (statistics.median(values) for values in zip(*found, strict=True))
            worst = max(values[0] for values in found)
            sys.stdout.write(f"{name:55} {ten:6.1f} (worst {worst:.1f}) {slowest:6.1f} {two:6.1f}\n")


if __name__ == "__main__":
    main()

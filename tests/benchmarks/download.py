"""A large archive downloaded, with its SHA-256 and a read of the whole, beside `curl` and the reference client.

The server is a process of its own that only sends the file (`sendfile`). Each round measures all of them in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fits_archive import MIB, write_archive
from table import report

from ukssdc.emulator import Build, Emulator, Scenario

USER = "observer@example.org"
ARCHIVE = "user_objects/tprods/USERPROD_951/image.tar.gz"
GOAL, MEMORY_GOAL = 0.6, 32.0  # times the pipe; MiB
HERE = Path(__file__).parent
PIPE = "set -o pipefail; curl --silent --fail {url} | tee >(sha256sum > {sum}) | gzip -t"


@contextmanager
def server(archive: Path, emulator: str) -> Iterator[tuple[str, int]]:
    """Serve an archive; yield the address and the process."""
    command = [sys.executable, str(HERE / "fits_archive.py"), "serve", str(archive), emulator]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()


def processor_time(pid: int) -> float:
    """Return the processor time of a process so far, s (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def shell(command: str) -> Callable[[], dict[str, float]]:
    """Return what measures a command of the shell."""

    def measure() -> dict[str, float]:
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["bash", "-c", command], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return {"seconds": time.perf_counter() - began, "processor": processor}

    return measure


def client(name: str, url: str, directory: Path) -> Callable[[], dict[str, float]]:
    """Return what measures one of the clients, without its imports."""

    def measure() -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=directory) as folder:
            command = [sys.executable, str(HERE / "memory.py"), name, url, folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found

    return measure


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="of the archive, MiB")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    ready = Scenario({"all": Build(requested=0, queued=0, running=0)})
    with tempfile.TemporaryDirectory() as name, Emulator(users=(USER,), scenario=ready) as emulator:
        folder = Path(name)
        ratio = write_archive(folder / "a.tar.gz", arguments.size * MIB)
        with server(folder / "a.tar.gz", emulator.url) as (url, pid):
            address = f"{url.rpartition('/')[0]}/{ARCHIVE}"
            ways = {
                "curl": shell(f"curl --silent --fail {address} > /dev/null"),
                "curl | tee >(sha256sum) | gzip -t": shell(PIPE.format(url=address, sum=folder / "sum")),
                "ukssdc": client("ukssdc", url, folder),
                "swifttools": client("swifttools", url, folder),
            }
            found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
            served: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(arguments.rounds + 1):
                for way, measure in ways.items():
                    before = processor_time(pid)
                    found[way].append(measure())
                    served[way].append(processor_time(pid) - before)
    _show(found, served, arguments.size, ratio)


def _show(found: dict[str, list[dict[str, float]]], served: dict[str, list[float]], size: int, ratio: float) -> None:
    seconds = {way: statistics.median(f["seconds"] for f in list_[1:]) for way, list_ in found.items()}
    grown = {way: max(f["grown"] for f in list_) / MIB for way, list_ in found.items() if "grown" in list_[0]}
    curl, pipe, ours = list(seconds)[:3]
    rounds = [mine["seconds"] / other["seconds"] for mine, other in zip(found[ours][1:], found[pipe][1:], strict=True)]
    busy = {way: statistics.median(f["processor"] for f in list_[1:]) for way, list_ in found.items()}
    rows = [
        (way, f"{value:.2f} s", f"{value / seconds[pipe]:.2f} times the pipe; {busy[way]:.2f} s of the processor")
        for way, value in seconds.items()
    ]
    rows += [
        ("ukssdc, to curl alone", f"{seconds[ours] / seconds[curl]:.1f}", ""),
        ("ukssdc, to the pipe", f"{seconds[ours] / seconds[pipe]:.2f}", f"goal: at most {GOAL}"),
        ("  worst of the rounds", f"{max(rounds):.2f}", ""),
        ("  in time of the processor", f"{busy[ours] / busy[pipe]:.2f}", "hardly depends on what else runs"),
        *((f"{way}: growth of memory", f"{value:.0f} MiB", "") for way, value in grown.items()),
        ("server: processor time", f"{statistics.median(served[ours][1:]):.2f} s", "for each archive"),
    ]
    title = (
        f"{size} MiB tar.gz of FITS event lists (unpacks to {ratio:.2f} times that), medians of {len(rounds)} rounds"
    )
    data = {"size_mib": size, "unpacks_to": ratio, "runs": found, "server_seconds": served, "ratios_to_pipe": rounds}
    report("download", title, rows, {**data, "peak_rss_kib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss})
    if seconds[ours] > GOAL * seconds[pipe] or grown[ours] > MEMORY_GOAL:
        sys.stdout.write("NOT within the goals\n")


if __name__ == "__main__":
    main()

"""Speed and memory, measured side by side in one run: `make benchmark`.

Times vary with the machine, ratios hardly do: each figure stands beside what it is compared with.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ukssdc.emulator import Build, Emulator, Scenario

RUNS = 5
USER = "observer@example.org"
MIB = 2**20
ARCHIVE = 256 * MIB  # bytes
MEASURE = Path(__file__).with_name("memory.py")
COMMAND = Path(sys.executable).with_name("xrt-products")


def seconds(*command: str | Path) -> float:
    """Return the median time of a whole command, s, after one warm-up."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def memory(client: str, url: str, directory: str) -> dict[str, float]:
    """Return how much a process grew, and how long it took, while it downloaded the archive."""
    done = subprocess.run([sys.executable, MEASURE, client, url, directory], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, and print a table."""
    python = seconds(sys.executable, "-c", "pass")
    rows = [("python -c pass", python, "s", "")]
    for name, command in {
        "import ukssdc": (sys.executable, "-c", "import ukssdc"),
        "from ukssdc import Client": (sys.executable, "-c", "from ukssdc import Client"),
        "import swifttools.ukssdc.xrt_prods": (sys.executable, "-c", "import swifttools.ukssdc.xrt_prods"),
        "import prefect": (sys.executable, "-c", "import prefect"),
        "xrt-products --help": (COMMAND, "--help"),
    }.items():
        taken = seconds(*command)
        rows.append((name, taken, "s", f"{taken / python:.1f} times python -c pass"))

    scenario = Scenario({"all": Build(requested=0, queued=0, running=0, size=ARCHIVE)})
    with Emulator(users=(USER,), scenario=scenario) as emulator, tempfile.TemporaryDirectory() as directory:
        for client in ("ukssdc", "swifttools"):
            found = memory(client, emulator.url, f"{directory}/{client}")
            grown = found["grown"] / MIB
            rows.append(
                (f"256 MiB with {client}: memory", grown, "MiB", f"{grown * MIB / ARCHIVE:.2f} times the archive")
            )
            rows.append((f"256 MiB with {client}: time", found["seconds"], "s", ""))
    for name, value, unit, ratio in rows:
        sys.stdout.write(f"{name:40} {value:8.2f} {unit:4} {ratio}\n")


if __name__ == "__main__":
    main()

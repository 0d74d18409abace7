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

from ukssdc import Client, ProductRequest
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.quicklook import artifact_page, fetch, write_files

RUNS = 5
USER = "observer@example.org"
MIB = 2**20
ARCHIVE = 256 * MIB  # bytes
SPECTRA = 300
SPECTRUM = {"hasRedshift": False, "whichData": "user", "timeslice": "obsid"}
REQUEST = {
    "name": "Holmberg II X-1",
    "getTargs": True,
    "getT0": True,
    "RA": 124.8709,
    "Dec": 70.705,
    "centroid": True,
    "posErr": 1.0,
    "LightCurve": {"binMeth": "counts", "pcCounts": 20, "wtCounts": 30, "dynamic": True},
    "StandardPos": {},
}
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


def quick_look(url: str, directory: Path) -> tuple[float, float, int]:
    """Return how long asking for the results of 300 spectra takes, and showing them, s; and the page's size, bytes."""
    observations = ",".join(f"00035475{number:03d}" for number in range(1, SPECTRA + 1))
    client = Client(USER, url)
    job = client.submit(ProductRequest.model_validate(REQUEST | {"Spectrum": SPECTRUM | {"useObs": observations}}))
    began = time.perf_counter()
    look = fetch(client, job)
    asked = time.perf_counter()
    files = write_files(look, directory)
    page = artifact_page(look, files.pictures, files.notes, str(directory))
    shown = time.perf_counter()
    if look.problems or look.spectral_fits is None or len(look.spectral_fits.slices) != SPECTRA:
        raise RuntimeError(f"not the quick look that was to be measured: {look.problems}")
    return asked - began, shown - asked, len(page.encode())


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
    ready = Scenario({"all": Build(requested=0, queued=0, running=0)})
    with Emulator(users=(USER,), scenario=ready) as emulator, tempfile.TemporaryDirectory() as directory:
        asking, showing, size = quick_look(emulator.url, Path(directory))
        rows.append((f"quick look of {SPECTRA} spectra: asking", asking, "s", ""))
        rows.append((f"quick look of {SPECTRA} spectra: showing", showing, "s", "pictures, files and page"))
        rows.append((f"quick look of {SPECTRA} spectra: artifact", size / 1000, "kB", f"{size / 1e6:.2f} MB"))
    for name, value, unit, ratio in rows:
        sys.stdout.write(f"{name:40} {value:8.2f} {unit:4} {ratio}\n")


if __name__ == "__main__":
    main()

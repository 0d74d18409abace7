"""From a product's completion to its verified file, beside the tutorial's script, which waits for all products.

Both follow a job with the same run times on one emulator at the same time. Its clock is compressed, and so is the
interval, but not what the machine does: the processor's time counts `SPEED`-fold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from servers import commands_server
from table import report

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products.flows.cli.server import NO_STATISTICS

SPEED = 20.0
INTERVAL = 60.0  # service seconds
USER = "observer@example.org"
MIB = 2**20
PRODUCTS = {
    Product.LightCurve: ("addLightCurve", {"binMeth": "snapshot"}),
    Product.Spectrum: ("addSpectrum", {"hasRedshift": False}),
    Product.StandardPos: ("addStandardPos", {}),
    Product.EnhancedPos: ("addEnhancedPos", {}),
    Product.Image: ("addImage", {}),
    Product.SourceDet: ("addSourceDet", {"whichData": "all"}),
}
TARGET = {
    "name": "GRB 200416A",
    "getTargs": True,
    "RA": 335.6985,
    "Dec": -7.5179,
    "centroid": True,
    "posErr": 1.0,
    "useSXPS": False,
}
OURS = """
import json, sys
from xrt_products import request_products
request_products(json.loads(sys.argv[1]), destination=sys.argv[2], interval=float(sys.argv[3]), quicklook=False)
"""
# As the tutorial of the reference client has it: ask once a minute whether everything is complete, then download.
TUTORIAL = """
import json, sys, time
from swifttools.ukssdc.xrt_prods import XRTProductRequest
target, products, directory, interval, url, user = sys.argv[1:]
request = XRTProductRequest(user)
request._baseURL = url
request.setGlobalPars(**json.loads(target))
for add, parameters in json.loads(products).values():
    getattr(request, add)(**parameters)
if not request.submit():
    raise SystemExit(request.submitError)
while not request.complete:
    time.sleep(float(interval))
request.downloadProducts(directory)
"""


def delays(emulator: Emulator, job_id: int, folder: Path) -> list[float]:
    """Return how long after its completion each product's file was there, service seconds."""
    now = time.time() - time.monotonic()
    found = []
    for product in PRODUCTS:
        (file,) = folder.rglob(f"{product.wire}.tar.gz")
        completed = emulator.completed_at(job_id, product)
        if completed is None:
            raise RuntimeError(f"{product} is not complete")
        found.append((file.stat().st_ctime - now - completed) * SPEED)  # ctime: when it was renamed, or written last
    return found


def measure(seed: int, root: Path, environment: dict[str, str]) -> dict[str, list[float]]:
    """Let both follow a job; return the delays of each."""
    rng = random.Random(seed)
    builds = {p: Build(requested=5, queued=30, running=rng.uniform(60, 900), size=4 * MIB) for p in PRODUCTS}
    nested = {"globals": TARGET, "products": {product: parameters for product, (_, parameters) in PRODUCTS.items()}}
    with Emulator(users=(USER,), scenario=Scenario(dict(builds)), speed=SPEED) as emulator:
        interval = str(INTERVAL / SPEED)
        ours = [sys.executable, "-c", OURS, json.dumps(nested), str(root / "ours"), interval]
        theirs = [sys.executable, "-c", TUTORIAL, json.dumps(TARGET), json.dumps(PRODUCTS), str(root / "theirs")]
        theirs += [interval, emulator.url, USER]
        (root / "theirs").mkdir(parents=True)
        account = {"UKSSDC_USER": USER, "UKSSDC_URL": emulator.url}
        commands = [subprocess.Popen(command, env=environment | account) for command in (ours, theirs)]
        codes = [command.wait() for command in commands]
        if any(codes):
            raise RuntimeError("a command failed")
        mine = next(int(path.parent.name) for path in (root / "ours").rglob("job.json"))
        (other,) = set(emulator.jobs) - {mine}
        return {
            "ukssdc": delays(emulator, mine, root / "ours"),
            "tutorial": delays(emulator, other, root / "theirs"),
        }


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {"ukssdc": [], "tutorial": []}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "server").mkdir()
        with commands_server(root / "server") as url:
            environment = (
                os.environ | NO_STATISTICS | {"PREFECT_API_URL": f"{url}/api", "PREFECT_HOME": str(root / "c")}
            )
            environment |= {"PREFECT_LOGGING_LEVEL": "ERROR", "XDG_STATE_HOME": str(root / "state")}
            for seed in range(arguments.rounds):
                for way, values in measure(seed, root / str(seed), environment).items():
                    found[way] += values
    rows = []
    for way, values in found.items():
        rows.append((f"{way}: median", f"{statistics.median(values):.0f} s", ""))
        rows.append((f"{way}: worst", f"{max(values):.0f} s", f"{max(values) / INTERVAL:.2f} intervals"))
    title = (
        f"From a product's completion to its file: {arguments.rounds} jobs of {len(PRODUCTS)} products that run for 1 "
        f"to 15 min,\narchives of 4 MiB, polls every {INTERVAL:.0f} s; {SPEED:.0f}x real time, service seconds"
    )
    report("first-product", title, rows, {"speed": SPEED, "interval": INTERVAL, "delays": found})


if __name__ == "__main__":
    main()

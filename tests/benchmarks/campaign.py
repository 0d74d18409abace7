"""A campaign of 60 jobs in five slots: its time over the bound of list scheduling, and what others take.

Run times are drawn log-normally. The bound is what the jobs take in this order where a slot is never empty. Beside it:
the loop of the reference client's guide (`advanced.md`, *Scripting large numbers of jobs*), with its pauses of 120 s,
on an emulator of its own at the same time; and a simulation of polls a minute apart that cost nothing. The emulator's
clock and all intervals are compressed, but not what the machine does: its time counts `--speed`-fold.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import log
from pathlib import Path
from typing import Any

from prefect_proxy import PrefectProxy
from servers import commands_server
from table import Row, report

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products.flows.cli.server import NO_STATISTICS, listen

USER = "observer@example.org"
SLOTS = 5
INTERVAL, GUIDE_PAUSE = 60.0, 120.0  # service seconds
CASES = {"median 20 min": (20.0, 0.8, 1.05), "median 9 min": (9.0, 0.6, 1.08)}  # min, sigma, the goal
LC = Product.LightCurve
TARGET = {"RA": 335.6985, "Dec": -7.5179, "targ": "00966554"}
LIGHT_CURVE = {"binMeth": "snapshot"}
TEMPLATE = {"centroid": False, "useSXPS": False, "LightCurve": LIGHT_CURVE}
OURS = """
import json, resource, sys, time
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from xrt_products import request_batch
template, rows, folder, interval, quicklook = json.loads(sys.argv[1])
began, cpu = time.monotonic(), time.process_time()
with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
    report = request_batch(rows, template, destination=folder, interval=interval, quicklook=quicklook)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([report.ok, time.monotonic() - began, time.process_time() - cpu, memory]))
"""
# As the guide has it: submit while fewer than five are active, pause, and download what is complete.
GUIDE = """
import json, resource, sys, time
from swifttools.ukssdc.xrt_prods import XRTProductRequest, countActiveJobs
import swifttools.ukssdc.xrt_prods as xrt_prods
user, url, target, light_curve, names, folder, pause = json.loads(sys.argv[1])
def new(name):
    request = XRTProductRequest(user, silent=True)
    request._baseURL = url
    request.setGlobalPars(name=name, centroid=False, useSXPS=False, **target)
    request.addLightCurve(**light_curve)
    return request
began, cpu = time.monotonic(), time.process_time()
waiting, active = [new(name) for name in names], []
while waiting or active:
    while waiting and len(active) < 5:
        if not waiting[0].submit():
            break
        active.append(waiting.pop(0))
    for request in [request for request in active if request.complete]:
        request.downloadProducts(folder, silent=True, stem=f"{request.JobID}_")
        active.remove(request)
    if waiting or active:
        time.sleep(pause)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([True, time.monotonic() - began, time.process_time() - cpu, memory]))
"""


def bound(times: list[float], slots: int = SLOTS) -> float:
    """Return what list scheduling takes, in this order, s."""
    free = [0.0] * slots
    for time in times:
        heapq.heappush(free, heapq.heappop(free) + time)
    return max(free)


def simulation(times: list[float], pause: float, slots: int = SLOTS) -> float:
    """Return what a loop takes that looks at all jobs every so many seconds, and does nothing else, s."""
    waiting, active, now = list(times), list[float](), 0.0
    while waiting or active:
        active = [end for end in active if end > now]
        while waiting and len(active) < slots:
            active.append(now + waiting.pop(0))
        now += pause if active else 0.0
    return now


class Campaign:
    """The jobs of a case, and who runs them.

    Parameters
    ----------
    median, sigma : float
        Of the run times: min, and of their logarithm.
    count : int
    speed : float
        Service seconds per second.
    seed : int
    """

    def __init__(self, median: float, sigma: float, count: int, speed: float, seed: int) -> None:
        rng = random.Random(seed)
        self.times = [60.0 * rng.lognormvariate(log(median), sigma) for _ in range(count)]
        self.names = [f"Target {n}" for n in range(1, count + 1)]
        self.speed = speed

    def emulator(self) -> Emulator:
        """Return a service on which the jobs run as long as they do."""
        builds = {
            name: {LC: Build(requested=0, queued=0, running=time)}
            for name, time in zip(self.names, self.times, strict=True)
        }
        return Emulator(users=(USER,), scenario=Scenario({}, builds), speed=self.speed, max_active_jobs=SLOTS)

    def run(self, root: Path, environment: dict[str, str], *, quicklook: bool = False) -> dict[str, dict[str, Any]]:
        """Let ours and the guide's loop run at the same time, each on an emulator of its own."""
        rows = [{"name": name, **TARGET} for name in self.names]
        (root / "guide").mkdir(parents=True)
        with self.emulator() as mine, self.emulator() as other:
            ours = [TEMPLATE, rows, str(root / "ours"), INTERVAL / self.speed, quicklook]
            guide = [
                USER,
                other.url,
                TARGET,
                LIGHT_CURVE,
                self.names,
                str(root / "guide"),
                GUIDE_PAUSE / self.speed,
            ]
            account = {"UKSSDC_USER": USER, "UKSSDC_URL": mine.url}
            started = {
                "ours": _start(OURS, ours, environment | account),
                "guide": _start(GUIDE, guide, environment),
            }
            found = {who: _result(process) for who, process in started.items()}
            for who, emulator in (("ours", mine), ("guide", other)):
                found[who]["calls"] = Counter(call.call for call in emulator.ledger)
                found[who]["refused"] = sum(call.ok == 0 for call in emulator.ledger.calls("submit"))
                found[who]["jobs"] = len(emulator.jobs)
        return found

    def fewest_calls(self) -> float:
        """Return how many calls the jobs take: a count, a submission, polls a minute apart, and a download each."""
        return sum(1 + 1 + 1 + time // INTERVAL + 1 for time in self.times)


def _start(script: str, arguments: list[Any], environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", script, json.dumps(arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def _result(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"exit status {process.returncode}: {output}")
    return dict(zip(("ok", "wall", "cpu", "memory"), json.loads(output.splitlines()[-1]), strict=True))


@contextmanager
def counted_server(root: Path) -> Iterator[tuple[dict[str, str], PrefectProxy]]:
    """Serve as the commands do, behind a proxy that counts; yield an environment for that server, and the proxy."""
    (root / "server").mkdir()
    with commands_server(root / "server") as url, listen() as listener:
        host, port = url.removeprefix("http://").split(":")
        proxy = PrefectProxy(listener, (host, int(port)), "/api")
        environment = os.environ | NO_STATISTICS | {"PREFECT_API_URL": proxy.api, "PREFECT_HOME": str(root / "c")}
        yield environment | {"PREFECT_LOGGING_LEVEL": "ERROR", "XDG_STATE_HOME": str(root / "state")}, proxy


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--speed", type=float, default=30.0, help="service seconds per second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quicklook", action="store_true", help="with quick looks, which take a second or two each")
    given = parser.parse_args()
    rows: list[Row] = []
    data: dict[str, Any] = {"speed": given.speed, "jobs": given.jobs, "seed": given.seed, "quicklook": given.quicklook}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        with counted_server(root) as (environment, proxy):
            for case, (median, sigma, goal) in CASES.items():
                campaign = Campaign(median, sigma, given.jobs, given.speed, given.seed)
                before = len(proxy.calls)
                found = campaign.run(root / case, environment, quicklook=given.quicklook)
                rows += _rows(case, goal, campaign, found, len(proxy.calls) - before)
                data[case] = found | {"bound": bound(campaign.times), "prefect_calls": len(proxy.calls) - before}
    title = (
        f"A campaign of {given.jobs} jobs in {SLOTS} slots, {given.speed:.0f}x real time,\n"
        f"polls every {INTERVAL:.0f} s, the guide's pauses {GUIDE_PAUSE:.0f} s"
    )
    report("campaign", title, rows, data)


def _rows(case: str, goal: float, campaign: Campaign, found: dict[str, dict[str, Any]], calls: int) -> list[Row]:
    least, ours, guide = bound(campaign.times), found["ours"], found["guide"]
    wall, loop = ours["wall"] * campaign.speed, guide["wall"] * campaign.speed
    polls = simulation(campaign.times, INTERVAL)
    own = (wall - polls) / campaign.speed / len(campaign.times)
    total, fewest = sum(ours["calls"].values()), campaign.fewest_calls()
    return [
        (f"{case}: the bound", f"{least / 60:.1f} min", ""),
        ("  ours", f"{wall / 60:.1f} min", f"{wall / least:.3f} times the bound (goal: {goal})"),
        ("  simulated polls", f"{polls / 60:.1f} min", f"{polls / least:.3f} times"),
        ("  the guide's loop", f"{loop / 60:.1f} min", f"{loop / least:.3f} times"),
        ("  ours beyond the simulation", f"{own * 1000:.0f} ms", "a job, uncompressed: Prefect and the machine"),
        ("  calls of the service", f"{total}", f"{total / fewest:.3f} times the fewest ({fewest:.0f}; goal: 1.1)"),
        ("  calls of Prefect's server", f"{calls}", f"{calls / len(campaign.times):.1f} a job"),
        ("  memory", f"{ours['memory']:.0f} MiB", f"{ours['memory'] / guide['memory']:.1f} times the loop's"),
        ("  jobs, refused", f"{ours['jobs']}, {ours['refused']}", f"the loop: {guide['jobs']}, {guide['refused']}"),
    ]  # fmt: skip


if __name__ == "__main__":
    main()

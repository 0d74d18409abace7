"""A campaign over a week of the service, compressed: faults of all kinds, and each part killed and started again.

Beside the clock of the emulator the interval of the polls is compressed, less than that: 1,000 targets are 5 minutes
apart in their polls.
"""

from __future__ import annotations

import csv
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from active_jobs import most_active
from prefect_runs import wait_for
from week import SEED, WEEK, CampaignRun, DeployedRun, ScriptRun, figures, not_whole, week_emulator

from ukssdc.emulator import Emulator

MAX_ACTIVE = 5
INTERVAL = 0.4  # s
MINUTE = 60.0  # s
Start = Callable[..., ScriptRun | DeployedRun]
LONG = 3 * ("batch", "service", "worker", "server")


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize(
    ("count", "start", "restarts", "rate", "speed", "limit"),
    [
        pytest.param(60, ScriptRun, ("batch", "service"), 0.002, 1500.0, 2 * MINUTE, id="60 targets"),
        pytest.param(
            1000, DeployedRun, LONG, 0.004, WEEK / (13 * MINUTE), 30 * MINUTE, id="1000 targets", marks=pytest.mark.long
        ),
    ],
)
@pytest.mark.xdist_group("week")
def test_each_target_has_one_job_and_its_product_whatever_is_killed_meanwhile(
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    count: int,
    start: Start,
    restarts: tuple[str, ...],
    rate: float,
    speed: float,
    limit: float,
) -> None:
    began, rng = time.monotonic(), random.Random(SEED)
    with week_emulator(count, speed, rate) as emulator, closing(start(emulator, tmp_path, count, INTERVAL)) as run:
        for number, part in enumerate(restarts, start=1):
            jobs = number * count // (len(restarts) + 1)
            wait_for(f"job {jobs}", partial(_has_jobs, emulator, run, jobs), limit, 0.5)
            time.sleep(rng.uniform(0, 2 * INTERVAL))  # in the middle of whatever it is
            run.restart(part)
        wait_for("the campaign's end", run.ended, limit, 0.5)

    record_property("figures", figures(emulator, Counter(restarts), time.monotonic() - began))
    names = [f"GRB {n}" for n in range(1, count + 1)]
    assert Counter(job.name for job in emulator.jobs.values()) == Counter(names)
    assert most_active(emulator) <= MAX_ACTIVE
    assert not_whole(emulator, tmp_path / "products") == []
    with (tmp_path / "products" / "campaign.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["Target"], row["Outcome"]) for row in rows] == [(name, "downloaded") for name in names]


def _has_jobs(emulator: Emulator, run: CampaignRun, jobs: int) -> bool:
    assert not run.ended(), "the campaign has ended before all parts were restarted"
    return len(emulator.jobs) >= jobs

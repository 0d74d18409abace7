"""The service away for a while costs time and not the run; what it did meanwhile is found again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from prefect_runs import meanwhile, wait_for
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Fault
from ukssdc.errors import JobInProgress
from xrt_products import request_products
from xrt_products.tasks.retry import RetriesExhausted

pytestmark = pytest.mark.long

AWAY = 4.0  # s; with a poll interval of 0.2 s that is 20 polls
REQUEST = request_for(Product.LightCurve)
ENDLESS = Build(requested=0, queued=0, running=1e9)


def away_for_a_while(emulator: Emulator) -> None:
    emulator.stop()
    time.sleep(AWAY)
    emulator.start()


def test_a_service_that_is_away_at_submission_is_waited_for(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()
    emulator.stop()
    back = threading.Timer(AWAY, emulator.start)

    back.start()
    report = request_products(REQUEST, **options)

    assert report.ok
    assert len(emulator.jobs) == 1
    assert emulator.jobs[951].submitted > datetime.now(UTC) - timedelta(seconds=60)


def test_a_service_that_goes_away_while_a_job_runs_is_waited_for(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=300)})

    with meanwhile(lambda: len(emulator.ledger.calls("status")) > 1, lambda: away_for_a_while(emulator)):
        report = request_products(REQUEST, **options)

    polls = [call.at for call in emulator.ledger.calls("status")]
    assert report.ok
    assert max(later - earlier for earlier, later in pairwise(polls)) >= AWAY
    assert len(emulator.jobs) == 1


def test_the_longest_wait_bounds_a_submission_that_does_not_get_through(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()
    emulator.stop()

    with pytest.raises(RetriesExhausted, match=r"after ([2-9]|\d\d+) tries, because the longest wait is over"):
        request_products(REQUEST, **options | {"max_wait": AWAY})


def test_the_longest_wait_bounds_the_polls_of_a_service_that_is_away(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({Product.LightCurve: ENDLESS})

    with meanwhile(lambda: emulator.ledger.calls("status"), emulator.stop):
        report = request_products(REQUEST, **options | {"max_wait": AWAY, "on_failure": "return"})

    assert report.outcomes[Product.LightCurve].outcome == "timed_out"


def test_the_longest_wait_counts_from_the_submission_until_it_is_over_and_then_anew(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({Product.LightCurve: ENDLESS}, faults=[Fault("not_ok", "status", nth=2)])

    def polls_of_a_run(max_wait: float) -> int:
        before = len(emulator.ledger.calls("status"))
        request_products(REQUEST, **options | {"max_wait": max_wait, "on_failure": "return"})
        return len(emulator.ledger.calls("status")) - before

    broken_off = polls_of_a_run(120.0)
    time.sleep(1.0)
    late, anew = polls_of_a_run(1.0), polls_of_a_run(10.0)

    assert broken_off == 2
    assert late == 2  # it looks, and polls once, however late it is
    assert anew > 2
    assert len(emulator.jobs) == 1


@pytest.mark.parametrize("fresh", [False, True])
def test_a_second_run_of_a_request_in_progress_is_told_of_the_first(
    serve: Serve, options: dict[str, Any], fresh: bool
) -> None:
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=600)})

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: request_products(REQUEST, **options))
        wait_for("the first run's polls", lambda: emulator.ledger.calls("status", job_id=951), 30.0)
        with pytest.raises(JobInProgress, match=r"the run '.+' follows its job 951") as raised:
            request_products(REQUEST, **options, fresh=fresh)

        assert first.result().ok
    assert raised.value.job_id == 951
    assert list(emulator.jobs) == [951]


def test_another_destination_is_another_job(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=600)})

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: request_products(REQUEST, **options))
        wait_for("the first run's polls", lambda: emulator.ledger.calls("status", job_id=951), 30.0)
        second = request_products(REQUEST, **options | {"destination": tmp_path / "elsewhere"})

        assert (first.result().job.job_id, second.job.job_id) == (951, 952)
    assert list(emulator.jobs) == [951, 952]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return a function that returns all that Prefect's loggers said."""
    caplog.set_level(logging.INFO)
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addHandler(caplog.handler)
    return lambda: caplog.text


def test_of_two_jobs_that_match_the_older_is_adopted_and_the_other_named(
    serve: Serve, options: dict[str, Any], said: Callable[[], str]
) -> None:
    emulator = serve(faults=[Fault("reset_after", "submit"), Fault("http_502", "old_jobs")])
    client = Client(USER, emulator.url)

    with meanwhile(lambda: emulator.ledger.calls("old_jobs"), lambda: client.submit(REQUEST)):
        report = request_products(REQUEST, **options | {"interval": 1.0})

    assert report.job.job_id == 951
    assert "going on with its job 951" in said()
    assert "job 952 is not followed" in said()
    assert list(emulator.jobs) == [951, 952]


@pytest.mark.parametrize("skew", [-300.0, 300.0], ids=["behind", "ahead"])
def test_a_service_whose_clock_is_off_still_has_its_job_found(
    serve: Serve, options: dict[str, Any], skew: float
) -> None:
    emulator = serve(calendar_skew=skew, faults=[Fault("reset_after", "submit")])

    report = request_products(REQUEST, **options)

    assert report.ok
    assert list(emulator.jobs) == [951]

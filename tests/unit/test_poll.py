"""One round of polls, without a Prefect server: who is asked, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from xrt_support import USER, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from ukssdc.tracker import JobTracker
from xrt_products.tasks.poll import ProductsPending, poll_status

LC, IMAGE = Product.LightCurve, Product.Image
ENDLESS = Build(requested=0, queued=0, running=1e9)
COMPLETE = Build(requested=0, queued=0, running=0)
Emulate = Callable[..., Emulator]


@pytest.fixture
def emulate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulate]:
    """Serve an emulator whose time is frozen, and point the environment at it."""
    with ExitStack() as stack:

        def start(builds: dict[Any, Build], *faults: Fault) -> Emulator:
            emulator = stack.enter_context(Emulator(scenario=Scenario(builds), users=(USER,), faults=faults))
            emulator.freeze()
            monkeypatch.setenv("UKSSDC_USER", USER)
            monkeypatch.setenv("UKSSDC_URL", emulator.url)
            return emulator

        yield start


def track(emulator: Emulator, product: Product, **options: Any) -> JobTracker:
    return JobTracker(Client(USER, emulator.url).submit(request_for(product)), **options)


def polls(emulator: Emulator, tracker: JobTracker) -> int:
    return len(emulator.ledger.calls("status", job_id=tracker.job.job_id))


def test_what_is_not_due_is_passed_over_and_the_rest_is_asked(emulate: Emulate) -> None:
    emulator = emulate({"all": ENDLESS})
    rarely, often = track(emulator, IMAGE, interval=600.0), track(emulator, LC, interval=1e-9)

    for _ in range(3):
        with pytest.raises(ProductsPending, match=r"^job 951: Image running 0%; job 952: LightCurve running 0%$"):
            poll_status.fn([rarely, often])

    assert (polls(emulator, rarely), polls(emulator, often)) == (1, 3)


def test_only_jobs_of_which_there_is_news_are_returned(emulate: Emulate) -> None:
    emulator = emulate({IMAGE: ENDLESS, LC: COMPLETE})

    news = poll_status.fn([track(emulator, IMAGE), track(emulator, LC)])

    assert {job: status.complete for job, status in news.items()} == {952: True}


def test_an_answer_that_does_not_come_for_one_job_does_not_stop_the_others(emulate: Emulate) -> None:
    emulator = emulate({"all": ENDLESS}, Fault("http_502", "status"))
    trackers = [track(emulator, product) for product in (IMAGE, LC)]

    with pytest.raises(ProductsPending, match=r"(?s)^job 951: Image .*502.*; job 952: LightCurve running 0%$"):
        poll_status.fn(trackers)

    assert [polls(emulator, tracker) for tracker in trackers] == [1, 1]
    assert [tracker.poll_failed for tracker in trackers] == [False, False]


def test_a_job_whose_longest_wait_is_over_is_asked_once_and_returned(emulate: Emulate) -> None:
    emulator = emulate({"all": ENDLESS})
    late = track(emulator, LC, max_wait=1e-9, interval=1e-9)

    returned = [poll_status.fn([late]) for _ in range(2)]

    assert [list(news) for news in returned] == [[951], [951]]
    assert polls(emulator, late) == 1

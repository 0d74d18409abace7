"""What the service sees of a flow, from the emulator's ledger: few calls, far enough apart, none too many."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from xrt_support import INTERVAL, MINUTE, USER, Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products import cancel_products, collect_products, request_products

LAST = 30 + MINUTE * (len(Product) - 1)  # s after the submission
STAGGERED = {p: Build(requested=0, queued=0, running=30 + MINUTE * n) for n, p in enumerate(Product)}


@pytest.fixture(scope="module")
def staggered(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Run all products, one after the other completing, and return the emulator that saw it."""
    assert prefect_api
    with (
        Emulator(scenario=Scenario(STAGGERED), users=(USER,), seconds_per_poll=MINUTE) as emulator,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("UKSSDC_USER", USER)
        patch.setenv("UKSSDC_URL", emulator.url)
        destination = tmp_path_factory.mktemp("products")
        request_products(request_for(*Product), destination, interval=INTERVAL, max_wait=120.0, quicklook=False)
        yield emulator


@pytest.mark.xdist_group("staggered")
def test_polls_are_far_enough_apart_few_and_only_about_what_is_pending(staggered: Emulator) -> None:
    polls = staggered.ledger.calls("status")

    assert min(later.at - earlier.at for earlier, later in pairwise(polls)) >= INTERVAL
    assert all(set(later.products) <= set(earlier.products) for earlier, later in pairwise(polls))
    assert polls[0].products == tuple(Product)
    for product in Product:
        completed = staggered.completed_at(951, product)
        assert completed is not None
        assert sum(product in p.products for p in polls if p.at > completed) == 1  # the poll that saw it


@pytest.mark.xdist_group("staggered")
def test_a_product_is_downloaded_after_the_first_poll_that_can_see_it(staggered: Emulator) -> None:
    calls = staggered.ledger.calls(job_id=951)
    for product in Product:
        completed = staggered.completed_at(951, product)
        assert completed is not None
        since = [c for c in calls if c.at > completed]
        download = next(c for c in since if c.call == "download" and c.products == (product,))
        polls_between = [c for c in since if c.call == "status" and c.at < download.at]
        assert 1 <= len(polls_between) <= 2  # the second one may go out while the branch starts


@pytest.mark.xdist_group("staggered")
def test_products_are_downloaded_while_others_still_run(staggered: Emulator) -> None:
    last = staggered.completed_at(951, Product.SourceDet)
    assert last is not None

    early = [c for c in staggered.ledger.calls("download") if c.at < last]

    assert early


@pytest.mark.xdist_group("staggered")
def test_a_request_is_one_submission_and_one_download_each(staggered: Emulator) -> None:
    assert len(staggered.ledger.calls("submit")) == 1
    assert sorted(c.products[0] for c in staggered.ledger.calls("download")) == sorted(Product)


@pytest.mark.xdist_group("staggered")
def test_the_calls_for_a_job_are_within_a_tenth_of_the_fewest_possible(staggered: Emulator) -> None:
    """One count, one submission, a poll at once and then one a minute, and one download for each product."""
    fewest = 1 + 1 + (1 + math.ceil(LAST / MINUTE)) + len(STAGGERED)

    assert fewest <= len(list(staggered.ledger)) <= 1.1 * fewest


def test_the_real_service_is_not_polled_more_often_than_once_a_minute(
    prefect_api: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prefect_api
    monkeypatch.setenv("UKSSDC_USER", "observer@example.org")
    monkeypatch.setenv("UKSSDC_URL", "https://service.invalid/user_objects")

    with pytest.raises(ValueError, match="once a minute"):
        collect_products(951, **options | {"interval": 59.9})


def test_times_that_make_no_sense_are_refused_before_anything_is_sent(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()

    with pytest.raises(ValueError, match=r"(?s)^interval is -5: .*\nmax_wait is -1: .*\nno_status_polls is 0: "):
        request_products(request_for(Product.Image), **options | {"interval": -5, "max_wait": -1, "no_status_polls": 0})

    assert len(emulator.ledger) == 0


@pytest.mark.parametrize("settings", [{"interval": 0.0}, {"interval": 5.0}, {"max_wait": math.inf}])
def test_a_cancellation_that_would_annoy_the_service_or_never_end_is_refused(
    prefect_api: str, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    assert prefect_api
    monkeypatch.setenv("UKSSDC_USER", "observer@example.org")
    monkeypatch.setenv("UKSSDC_URL", "https://service.invalid/user_objects")

    with pytest.raises(ValueError, match=next(iter(settings))):
        cancel_products(951, **settings)

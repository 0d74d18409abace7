"""What the service sees of a flow, from the emulator's ledger: few calls, far enough apart, none too many."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from xrt_support import INTERVAL, MINUTE, Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator
from xrt_products import cancel_products, collect_products, request_products

STAGGERED = {p: Build(running=30 + MINUTE * n) for n, p in enumerate(Product)}


@pytest.fixture
def staggered(serve: Serve, options: dict[str, Any]) -> Emulator:
    """Run all products, one after the other completing, and return the emulator that saw it."""
    emulator = serve(STAGGERED)
    request_products(request_for(*Product), **options)
    return emulator


def test_polls_are_far_enough_apart_few_and_only_about_what_is_pending(staggered: Emulator) -> None:
    polls = staggered.ledger.calls("status")

    assert min(later.at - earlier.at for earlier, later in pairwise(polls)) >= INTERVAL
    assert all(set(later.products) <= set(earlier.products) for earlier, later in pairwise(polls))
    assert polls[0].products == tuple(Product)
    for product in Product:
        completed = staggered.completed_at(951, product)
        assert completed is not None
        assert sum(product in p.products for p in polls if p.at > completed) == 1  # the poll that saw it


def test_a_product_is_downloaded_after_the_first_poll_that_can_see_it(staggered: Emulator) -> None:
    calls = staggered.ledger.calls(job_id=951)
    for product in Product:
        completed = staggered.completed_at(951, product)
        assert completed is not None
        since = [c for c in calls if c.at > completed]
        download = next(c for c in since if c.call == "download" and c.products == (product,))
        polls_between = [c for c in since if c.call == "status" and c.at < download.at]
        assert 1 <= len(polls_between) <= 2  # the second one may go out while the branch starts


def test_products_are_downloaded_while_others_still_run(staggered: Emulator) -> None:
    last = staggered.completed_at(951, Product.SourceDet)
    assert last is not None

    early = [c for c in staggered.ledger.calls("download") if c.at < last]

    assert early


def test_a_request_is_one_submission_and_one_download_each(staggered: Emulator) -> None:
    assert len(staggered.ledger.calls("submit")) == 1
    assert sorted(c.products[0] for c in staggered.ledger.calls("download")) == sorted(Product)


def test_the_real_service_is_not_polled_more_often_than_once_a_minute(
    prefect_api: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prefect_api
    monkeypatch.setenv("UKSSDC_USER", "observer@example.org")
    monkeypatch.setenv("UKSSDC_URL", "https://service.invalid/user_objects")

    with pytest.raises(ValueError, match="once a minute"):
        collect_products(951, **options | {"interval": 59.9})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"interval": 0}, r"^interval is 0: give a time in s, above 0"),
        ({"interval": math.nan}, r"^interval is nan: give a time in s"),
        ({"max_wait": -1}, r"^max_wait is -1: give a time in s, above 0"),
        ({"max_wait": math.inf}, r"^max_wait is inf: give a time in s"),
        ({"max_wait": 1e300}, r"^max_wait is 1e\+300: give a time in s"),
        ({"no_status_polls": 0}, r"^no_status_polls is 0: give a count, at least 1$"),
        ({"interval": -5, "max_wait": -1}, r"(?s)^interval is -5: .*\nmax_wait is -1: "),
    ],
)
def test_times_and_counts_that_make_no_sense_are_refused_before_anything_is_sent(
    serve: Serve, options: dict[str, Any], wrong: dict[str, float], message: str
) -> None:
    emulator = serve()

    with pytest.raises(ValueError, match=message):
        request_products(request_for(Product.Image), **options | wrong)

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

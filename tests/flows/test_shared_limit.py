"""One submission at a time across machines: a concurrency limit of the Prefect server that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_proxy import prefect_proxy

from xrt_products.tasks import shared_limit
from xrt_products.tasks.shared_limit import SharedLimit

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def service() -> str:
    """Return the address of a service of which the server has not heard."""
    return f"https://{uuid4().hex}.example"


def limit_of(service: str) -> GlobalConcurrencyLimitResponse:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(SharedLimit(service).name)


def in_a_flow(body: Callable[[], Any]) -> Any:
    """Run it where there is a run's log."""

    @flow(name="shared limit")
    def run() -> Any:
        return body()

    return run()


def held(limit: SharedLimit) -> bool:
    with limit.hold() as free:
        return free


def test_it_is_made_where_it_is_missing_and_given_back(service: str) -> None:
    def body() -> list[bool]:
        with SharedLimit(service).hold() as first:
            return [first, held(SharedLimit(service)), limit_of(service).active_slots == 1]

    assert in_a_flow(body) == [True, False, True]
    assert (limit_of(service).limit, limit_of(service).active_slots) == (1, 0)
    assert in_a_flow(lambda: held(SharedLimit(service)))


def test_it_is_one_for_a_service_and_says_where_it_is() -> None:
    named = SharedLimit("https://someone%40example.org:pw@WWW.swift.ac.uk:443/API").name

    assert named == SharedLimit("https://www.swift.ac.uk").name == "ukssdc-submit-www.swift.ac.uk-443"


def test_a_service_of_this_machine_needs_none() -> None:
    limit = SharedLimit("http://127.0.0.1:8000")

    with limit.hold() as first, limit.hold() as second:
        assert (first, second) == (True, True)


def test_a_server_that_is_away_costs_the_limit_and_not_the_submission(
    service: str, prefect_api: str, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = prefect_proxy(prefect_api)

    def body() -> bool:
        proxy.keep_away()
        try:
            return held(SharedLimit(service))
        finally:
            proxy.let_through()

    with temporary_settings({PREFECT_API_URL: proxy.api}):
        assert in_a_flow(body)

    assert "Submitting without the limit that holds across machines" in caplog.text


def test_a_slot_that_the_server_has_forgotten_to_take_back_is_freed(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_a_flow(lambda: held(SharedLimit(service)))
    with get_client(sync_client=True) as client:  # as after a new start, which loses the leases
        client.update_global_concurrency_limit(SharedLimit(service).name, GlobalConcurrencyLimitUpdate(active_slots=1))
    limit = SharedLimit(service)

    assert not in_a_flow(lambda: held(limit))
    monkeypatch.setattr(shared_limit, "FORGOTTEN", 0.0)

    assert in_a_flow(lambda: held(limit))
    assert limit_of(service).active_slots == 0

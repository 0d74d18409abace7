"""What a job costs in calls to the Prefect server, counted on their way to a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_proxy import PrefectProxy, prefect_proxy
from prefect_runs import wait_for
from xrt_support import QUICK, Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build
from xrt_products import request_products

COMPLETE = Build(requested=0, queued=0, running=0)
ENDLESS = Build(requested=0, queued=0, running=1e9)
TIMEOUT = 60.0  # s


@pytest.fixture
def proxy(prefect_api: str) -> Iterator[PrefectProxy]:
    proxy = prefect_proxy(prefect_api)
    with temporary_settings({PREFECT_API_URL: proxy.api}):
        yield proxy


@pytest.fixture
def counted(proxy: PrefectProxy, serve: Serve, options: dict[str, Any]) -> Callable[..., list[str]]:
    """Return what runs a job of all seven products and returns the calls that it made, once Prefect has warmed up."""

    def count(build: Build) -> list[str]:
        serve({"all": build})
        for name in ("first", "second"):  # the first asks for the server's version, and more
            proxy.calls.clear()
            assert request_products(request_for(*Product, name=name), **options).ok
        # Logs are sent every 2 s, whatever there is: how often depends on the machine. Once, with a token, is counted.
        calls = [call for call in proxy.calls if "/logs/" not in call]
        return [*calls, "POST /api/logs/"]

    return count


def test_seven_products_that_are_complete_at_once_cost_fifteen_calls_at_most(
    counted: Callable[..., list[str]],
) -> None:
    calls = counted(COMPLETE)

    assert len(calls) <= 15, "\n".join(calls)
    assert sum("artifacts" in call for call in calls) == 1  # the table of what became of each


def test_seven_products_that_take_their_time_have_a_bar_each_which_is_not_renamed_at_the_end(
    counted: Callable[..., list[str]],
) -> None:
    calls = [call for call in counted(QUICK) if "artifacts" in call]

    assert calls.count("POST /api/artifacts/") == 7 + 1 + 1  # bars, page, table
    assert calls.count("PATCH /api/artifacts/ID") == 7 + 2  # each bar at 100; the page then, and with what became
    assert calls.count("POST /api/artifacts/filter") == 0  # nobody can have shown it before


def test_a_poll_without_a_change_costs_no_call(serve: Serve, options: dict[str, Any], proxy: PrefectProxy) -> None:
    emulator = serve({"all": ENDLESS}, seconds_per_poll=0)

    def polls() -> int:
        return len(emulator.ledger.calls("status"))

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(copy_context().run, lambda: request_products(request_for(Product.Image), **options))
        wait_for("polls", lambda: polls() > 2, TIMEOUT)
        before = len(proxy.calls)
        wait_for("more polls", lambda: polls() > 8, TIMEOUT)
        calls = [call for call in proxy.calls[before:] if "/logs/" not in call and "csrf" not in call]
        emulator.cancel(951, ["Image"])
        running.result(TIMEOUT)

    assert before
    assert calls == []

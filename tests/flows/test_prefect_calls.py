"""What a job costs in calls to the Prefect server, counted on their way to a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prefect import flow
from prefect.context import FlowRunContext
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_proxy import PrefectProxy, prefect_proxy
from xrt_support import QUICK, Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build
from xrt_products import JobReport, request_products

COMPLETE = Build(requested=0, queued=0, running=0)


@pytest.fixture
def proxy(prefect_api: str) -> Iterator[PrefectProxy]:
    proxy = prefect_proxy(prefect_api)
    with temporary_settings({PREFECT_API_URL: proxy.api}):
        yield proxy


def test_seven_products_that_are_complete_at_once_cost_fifteen_calls_at_most(
    serve: Serve, options: dict[str, Any], proxy: PrefectProxy
) -> None:
    serve({"all": COMPLETE})
    request_products(request_for(Product.Image), **options)  # the first asks for the server's version, and more
    proxy.calls.clear()

    assert request_products(request_for(*Product), **options).ok

    # Logs are sent every 2 s, whatever there is: how often depends on the machine. Once, with a token, is counted.
    calls = [*(call for call in proxy.calls if "/logs/" not in call), "POST /api/logs/"]
    assert len(calls) <= 15, "\n".join(calls)
    assert sum("artifacts" in call for call in calls) == 1  # the table of what became of each


def test_products_that_take_their_time_have_a_bar_each_which_is_not_renamed_at_the_end(
    serve: Serve, options: dict[str, Any], proxy: PrefectProxy
) -> None:
    serve({"all": QUICK})

    assert request_products(request_for(Product.LightCurve, Product.Image), **options).ok

    calls = [call for call in proxy.calls if "artifacts" in call]
    assert calls.count("POST /api/artifacts/") == 2 + 1 + 1  # bars, page, table
    assert calls.count("PATCH /api/artifacts/ID") == 2 + 2  # each bar at 100; the page then, and with what became
    assert calls.count("POST /api/artifacts/filter") == 0  # nobody can have shown it before


def test_a_step_of_a_deployed_flow_knows_so_without_asking(
    serve: Serve, options: dict[str, Any], proxy: PrefectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve({"all": COMPLETE})

    @flow
    def parent() -> bool:
        run = FlowRunContext.get()
        assert run is not None
        assert run.flow_run is not None
        monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(run.flow_run.id))  # as a worker sets it
        proxy.calls.clear()
        report: JobReport = request_products(request_for(Product.Image), **options)
        return report.directory.is_absolute()

    assert parent()
    assert proxy.calls.count("GET /api/flow_runs/ID") == 1  # Prefect's engine reads the run that it begins
    assert not any("deployments" in call for call in proxy.calls)

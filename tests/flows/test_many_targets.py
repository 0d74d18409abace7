"""Several targets from somebody else's flow: beside an event loop, mapped over threads, and on a Dask cluster."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from parent_flow import products_of
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from xrt_support import Serve, request_for

from ukssdc import Product
from xrt_products import request_products

TARGETS = ("GRB 200416A", "GRB 050509B", "M82")
TICK = 0.02  # s


def requests_for(targets: tuple[str, ...]) -> list[dict[str, Any]]:
    return [request_for(Product.Image, name=target).model_dump(mode="json") for target in targets]


def children_of(run: str) -> int:
    """Return how many flow runs were steps of a flow run."""
    with get_client(sync_client=True) as client:
        wanted = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
        return len(client.read_flow_runs(flow_run_filter=wanted))


@flow(name="beside an event loop")
async def beside_an_event_loop(requests: list[dict[str, Any]], options: dict[str, Any]) -> tuple[str, list[Any], int]:
    """Ask for the products of all requests at once, and count how often the loop came round meanwhile."""
    ask: Any = request_products
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(TICK)
            ticks += 1

    ticker = asyncio.create_task(tick())
    reports = await asyncio.gather(
        *(asyncio.to_thread(ask, request, **options) for request in requests)  # as the README says
    )
    ticker.cancel()
    return str(flow_run.id), reports, ticks


def test_an_async_flow_asks_for_three_targets_at_once_and_its_loop_goes_on(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve()

    parent, reports, ticks = asyncio.run(beside_an_event_loop(requests_for(TARGETS), options))

    assert sorted(report.job.name for report in reports) == sorted(TARGETS)
    assert all(report.ok for report in reports)
    assert ticks > 10  # a loop that is blocked comes round at the end, once
    assert children_of(parent) == 3
    submitted = [call.at for call in emulator.ledger.calls("submit")]
    polled = [call.at for call in emulator.ledger.calls("status")]
    assert max(submitted) < max(polled)  # none waited for another one's end


def test_targets_are_mapped_over_threads(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()

    threads: Any = ThreadPoolTaskRunner(max_workers=3)
    in_threads = products_of.with_options(task_runner=threads)
    reports = in_threads(requests_for(TARGETS), options)

    assert [report.job.name for report in reports] == list(TARGETS)
    assert all(report.ok for report in reports)
    assert len(emulator.jobs) == 3


@pytest.mark.long
def test_targets_are_mapped_over_a_dask_cluster(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    dask: Any = import_module("prefect_dask")
    emulator = serve()
    cluster = {"n_workers": 2, "processes": True, "dashboard_address": None, "local_directory": str(tmp_path)}
    on_dask = products_of.with_options(task_runner=dask.DaskTaskRunner(cluster_kwargs=cluster))

    plain = options | {"destination": str(options["destination"])}
    reports = on_dask(requests_for(TARGETS), plain)

    assert [report.job.name for report in reports] == list(TARGETS)
    assert all(report.ok for report in reports)
    assert len(emulator.jobs) == 3

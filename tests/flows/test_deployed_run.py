"""What a deployment's own run does differently, without a worker: the flow's engine runs in the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from prefect import Flow, State
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow_sync
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Cancelling
from prefect_proxy import PrefectProxy, prefect_proxy
from prefect_runs import wait_for
from xrt_support import Serve, request_for

from ukssdc import Product, ProductRequest
from ukssdc.emulator import Build, Emulator
from xrt_products import JobReport, ProductsFailed, collect_products, request_products
from xrt_products.flows.cancel import cancel_job_with_run

ENDLESS = Build(requested=0, queued=0, running=1e9)
TIMEOUT = 60.0  # s


def deploy(flow: Flow[..., Any]) -> UUID:
    """Make a deployment of a flow, and return its id."""
    with get_client(sync_client=True) as client:
        return client.create_deployment(flow_id=client.create_flow(flow), name="in process")


@pytest.fixture
def deployment(prefect_api: str) -> UUID:
    assert prefect_api
    return deploy(request_products)


def planned(deployment: UUID, request: ProductRequest | None, **parameters: Any) -> FlowRun:
    """Return a run that the server has planned for a deployment."""
    if request is not None:
        parameters["request"] = request.model_dump(mode="json")
    plain = {k: v if isinstance(v, dict | float | int | bool) else str(v) for k, v in parameters.items()}
    with get_client(sync_client=True) as client:
        return client.create_flow_run_from_deployment(deployment, parameters=plain)


def run_here(run: FlowRun) -> State[Any]:
    """Carry out a planned run of request_products, and return the state that it ends in."""
    engine: Any = run_flow_sync  # its types know of a flow's result only
    return cast("State[Any]", engine(request_products, run, run.parameters, return_type="state"))


def read(run: FlowRun) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id)


def cancel_in_the_ui(run: FlowRun) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Cancelling(), force=True)


@contextmanager
def in_progress(emulator: Emulator, request: ProductRequest, options: dict[str, Any]) -> Iterator[None]:
    """Have a run of the same request and destination follow its job while the body runs."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: request_products(request, **options))
        wait_for("its polls", lambda: emulator.ledger.calls("status"), TIMEOUT)
        try:
            yield
        finally:
            emulator.cancel(951, ["LightCurve"])
        assert other.result(TIMEOUT).ok


def test_a_deployments_run_is_skipped_where_the_one_before_still_goes_on(
    serve: Serve, options: dict[str, Any], deployment: UUID
) -> None:
    emulator = serve({"all": ENDLESS})
    request = request_for(Product.LightCurve)

    with in_progress(emulator, request, options):
        run = planned(deployment, request, **options)
        ended = run_here(run)

    assert (ended.type, ended.name) == ("COMPLETED", "Skipped")
    assert "without a report" in str(ended.message)
    assert "follows its job 951" in str(ended.message)
    assert ended.result() is None
    assert list(emulator.jobs) == [951]
    stored = read(run).state
    assert stored is not None
    assert (stored.name, stored.message) == (ended.name, ended.message)


def test_who_waits_for_a_deployments_run_reads_its_report_wherever_that_is(
    serve: Serve, options: dict[str, Any], deployment: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve({Product.LightCurve: Build(ends=-3)})
    monkeypatch.chdir(tmp_path)
    request = request_for(Product.Image, Product.LightCurve)
    run = planned(deployment, request, **options | {"destination": "here"}, on_failure="return")
    failing = planned(deployment, request, **options | {"destination": "there"})

    for each in (run, failing):
        run_here(each)
    state, failed = read(run).state, read(failing).state  # all that is left of them where somebody waits
    assert state is not None
    assert failed is not None
    report, error = state.result(), failed.result(raise_on_failure=False)

    assert isinstance(report, JobReport)
    assert report.files[Product.Image] == tmp_path / "here" / "GRB_200416A" / "951" / "image.tar.gz"
    assert isinstance(error, ProductsFailed)
    assert [failure.product for failure in error.report.failures] == ["LightCurve"]
    assert error.report.directory == tmp_path / "there" / "GRB_200416A" / "952"


@pytest.fixture
def proxy(prefect_api: str) -> Iterator[PrefectProxy]:
    proxy = prefect_proxy(prefect_api)
    with temporary_settings({PREFECT_API_URL: proxy.api, PREFECT_CLIENT_MAX_RETRIES: 0}):
        yield proxy


@pytest.mark.parametrize("cancel_with_run", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_cancellation_reaches_the_service_after_a_call_to_prefect_has_failed(
    serve: Serve, options: dict[str, Any], deployment: UUID, proxy: PrefectProxy, *, cancel_with_run: bool
) -> None:
    emulator = serve({"all": Build(requested=0, queued=0, running=1000), Product.Image: ENDLESS}, seconds_per_poll=0)
    request = request_for(Product.LightCurve, Product.Image)
    run = planned(deployment, request, **options | {"max_wait": 20.0}, cancel_with_run=cancel_with_run)

    def polled_again() -> None:
        before = len(emulator.ledger.calls("status"))
        wait_for("more polls", lambda: len(emulator.ledger.calls("status")) > before + 1, TIMEOUT)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(copy_context().run, run_here, run)
        polled_again()
        proxy.keep_away()
        emulator.advance(500)  # there is progress, which cannot be shown
        polled_again()
        proxy.let_through()
        cancel_in_the_ui(run)
        ended = running.result(TIMEOUT)

    assert ended.is_cancelled()
    stored = read(run).state
    assert stored is not None
    assert stored.is_cancelled()
    assert len(emulator.ledger.calls("cancel")) == cancel_with_run
    assert emulator.jobs[951].code(Product.Image) == (-4 if cancel_with_run else 3)


def test_a_poll_without_a_change_costs_no_call_to_prefect(
    serve: Serve, options: dict[str, Any], deployment: UUID, proxy: PrefectProxy
) -> None:
    emulator = serve({"all": ENDLESS}, seconds_per_poll=0)
    run = planned(deployment, request_for(Product.Image), **options)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(copy_context().run, run_here, run)
        wait_for("polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)
        before = len(proxy.calls)
        assert before
        wait_for("polls", lambda: len(emulator.ledger.calls("status")) > 6, TIMEOUT)
        calls = [call for call in proxy.calls[before:] if "/logs/" not in call and "csrf" not in call]
        emulator.cancel(951, ["Image"])
        running.result(TIMEOUT)

    assert calls == []


@pytest.mark.parametrize(
    ("flow", "cancels"), [(request_products, 1), (collect_products, 0)], ids=["request", "collect"]
)
def test_a_parameter_that_the_server_does_not_store_has_the_flows_default(
    serve: Serve, options: dict[str, Any], prefect_api: str, flow: Flow[..., Any], cancels: int
) -> None:
    assert prefect_api
    emulator = serve({"all": ENDLESS})
    request_products(request_for(Product.Image), **options | {"max_wait": 0.5}, on_failure="return")
    run = planned(deploy(flow), None, job_id=951)
    assert "cancel_with_run" not in run.parameters

    cancel_job_with_run(flow=flow, flow_run=run, state=Cancelling())

    assert len(emulator.ledger.calls("cancel")) == cancels

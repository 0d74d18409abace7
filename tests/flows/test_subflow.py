"""request_products as a step of somebody else's flow, and in the ways to hand it a request."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow_sync
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.states import Scheduled
from prefect_runs import free_port
from xrt_support import GLOBALS, USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build
from xrt_products import JobReport, cancel_products, request_products
from xrt_products.tasks.account import PrefectUnavailable, UKSSDCAccount, client_for


@task
def members(archive: Path) -> list[str]:
    with tarfile.open(archive) as opened:
        return opened.getnames()


@flow
def analyse(options: dict[str, Any]) -> list[str]:
    """Ask for an image, and look into its archive."""
    report = request_products(request_for(Product.Image, Product.EnhancedPos), **options, on_failure="return")
    assert isinstance(report, JobReport)
    return members(report.files[Product.Image])


def test_another_flow_works_on_with_the_report(serve: Serve, options: dict[str, Any]) -> None:
    serve({Product.EnhancedPos: Build(ends=-3)})

    assert any(name.endswith("images.log") for name in analyse(options))


@pytest.mark.parametrize("form", ["flat", "nested", "file"])
def test_a_request_may_be_a_dict_or_the_name_of_a_file(
    serve: Serve, options: dict[str, Any], tmp_path: Path, form: str
) -> None:
    emulator = serve()
    nested: dict[str, Any] = {"globals": GLOBALS, "products": {"StandardPos": {"posRadius": 15}}}
    flat = GLOBALS | {"StandardPos": {"posRadius": 15}}
    path = tmp_path / "grb.yaml"
    path.write_text(yaml.safe_dump(flat))
    request: Any = {"flat": flat, "nested": nested, "file": str(path)}[form]

    report = request_products(request, **options)

    assert report.ok
    assert str(emulator.jobs[951].pars["posRadius"]) == "15"


def test_an_account_may_be_a_blocks_name(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = serve()
    monkeypatch.delenv("UKSSDC_USER")
    UKSSDCAccount(email=USER, url=emulator.url).save("leicester", overwrite=True)

    assert request_products(request_for(Product.Image), **options, account="leicester").ok


def test_ukssdc_url_holds_for_a_block_that_names_no_address(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()
    UKSSDCAccount(email=USER).save("no-address", overwrite=True)

    assert request_products(request_for(Product.Image), **options, account="no-address").ok
    assert list(emulator.jobs) == [951]


def test_a_blocks_own_address_goes_before_ukssdc_url(serve: Serve) -> None:
    serve()

    assert client_for(UKSSDCAccount(email=USER, url="http://127.0.0.1:9/x")).base_url == "http://127.0.0.1:9/x"


def test_a_prefect_server_that_is_away_keeps_a_blocks_account_only_for_a_while() -> None:
    nobody = {PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api", PREFECT_CLIENT_MAX_RETRIES: 0}

    with temporary_settings(nobody), pytest.raises(PrefectUnavailable) as raised:
        client_for("leicester")

    assert raised.value.retryable


def test_a_run_that_is_set_going_again_goes_on_with_its_own_job(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({Product.Image: Build(running=900)})
    request = request_for(Product.Image)
    impatient = options | {"max_wait": 0.5, "on_failure": "return"}
    first = request_products(request, **impatient, return_state=True).state_details.flow_run_id
    assert first is not None
    request_products(request, **impatient, fresh=True)
    emulator.advance(3600)

    with get_client(sync_client=True) as client:
        client.set_flow_run_state(first, Scheduled(), force=True)
        report = run_flow_sync(request_products, client.read_flow_run(first), {"request": request} | options)

    assert isinstance(report, JobReport)
    assert report.ok
    assert report.job.job_id == 951
    assert list(emulator.jobs) == [951, 952]


def test_a_job_is_let_go_of_by_its_number(serve: Serve, options: dict[str, Any]) -> None:
    serve({Product.Image: Build(running=1e6)})
    request_products(request_for(Product.Image), **options | {"max_wait": 0.5}, on_failure="return")

    report = cancel_products(951)

    assert report.complete
    assert report.cancelled == (Product.Image,)


def test_a_bare_product_name_is_refused_with_the_hint_to_write_a_list(serve: Serve) -> None:
    emulator = serve()
    Client(USER, emulator.url).submit(request_for(Product.LightCurve))

    with pytest.raises(ValueError, match=r"write \['LightCurve'\]"):
        cancel_products(951, "LightCurve")

    assert emulator.ledger.calls("cancel") == []


def test_the_same_request_again_goes_on_with_the_job_that_was_left_unfinished(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({Product.Image: Build(running=900)})
    first = request_products(request_for(Product.Image), **options | {"max_wait": 0.5}, on_failure="return")
    emulator.advance(3600)

    second = request_products(request_for(Product.Image), **options)

    assert first.outcomes[Product.Image].outcome == "timed_out"
    assert second.ok
    assert list(emulator.jobs) == [951]


def test_fresh_asks_for_a_new_job_all_the_same(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({Product.Image: Build(running=900)})
    request_products(request_for(Product.Image), **options | {"max_wait": 0.5}, on_failure="return")
    emulator.advance(3600)

    request_products(request_for(Product.Image), **options, fresh=True)

    assert list(emulator.jobs) == [951, 952]


def test_a_finished_job_is_not_in_the_way_of_a_new_request(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()

    for _ in range(2):
        request_products(request_for(Product.Image), **options)

    assert list(emulator.jobs) == [951, 952]

"""Downloads within a run: tries without a byte are few, waits end with the longest wait, full disks are waited for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from archive_answers import archive, job
from failing_disk import FailingDisk
from prefect import flow
from prefect_runs import meanwhile
from raw_server import http, raw_server
from xrt_support import USER, Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Fault
from ukssdc.record import JobFolder, locks
from ukssdc.record.locks import file_lock
from ukssdc.times import utcnow
from xrt_products import request_products
from xrt_products.tasks import download, retry
from xrt_products.tasks.download import download_product
from xrt_products.tasks.retry import MAX_CORRUPT, RetriesExhausted

LC, IMAGE = Product.LightCurve, Product.Image
MANY = 10_000


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return a function that returns all that Prefect's loggers said."""
    caplog.set_level(logging.INFO)
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addHandler(caplog.handler)
    return lambda: caplog.text


def test_an_archive_that_never_begins_is_asked_for_a_few_times(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = serve(faults=[Fault("stall", "download", count=MANY, seconds=5.0)])
    monkeypatch.setenv("UKSSDC_FIRST_BYTE_TIMEOUT", "0.2")

    report = request_products(request_for(LC), **options, on_failure="return")

    assert "UKSSDC_FIRST_BYTE_TIMEOUT" in str(report.outcomes[LC])
    assert len(emulator.ledger.calls("download")) == 1 + MAX_CORRUPT


def test_a_trickle_is_held_to_the_longest_wait(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = serve(faults=[Fault("slow", "download", count=MANY, seconds=25.0)])  # a piece each half second
    monkeypatch.setattr(download, "RATE_TIME", 0.1)
    monkeypatch.setattr(download, "MIN_RATE", 1e9)

    report = request_products(request_for(LC), **options | {"max_wait": 3.0}, on_failure="return")

    assert "the longest wait is over" in str(report.outcomes[LC])
    assert len(emulator.ledger.calls("download")) == 1


@pytest.mark.parametrize("full", ["lc.tar.gz.part", "curve.qdp"], ids=["fetch", "unpack"])
@pytest.mark.parametrize("if_exists", ["skip", "replace", "error"])
def test_a_full_disk_is_waited_for_and_the_archive_fetched_once_more_at_most(
    serve: Serve,
    options: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
    full: str,
    if_exists: str,
) -> None:
    emulator = serve()
    disk = FailingDisk(options["destination"])
    disk.install(monkeypatch)
    disk.full = lambda name: name == full

    with meanwhile(lambda: disk.count >= 3, lambda: setattr(disk, "full", lambda _: False)):
        report: Any = request_products(request_for(LC), **options, extract=True, if_exists=if_exists)

    assert report.ok
    assert "no room for" in said()
    assert not list(options["destination"].rglob("failure-*"))
    if full == "curve.qdp":
        assert len(emulator.ledger.calls("download")) == 1


def test_a_failure_report_for_which_there_is_no_room_is_not_left_empty(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    serve({LC: Build(ends=-3)})
    disk = FailingDisk(options["destination"])
    disk.install(monkeypatch)
    disk.full = lambda name: name.startswith("failure-")

    report = request_products(request_for(LC, IMAGE), **options, on_failure="return")

    assert report.outcomes[IMAGE].outcome == "downloaded"
    assert "Cannot write the failure report" in said()
    assert not list(options["destination"].rglob("failure-*"))


def test_a_products_lock_that_another_holds_is_waited_for_and_the_holder_named(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "LOCK_WAIT", 0.1)
    serve()
    folder: Path = options["destination"] / "GRB_200416A" / "951"
    folder.mkdir(parents=True)

    with file_lock(folder / ".lc.lock") as held:
        report = request_products(request_for(LC), **options | {"max_wait": 3.0}, on_failure="return")

    assert held
    assert "in use by process" in str(report.outcomes[LC])
    assert "the longest wait is over" in str(report.outcomes[LC])


def download_from(url: str, directory: Path, monkeypatch: pytest.MonkeyPatch, max_wait: float) -> Any:
    """Run the task alone, in a flow, with a retry each tenth of a second."""
    monkeypatch.setenv("UKSSDC_USER", USER)
    monkeypatch.setenv("UKSSDC_URL", url)
    fetch = download_product.with_options(retries=MANY, retry_delay_seconds=0.1)
    folder = JobFolder(directory, job(url))
    deadline = utcnow() + timedelta(seconds=max_wait)

    @flow
    def fetch_one() -> Any:
        return fetch.submit(folder, LC, deadline=deadline).result(raise_on_failure=False)

    return fetch_one()


@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Busy"])
def test_a_service_that_asks_to_wait_is_not_asked_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    with raw_server(http(b"", status, "Retry-After: 3600"), http(archive())) as url:
        outcome = download_from(url, tmp_path, monkeypatch, 1.0)

    assert isinstance(outcome, RetriesExhausted)
    assert "asks to wait until" in str(outcome)
    assert not (tmp_path / "lc.tar.gz").exists()


@pytest.mark.usefixtures("prefect_api")
def test_a_service_that_asked_to_wait_is_asked_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(http(b"", "503 Busy", "Retry-After: 1"), http(archive())) as url:
        outcome = download_from(url, tmp_path, monkeypatch, 60.0)

    assert outcome.path.read_bytes() == archive()


@pytest.mark.usefixtures("prefect_api")
def test_an_interrupted_run_does_not_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt = threading.Event()
    monkeypatch.setattr(retry, "_interrupt", ContextVar("interrupt", default=interrupt))

    with raw_server(http(archive())) as url:
        interrupt.set()
        outcome = download_from(url, tmp_path, monkeypatch, 60.0)

    assert isinstance(outcome, retry.Interrupted)
    assert not (tmp_path / "lc.tar.gz").exists()

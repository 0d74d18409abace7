"""What automations can start from: an event for each product's end, and for the job's."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from xrt_support import Serve, request_for

import xrt_products.tasks.observe.events
from ukssdc import Job, Product
from ukssdc.emulator import Build
from ukssdc.outcomes import Cancelled
from xrt_products import request_products
from xrt_products.tasks.observe.events import emit_product

TIMEOUT = 60.0  # s
LC, SPECTRUM, IMAGE = Product.LightCurve, Product.Spectrum, Product.Image


def events(api: str, since: datetime, url: str, count: int) -> dict[str, dict[str, Any]]:
    """Return the events of an emulator's jobs by resource; they reach the server a moment after the flow."""
    query = {"filter": {"event": {"prefix": ["ukssdc."]}, "occurred": {"since": since.isoformat()}}, "limit": 50}
    deadline = time.monotonic() + TIMEOUT
    found: list[dict[str, Any]] = []
    while len(found) < count and time.monotonic() < deadline:
        time.sleep(0.2)
        answer = requests.post(f"{api}/events/filter", json=query, timeout=30).json()["events"]
        found = [e for e in answer if e["resource"]["ukssdc.job_url"].startswith(url)]
    assert len(found) == count
    return {event["resource"]["prefect.resource.id"]: event for event in found}


@pytest.fixture
def since() -> datetime:
    return datetime.now(UTC)


def test_each_product_and_the_job_have_their_event(
    serve: Serve, options: dict[str, Any], prefect_api: str, since: datetime
) -> None:
    emulator = serve({SPECTRUM: Build(ends=-3), IMAGE: Build(ends=-4)})

    report = request_products(request_for(LC, SPECTRUM, IMAGE), **options, on_failure="return")

    found = events(prefect_api, since, emulator.url.rsplit("/", 1)[0], 4)
    assert {resource: event["event"] for resource, event in found.items()} == {
        "ukssdc.job.951.lc": "ukssdc.product.complete",
        "ukssdc.job.951.spec": "ukssdc.product.failed",
        "ukssdc.job.951.image": "ukssdc.product.cancelled",
        "ukssdc.job.951": "ukssdc.job.complete",
    }
    payload = found["ukssdc.job.951.lc"]["payload"]
    assert {key: payload[key] for key in ("job", "target", "product", "path")} == {
        "job": 951,
        "target": "GRB 200416A",
        "product": "LightCurve",
        "path": str(report.files[LC]),
    }
    assert found["ukssdc.job.951.spec"]["payload"]["path"] is None
    job = found["ukssdc.job.951"]["payload"]
    assert (job["path"], job["ok"]) == (str(report.directory), False)
    assert job["outcomes"] == {"LightCurve": "downloaded", "Spectrum": "failed", "Image": "cancelled"}
    assert any(r["prefect.resource.role"] == "flow-run" for r in found["ukssdc.job.951"]["related"])


def test_a_product_that_is_still_pending_at_the_end_has_failed_for_automations(
    serve: Serve, options: dict[str, Any], prefect_api: str, since: datetime
) -> None:
    emulator = serve({LC: Build(running=1e6)})

    request_products(request_for(LC), **options | {"max_wait": 1.0}, on_failure="return")

    found = events(prefect_api, since, emulator.url.rsplit("/", 1)[0], 2)
    assert found["ukssdc.job.951.lc"]["event"] == "ukssdc.product.failed"
    assert found["ukssdc.job.951.lc"]["payload"]["outcome"] == "timed_out"


def test_an_event_that_cannot_be_emitted_is_logged_and_changes_nothing(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    serve()

    def broken(*_: Any, **__: Any) -> None:
        raise ConnectionError("the server is away")

    monkeypatch.setattr(xrt_products.tasks.observe.events, "emit_event", broken)

    report = request_products(request_for(LC), **options)

    assert report.ok
    assert "Could not emit ukssdc.product.complete of job 951" in caplog.text
    assert "Could not emit ukssdc.job.complete of job 951" in caplog.text


def test_outside_of_a_flow_run_it_changes_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted: list[str] = []
    monkeypatch.setattr(xrt_products.tasks.observe.events, "emit_event", lambda event, **_: emitted.append(event))

    emit_product(Job(job_id=1, url="", name="x", products=(LC,)), Cancelled(product="LightCurve", text="Cancelled"))

    assert emitted == ["ukssdc.product.cancelled"]

"""What the Prefect UI shows of a job that is going on: a bar per product and a status page, written only on change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from prefect import flow
from xrt_support import USER, Serve, request_for

import xrt_products.tasks.observe.artifacts
from ukssdc import Client, Job, JobStatus, Product, ProductStatus
from ukssdc.emulator import Build, Stage
from ukssdc.product_progress import product_progress
from xrt_products import request_products
from xrt_products.tasks.observe.artifacts import ProgressArtifacts

LC, IMAGE = Product.LightCurve, Product.Image


def artifacts(api: str, key: str, run: datetime) -> list[dict[str, Any]]:
    """Return the artifacts with a key made since a time, oldest first."""
    query = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    found = requests.post(f"{api}/artifacts/filter", json=query, timeout=30).json()
    return [a for a in reversed(found) if datetime.fromisoformat(a["created"]) >= run]


def running(*states: int, time: str = "1 minute", sub: list[dict[str, Any]] | None = None) -> ProductStatus:
    """Return a running product whose steps are in these states."""
    steps: list[dict[str, Any]] = [
        {"StepLabel": f"Step {'ABCD'[n]}.", "StepStatus": state} for n, state in enumerate(states)
    ]
    for step in steps:
        if step["StepStatus"] == 1 and sub is not None:
            step["SubStep"] = sub
    return ProductStatus.model_validate(
        {
            "status_code": 3,
            "status_text": "Running",
            "progress": {"GotProgress": 1, "ProgressSteps": steps, "TimeRunning": time},
        }
    )


def job(number: int, *products: Product) -> Job:
    return Job(job_id=number, url=f"http://127.0.0.1/{number}", name="GRB <b>|x", products=products)


@pytest.fixture
def since() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "percent", "step", "after"),
    [
        (ProductStatus(status_code=1, status_text="Requested"), 0, "", "the queue"),
        (ProductStatus(status_code=2, status_text="Queued"), 0, "", "its build"),
        (ProductStatus(status_code=5, status_text="Waiting"), 0, "", "its build, when there is a standard position"),
        (ProductStatus(status_code=4, status_text="Complete"), 100, "", "download"),
        (ProductStatus(status_code=-4, status_text="Cancelled"), 0, "", "nothing"),
        (ProductStatus(status_code=-3, status_text="Not produced"), 0, "", "the failure report"),
        (ProductStatus(status_code=17, status_text="New"), 0, "", "ask again"),
        (ProductStatus.missing(), 0, "", "ask again"),
        (ProductStatus(status_code=3, status_text="Running", progress={"GotProgress": 2}), 0, "", "download"),
        (running(2, 1, 0, 0), 25, "Step B", "Step C."),
        (running(2, 2, 2, 1), 75, "Step D", "download"),
        (running(2, 2, 2, 2), 99, "", "download"),
    ],
)
def test_where_a_product_stands(status: ProductStatus, percent: int, step: str, after: str) -> None:
    seen = product_progress(status)

    assert (seen.percent, seen.step, seen.next) == (percent, step, after)


@pytest.mark.parametrize(("states", "percent"), [((2, 2, 0), 67), ((2, 0, 0), 33), ((2, 2), 99)])
def test_the_log_and_the_bar_tell_the_same_percentage(states: tuple[int, ...], percent: int) -> None:
    status = running(*states)

    assert product_progress(status).percent == percent
    assert str(JobStatus({LC: status})) == f"LightCurve running {percent}%"


def test_nested_steps_are_named_from_the_outside_in_and_counted_within_their_step() -> None:
    sub = [{"StepLabel": "Fit <em>it</em>.", "StepStatus": 1, "StepExtra": "2 / 4"}]

    seen = product_progress(running(1, 0, sub=sub))

    assert (seen.percent, seen.step, seen.next) == (12, "Step A > Fit it: 2 / 4", "Step B.")


@pytest.mark.parametrize(
    ("active", "words"),
    [
        ({"StepLabel": "Fit.", "StepExtra": None}, "Fit"),
        ({"StepLabel": None, "StepExtra": "2 / 4"}, "2 / 4"),
        ({"StepLabel": None, "SubStep": [{"StepLabel": "Fit.", "StepStatus": 1}]}, "Fit"),
    ],
)
def test_null_counts_as_absent(active: dict[str, Any], words: str) -> None:
    steps = [active | {"StepStatus": 1}, {"StepLabel": None, "StepStatus": 0}]
    progress = {"GotProgress": 1, "TimeRunning": None, "ProgressSteps": steps}

    seen = product_progress(ProductStatus(status_code=3, status_text="Running", progress=progress))

    assert (seen.step, seen.running, seen.next) == (words, "", "")


def test_it_never_goes_back() -> None:
    assert product_progress(running(2, 1), before=70).percent == 70


def test_the_bars_are_at_100_and_the_page_tells_the_outcomes_at_the_end(
    serve: Serve, options: dict[str, Any], prefect_api: str, since: datetime
) -> None:
    serve({LC: Build(ends=-3)}, first_job_id=88010)

    request_products(request_for(LC, IMAGE), **options, on_failure="return")

    (bar,) = artifacts(prefect_api, "progress-88010-image", since)
    (failed,) = artifacts(prefect_api, "progress-88010-lc", since)
    (page,) = artifacts(prefect_api, "xrt-status-88010", since)
    assert (bar["type"], bar["data"]) == ("progress", 100)
    assert bar["description"] == "image downloaded: GRB 200416A, job 88010"
    assert failed["data"] < 100
    assert failed["description"] == "light curve failed: GRB 200416A, job 88010"
    assert page["description"].startswith("GRB 200416A, [job 88010](http")
    rows = [[cell.strip() for cell in line.split("|")] for line in page["data"].splitlines() if "%" in line]
    assert [(row[1], row[2] == "100 %", row[6]) for row in rows] == [
        ("light curve", False, "failed"),
        ("image", True, "downloaded"),
    ]


def test_while_a_job_goes_on_its_step_stands_in_the_page(
    serve: Serve, options: dict[str, Any], prefect_api: str, since: datetime
) -> None:
    serve({LC: Build(requested=0, queued=0, running=1e6)}, first_job_id=88011)

    request_products(request_for(LC), **options | {"max_wait": 1.5}, on_failure="return")

    (page,) = artifacts(prefect_api, "xrt-status-88011", since)
    assert "Prepare data and centroid (if selected)" in page["data"]
    assert "Running (3)" in page["data"]


def show(shown: ProgressArtifacts, *answers: ProductStatus) -> None:
    """Show one answer after the other, within a flow."""

    @flow
    def showing() -> None:
        for answer in answers:
            shown.update(JobStatus(dict.fromkeys(shown.job.products, answer)))

    showing()


def test_nothing_is_written_when_nothing_but_the_time_has_changed(prefect_api: str, since: datetime) -> None:
    shown = ProgressArtifacts(job(88001, LC))
    show(shown, running(2, 1, time="1 minute"))
    before = [artifacts(prefect_api, key, since) for key in ("progress-88001-lc", "xrt-status-88001")]

    show(shown, running(2, 1, time="2 minutes"), running(2, 1, time="3 minutes"))

    assert [artifacts(prefect_api, key, since) for key in ("progress-88001-lc", "xrt-status-88001")] == before


def test_what_has_changed_is_written_over_what_was_there(prefect_api: str, since: datetime) -> None:
    shown = ProgressArtifacts(job(88002, LC))

    show(shown, running(2, 0, 0, 0), running(2, 2, 0, 0), running(2, 0, 0, 0))

    (bar,) = artifacts(prefect_api, "progress-88002-lc", since)
    (page,) = artifacts(prefect_api, "xrt-status-88002", since)
    assert bar["data"] == 50
    assert "| light curve | 50 % | Running (3) |" in page["data"]
    assert "GRB &lt;b>" in page["data"]


def test_a_new_process_goes_on_from_where_the_bar_stood(prefect_api: str, since: datetime) -> None:
    show(ProgressArtifacts(job(88004, LC, IMAGE)), running(2, 0))

    show(
        ProgressArtifacts(job(88004, LC, IMAGE)),
        ProductStatus(status_code=3, status_text="Running", progress={"GotProgress": 2}),
    )

    bars = [a["data"] for a in artifacts(prefect_api, "progress-88004-lc", since)]
    pages = artifacts(prefect_api, "xrt-status-88004", since)
    assert bars == [50, 50]
    assert "| light curve | 50 % | Running (3) |" in pages[-1]["data"]


@pytest.mark.parametrize(
    ("number", "other"),
    [(88005, {"url": "http://127.0.0.1/elsewhere"}), (88006, {"submitted": datetime.now(UTC) + timedelta(hours=1)})],
    ids=["of another service", "submitted later"],
)
def test_another_job_with_the_same_number_begins_at_0(
    prefect_api: str, since: datetime, number: int, other: dict[str, Any]
) -> None:
    ours = job(number, LC)
    show(ProgressArtifacts(ours), running(2, 0))

    show(ProgressArtifacts(ours.model_copy(update=other)), running(0, 0))

    assert artifacts(prefect_api, f"progress-{number}-lc", since)[-1]["data"] == 0


def test_a_prefect_server_that_is_away_is_logged_and_caught_up_with_later(
    prefect_api: str, since: datetime, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ProgressArtifacts(job(88003, LC))

    def away(*_: Any, **__: Any) -> None:
        raise httpx.ConnectError("the server is away")

    with monkeypatch.context() as patch:
        patch.setattr(xrt_products.tasks.observe.artifacts, "create_progress_artifact", away)
        show(shown, running(2, 0))
    assert artifacts(prefect_api, "progress-88003-lc", since) == []
    show(shown, running(2, 0))

    assert "Could not show the progress of job 88003" in caplog.text
    assert [a["data"] for a in artifacts(prefect_api, "progress-88003-lc", since)] == [50]


def test_the_emulators_progress_never_goes_back_and_ends_at_100(serve: Serve, tmp_path: Path) -> None:
    assert tmp_path.exists()
    emulator = serve({"all": Build(requested=60, queued=60, running=600)})
    client = Client(USER, emulator.url)
    submitted = client.submit(request_for(*Product))
    seen: dict[str, list[int]] = {p: [] for p in Product}

    for _ in range(40):
        for product, status in client.status(submitted).items():
            seen[product].append(product_progress(status).percent)

    for percents in seen.values():
        assert percents == sorted(percents)
        assert percents[-1] == 100
        assert any(0 < p < 100 for p in percents)


def test_a_code_above_the_documented_ones_waits_at_where_it_was(
    serve: Serve, options: dict[str, Any], prefect_api: str, since: datetime
) -> None:
    serve({LC: Build(stages=(Stage(60, 17, "Something new"), Stage(0, 4, "Complete")))}, first_job_id=88012)

    assert request_products(request_for(LC), **options).ok
    assert [a["data"] for a in artifacts(prefect_api, "progress-88012-lc", since)] == [100]

"""What flows return and raise, stored as Prefect stores it and read again: the same, small, and without the account."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from xrt_support import USER

from ukssdc import CancelReport, InvalidRequest, Product, ServiceError, TransportError
from ukssdc.campaign import BatchReport, RowReport
from ukssdc.campaign.mistakes import InvalidCampaign, Mistake
from ukssdc.errors import JobInProgress, NoSlot, SubmissionRefused, UKSSDCError
from ukssdc.job import Job
from ukssdc.outcomes import Cancelled, Downloaded, Failed, JobReport, ProductsFailed, TimedOut
from xrt_products.tasks.results import RESULTS

JOB = Job(
    job_id=951,
    url="https://example.org/951",
    name="GRB 200416A",
    products=(Product.LightCurve, Product.Image, Product.Spectrum, Product.AstromPos),
    parameters={"RA": 335.6985, "LightCurve": {"binMeth": "counts"}},
    submitted=datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC),
)
REPORT = JobReport(
    job=JOB,
    outcomes={
        Product.LightCurve: Downloaded(product="LightCurve", path=Path("a/lc.tar.gz"), size=12, sha256="ab"),
        Product.Image: Failed(product="Image", code=-3, text="no", meaning="failed", advice="ask"),
        Product.Spectrum: TimedOut(product="Spectrum", code=3, text="Running", elapsed=1.5, advice="later"),
        Product.AstromPos: Cancelled(product="AstromPos", text="Cancelled"),
    },
    directory=Path("a"),
)
STORES: dict[str, Callable[[Any], Any]] = {
    "JSON": lambda value: RESULTS.loads(RESULTS.dumps(value)),
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 - its own
}
ERRORS: list[UKSSDCError] = [
    UKSSDCError("no account"),
    ServiceError("submit", ["no", "never"]),
    SubmissionRefused("submit", ["no"]),
    TransportError("HTTP 502", url="https://example.org", status_code=502, retry_after=3.0),
    NoSlot("5 of 5", active=5),
    JobInProgress("the run 'a'", job_id=951),
]
stores = pytest.mark.parametrize("store", STORES.values(), ids=STORES)


@stores
def test_a_report_is_the_same_again(store: Callable[[Any], Any]) -> None:
    found = store(REPORT)

    assert found == REPORT
    assert [type(outcome) for outcome in found.outcomes.values()] == [Downloaded, Failed, TimedOut, Cancelled]
    assert found.files == {Product.LightCurve: Path("a/lc.tar.gz")}


@stores
def test_a_cancellations_report_is_the_same_again(store: Callable[[Any], Any]) -> None:
    report = CancelReport(job_id=951, codes={Product.Image: 0}, texts={Product.Image: "cancelled"})

    assert store(report) == report


@stores
def test_failed_products_come_with_their_report(store: Callable[[Any], Any]) -> None:
    found = store(ProductsFailed(REPORT))

    assert isinstance(found, ProductsFailed)
    assert found.report == REPORT
    assert str(found) == str(ProductsFailed(REPORT))


@stores
def test_a_campaign_s_report_is_the_same_again_returned_or_raised(store: Callable[[Any], Any]) -> None:
    rows = (
        RowReport(number=1, name="GRB 200416A", key="a", report=REPORT),
        RowReport(number=2, name="M82", key="b", problem="the service refused it"),
    )
    report = BatchReport(name="two", directory=Path("a"), rows=rows)

    found, raised = store(report), store(ProductsFailed(report))

    assert found == raised.report == report
    assert isinstance(raised, ProductsFailed)
    assert str(raised) == str(ProductsFailed(report))
    assert [row.outcome for row in found.rows] == ["failed", "not_submitted"]
    assert found.reports[0].files == REPORT.files


@stores
def test_what_is_wrong_in_a_campaign_or_a_request_comes_along(store: Callable[[Any], Any]) -> None:
    mistakes = (Mistake(3, "RA", "RA is 400", "M82"), Mistake(None, "", "there is no target"))

    campaign = store(InvalidCampaign(mistakes, source="m82.csv"))
    request = store(InvalidRequest(["RA is 400", "name is missing"], source="m82.yaml"))

    assert (campaign.mistakes, campaign.source) == (mistakes, "m82.csv")
    assert (request.problems, request.source) == (("RA is 400", "name is missing"), "m82.yaml")
    assert store(ServiceError("submit", ["no", "never"])).errors == ("no", "never")


@stores
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_of_its_type_and_says_the_same(store: Callable[[Any], Any], error: UKSSDCError) -> None:
    found = store(error)

    assert type(found) is type(error)
    assert str(found) == str(error)
    assert (found.retryable, found.refusal, found.retry_after) == (error.retryable, error.refusal, error.retry_after)


def test_what_is_stored_is_small_and_holds_no_account() -> None:
    stored = RESULTS.dumps(REPORT)

    assert len(stored) < 2000
    assert USER.encode() not in stored


def test_nothing_but_this_projects_errors_is_made_of_what_is_stored() -> None:
    with pytest.raises(TypeError, match="no error of this project"):
        RESULTS.loads(b'{"__xrt_products__": "subprocess.Popen", "message": "ls", "attributes": {}}')

"""What a notebook shows of an object: a short repr, and a table in which texts of the service are text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, cast

import emulated_results
import pytest
from html_check import elements_of
from looks import afterglow, fits, full_look, persistent, positions, sources
from request_examples import COUNTS, flat

import ukssdc
import xrt_products
from ukssdc import (
    Client,
    DownloadedFile,
    InvalidRequest,
    Job,
    JobStatus,
    Product,
    ProductRequest,
    ProductStatus,
    emulator,
    quicklook,
    request,
    results,
)
from ukssdc.campaign import BatchReport, RowReport
from ukssdc.emulator import Build, Call, Emulator, Fault, Faults, Ledger, Scenario, Stage
from ukssdc.job import CancelReport, OldJob, OldJobs
from ukssdc.outcomes import Cancelled, Downloaded, Failed, JobReport, TimedOut
from ukssdc.quicklook import Files
from ukssdc.rebin import Rebin
from ukssdc.rebin_outcomes import RebinReport
from ukssdc.record import JobFolder
from ukssdc.results import EnergyBands
from xrt_products import UKSSDCAccount

LONG = "GRB 200416A <b>& co</b> " * 50
MANY = tuple(Product)
JOB = Job(
    job_id=951,
    url="https://www.swift.ac.uk/user_objects/tprods/USERPROD_951",
    name=LONG,
    products=MANY,
    parameters={f"key{number}": LONG for number in range(100)},
    submitted=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)
RUNNING = ProductStatus(
    status_code=3,
    status_text="Running",
    progress={"GotProgress": 1, "ProgressSteps": [{"StepLabel": LONG, "StepStatus": 1, "StepExtra": "2 / 9"}]},
)
FILE = DownloadedFile(Product.LightCurve, Path("/data" * 50), 10**9, "0" * 64, JOB.url * 5)
DOWNLOADED = Downloaded(product=Product.LightCurve, path=FILE.path, size=FILE.size, sha256=FILE.sha256)
FAILED = Failed(product=Product.Image, code=-3, text=LONG, meaning=LONG, advice=LONG)
TIMED_OUT = TimedOut(product=Product.Image, code=3, text=LONG, elapsed=1.0, advice=LONG)
BUILD = Build(requested=1, queued=2, running=3, text=LONG, stages=(Stage(1.0, 3, "Running"),) * 50)
LISTED = OldJob(job_id=951, name=LONG, submitted=JOB.submitted, products=MANY, available=True)
WITH_TABLE: dict[str, Any] = {
    "client": Client("observer@example.org"),
    "job": JOB,
    "job status": JobStatus(dict.fromkeys(MANY, RUNNING)),
    "product status": RUNNING,
    "light curve": emulated_results.curve(),
    "light curve in MJD": persistent(),
    "empty light curve": afterglow().model_copy(update={"datasets": {}}),
    "fits": emulated_results.fits(timeslice="user", rname1="a", gti1="0-1000", rname2="b", gti2="1000-1e9"),
    "job report": JobReport(job=JOB, outcomes={Product.LightCurve: DOWNLOADED, Product.Image: FAILED}, directory="."),
    "old jobs": OldJobs([LISTED] * 300),
    "rebinning": Rebin(rebin_id=7, job=JOB, parameters={"binMeth": "time", "pcBinTime": 100.0} | JOB.parameters),
}
OBJECTS: dict[str, Any] = WITH_TABLE | {
    "dataset": emulated_results.curve()["PC"],
    "slice": fits()["interval0"],
    "spectrum": fits().fits[0][1],
    "fit": fits().fits[0][2],
    "fit parameter": fits().fits[0][2].gamma,
    "position": positions()[Product.StandardPos],
    "source list": sources(100),
    "source": sources(1).bands["Total"][0],
    "quick look": full_look(),
    "request": ProductRequest.model_validate(flat(Image={"useObs": ",".join(["00966554000"] * 300)})),
    "parameters": ProductRequest.model_validate(flat(LightCurve=COUNTS)).light_curve,
    "old job": LISTED,
    "cancellation": CancelReport(job_id=951, codes=dict.fromkeys(MANY, 0), texts=dict.fromkeys(MANY, LONG)),
    "downloaded file": FILE,
    "downloaded": DOWNLOADED,
    "cancelled": Cancelled(product=Product.Image, text=LONG),
    "failed": FAILED,
    "timed out": TIMED_OUT,
    "folder": JobFolder(Path("/data" * 50), JOB, request=JOB.parameters),
    "rebin report": RebinReport(
        job=JOB,
        outcomes={Product.LightCurve: DOWNLOADED},
        directory=Path("/data" * 50),
        rebin=Rebin(rebin_id=7, job=JOB, parameters=JOB.parameters),
    ),
    "batch report": BatchReport(
        name=LONG, directory=Path("/data" * 50), rows=(RowReport(number=1, name=LONG, key=LONG, problem=LONG),) * 300
    ),
    "account": UKSSDCAccount(email="observer@example.org"),
    "energy bands": EnergyBands.from_parameters(JOB.parameters),
    "emulator": Emulator(),
    "scenario": Scenario({"all": BUILD, **dict.fromkeys(Product, BUILD)}, targets={LONG: {"all": BUILD}}),
    "build": BUILD,
    "stage": Stage(1.0, 3, "Running"),
    "fault": Fault("http_500", "download", count=3, product=Product.SourceDet),
    "faults": Faults([Fault("http_500", "download", count=3, product=Product.SourceDet)] * 300),
    "call": Call(call="submit", method="POST", products=MANY, body=JOB.parameters),
    "ledger": Ledger(),
    "files": Files({f"{name}.png": bytes(10**5) for name in Product}, (LONG, LONG)),
}
PUBLIC = (ukssdc, xrt_products, emulator, quicklook, request, results)


@pytest.mark.parametrize("thing", OBJECTS.values(), ids=OBJECTS)
def test_a_repr_is_a_short_line_with_the_classs_name(thing: Any) -> None:
    text = repr(thing)

    assert text.startswith(f"{type(thing).__name__}(")
    assert text.endswith(")")
    assert len(text) < 300
    assert "\n" not in text


def test_every_public_class_is_among_them() -> None:
    """Errors are not: they are to say all that is wrong."""
    public = {thing for module in PUBLIC for name in module.__all__ if isinstance(thing := getattr(module, name), type)}

    tried = {type(thing) for thing in OBJECTS.values()}
    assert {kind for kind in public - tried if not issubclass(kind, (Exception, Enum))} == set()


@pytest.mark.parametrize("thing", WITH_TABLE.values(), ids=WITH_TABLE)
def test_a_table_is_small_and_whole_html(thing: Any) -> None:
    page = cast("str", thing._repr_html_())

    elements = elements_of(page)
    assert elements[0] == "table"
    assert set(elements) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "a", "pre"}
    assert elements.count("tr") <= 22
    assert len(page) < 20_000


def test_no_table_shows_the_account() -> None:
    assert "observer" not in WITH_TABLE["client"]._repr_html_() + repr(WITH_TABLE["client"])


def test_an_address_that_is_none_becomes_no_link() -> None:
    page = JOB.model_copy(update={"url": 'javascript:alert("1")'})._repr_html_()

    assert "<a " not in page
    assert "javascript:alert(&quot;1&quot;)" in page


def test_the_status_of_a_job_says_how_far_each_product_is() -> None:
    page = WITH_TABLE["job status"]._repr_html_()

    assert len(re.findall(r"<td[^>]*>Running</td><td[^>]*>3</td><td[^>]*>\d+ %</td><td[^>]*>download</td>", page)) == 7


def test_the_table_of_fits_has_errors_and_as_many_digits_as_they_warrant() -> None:
    page = fits()._repr_html_()

    assert "errors 90 %" in page
    assert ">1.86 (+0.12, -0.11)<" in page


def test_a_status_answers_to_the_services_own_names() -> None:
    status = JobStatus({Product.LightCurve: RUNNING})

    assert status["LightCurve"]["statusText"] == "Running"
    assert status["LightCurve"]["statusCode"] == 3
    assert status["LightCurve"]["progress"]["GotProgress"] == 1
    with pytest.raises(KeyError, match="statusCode, statusText and progress"):
        status["LightCurve"]["status"]


@pytest.mark.parametrize("update", [{"T0": 1.0}, {"t0": 1}, {"Tstart": "1"}])
def test_a_copy_of_a_request_takes_every_name(update: dict[str, Any]) -> None:
    request = ProductRequest.model_validate(flat())

    changed = request.model_copy(update=update)

    assert changed.t0 == 1.0
    assert request.t0 != 1.0


def test_a_copy_of_a_request_changes_leaves_out_and_adds_products() -> None:
    request = ProductRequest.model_validate(flat())

    changed = request.model_copy(update={"LightCurve": {"binMeth": "obsid"}, "StandardPos": False, "image": True})

    assert changed.light_curve is not None
    assert changed.light_curve.bin_meth == "obsid"
    assert changed.standard_pos is None
    assert Product.Image in changed.products


def test_a_copy_of_a_products_parameters_is_checked_too() -> None:
    parameters = ProductRequest.model_validate(flat(LightCurve={"binMeth": "snapshot"})).light_curve
    assert parameters is not None

    assert parameters.model_copy(update={"minEnergy": 0.5}).min_energy == 0.5
    with pytest.raises(InvalidRequest, match="minEnergy"):
        parameters.model_copy(update={"minEnergy": 20})


@pytest.mark.parametrize("update", [{"RA": 400}, {"posErr": 0.5}, {"binMethod": "counts"}, {"name": None}])
def test_a_copy_with_a_mistake_is_refused(update: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        ProductRequest.model_validate(flat()).model_copy(update=update)


def test_a_copy_without_changes_is_not_checked() -> None:
    incomplete, _ = ProductRequest.read_wire({"lc": 1})

    assert incomplete.model_copy() == incomplete

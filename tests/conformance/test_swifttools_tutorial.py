"""The reference client, swifttools 4.0.5, goes through its own tutorial at the emulator, and sees what ours sees."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from raw_calls import TIMEOUT
from swifttools.ukssdc.xrt_prods import XRTProductRequest, prod_request
from xrt_support import USER

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Scenario

SERVICE = "https://www.swift.ac.uk/user_objects"
FIVE = ["LightCurve", "Spectrum", "StandardPos", "EnhancedPos", "AstromPos"]
NO_PROGRESS = "No progress information available"

pytestmark = pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning")


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Serve what the tutorial shows, and lead the calls that have the service's address built in here."""
    with Emulator(scenario=Scenario.seed_page()) as running:
        running.freeze()

        def post(url: str, json: Any) -> requests.Response:
            return requests.post(url.replace(SERVICE, running.url), json=json, timeout=TIMEOUT)

        monkeypatch.setattr(prod_request, "requests", SimpleNamespace(post=post))
        yield running


@pytest.fixture
def reference(emulator: Emulator) -> XRTProductRequest:
    """Return the tutorial's request, not yet submitted."""
    made = reference_client(emulator)
    made.setGlobalPars(
        getTargs=True,
        centroid=True,
        name="GRB 200416A",
        RA=335.6985,
        Dec=-7.5179,
        centMeth="simple",
        useSXPS=False,
        T0=608713541.952,
        posErr=1,
    )
    made.addLightCurve(binMeth="counts", pcCounts=20, wtCounts=30, dynamic=True)
    made.addSpectrum(hasRedshift=False)
    made.addStandardPos()
    made.addEnhancedPos()
    made.addAstromPos(useAllObs=True)
    return made


@pytest.fixture
def submitted(reference: XRTProductRequest) -> XRTProductRequest:
    assert reference.submit() is True
    return reference


def reference_client(emulator: Emulator) -> XRTProductRequest:
    made = XRTProductRequest(USER)
    made._baseURL = emulator.url
    return made


def texts(reference: XRTProductRequest) -> dict[str, str]:
    return {product: entry["statusText"] for product, entry in reference.checkProductStatus().items()}


def test_the_request_is_accepted(emulator: Emulator, reference: XRTProductRequest) -> None:
    assert reference.isValid() == (True, "")

    assert reference.submit() is True

    assert reference.JobID == "951"
    assert reference.URL.removeprefix(emulator.url) == "/tprods/USERPROD_951"
    assert reference.subRetData["jobPars"]["name"] == "GRB 200416A"


def test_a_request_that_is_refused_says_why(emulator: Emulator, reference: XRTProductRequest) -> None:
    reference.UserID = "stranger@example.org"

    assert reference.submit() is False

    assert "not registered" in reference.submitError
    assert len(emulator.jobs) == 0


def test_the_job_is_running(emulator: Emulator, submitted: XRTProductRequest) -> None:
    emulator.advance(20 + 8)

    assert texts(submitted) == dict.fromkeys(FIVE, "Running")


def test_the_astrometric_position_is_cancelled(emulator: Emulator, submitted: XRTProductRequest) -> None:
    emulator.advance(20 + 8)

    answer, report = submitted.cancelProducts(["AstromPos"])

    assert answer == 1
    assert report["AstromPos"] == {"code": 0, "text": "Job cancelled OK"}
    assert texts(submitted) == dict.fromkeys(FIVE, "Running") | {"AstromPos": "Cancelled at your request"}


def test_the_progress_texts_of_the_tutorial(emulator: Emulator, submitted: XRTProductRequest) -> None:
    emulator.advance(20 + 8)

    progress = submitted.checkProductStatus()

    assert progress["LightCurve"]["progressText"] == (
        "  ** Prepare data and centroid (if selected). - ACTIVE**\n"
        "  Extract data.\n"
        "  Binning light curve.\n"
        "  Plotting light curve as image.\n"
        "\n"
        "The job has been running for 00:00:08\n"
    )
    assert progress["StandardPos"]["progressText"] == (
        "  Collect data. - DONE\n"
        "  Sum images and exposure maps. - DONE\n"
        "  Perform detection with locally-estimated background - DONE\n"
        "  ** Perform PSF fit. - ACTIVE**\n"
        "\n"
        "The job has been running for 00:00:08\n"
    )


def test_the_job_is_complete_once_all_its_products_are(emulator: Emulator, submitted: XRTProductRequest) -> None:
    emulator.advance(20 + 8)
    before = submitted.complete

    emulator.advance(3600)

    assert before is False
    assert submitted.complete is True


def test_the_products_are_downloaded(emulator: Emulator, submitted: XRTProductRequest, tmp_path: Path) -> None:
    emulator.advance(3600)
    assert submitted.complete

    files = submitted.downloadProducts(str(tmp_path), stem="tutorial_files_", format="zip")

    wires = {"LightCurve": "lc", "Spectrum": "spec", "StandardPos": "psf", "EnhancedPos": "enh", "AstromPos": "xastrom"}
    assert files == {product: f"{tmp_path}/tutorial_files_{wire}.zip" for product, wire in wires.items()}
    for file in files.values():
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            assert archive.namelist()


def test_after_a_cancellation_too_all_five_archives_come_as_the_tutorial_shows(
    emulator: Emulator, submitted: XRTProductRequest, tmp_path: Path
) -> None:
    emulator.advance(20 + 8)
    submitted.cancelProducts(["AstromPos"])
    emulator.advance(3600)
    assert submitted.complete

    files = submitted.downloadProducts(str(tmp_path), stem="tutorial_files_", format="zip")

    assert list(files) == FIVE
    with zipfile.ZipFile(files["AstromPos"]) as archive:
        assert archive.namelist() == ["xastrom.log"]


def test_the_active_jobs_are_counted(emulator: Emulator, submitted: XRTProductRequest) -> None:
    active = submitted.countActiveJobs()
    emulator.advance(3600)

    assert (active, submitted.countActiveJobs()) == (1, 0)


def test_the_old_jobs_are_listed(emulator: Emulator, submitted: XRTProductRequest) -> None:
    emulator.advance(3600)

    (job,) = submitted.listOldJobs()

    assert (job["JobID"], job["Name"], job["hasProd"]) == (951, "GRB 200416A", True)
    assert [product for product in Product if job.get(product.value)] == FIVE


def test_an_old_job_is_taken_up(emulator: Emulator, submitted: XRTProductRequest) -> None:
    emulator.advance(3600)
    successor = reference_client(emulator)

    successor.copyOldJob(951, becomeThis=True)

    assert successor.JobID == 951
    assert successor.URL == submitted.URL
    assert successor.complete is True
    assert [name for name in Product if successor.hasProd(name.value)] == FIVE
    assert successor.getLightCurvePars()["binMeth"] == "counts"
    assert successor.getGlobalPars()["name"] == "GRB 200416A"


def test_an_old_job_can_be_submitted_once_more(emulator: Emulator, submitted: XRTProductRequest) -> None:
    successor = reference_client(emulator)

    successor.copyOldJob(int(submitted.JobID))

    assert successor.isValid() == (True, "")
    assert successor.submit() is True, successor.submitError
    assert successor.JobID == "952"


@pytest.mark.parametrize("age", [0, 6, 20, 28, 40, 60, 100, 170, 250, 3600])
@pytest.mark.parametrize("ends", [4, -1, -2, -3])
def test_both_clients_see_the_same(reference: XRTProductRequest, age: float, ends: int) -> None:
    with Emulator(scenario=Scenario({"all": Build(requested=5, queued=15), "Spectrum": Build(ends=ends)})) as served:
        served.freeze()
        reference._baseURL = served.url
        assert reference.submit()
        served.advance(age)

        ours = Client(USER, served.url)
        seen = ours.status(ours.attach(951))
        theirs = reference.checkProductStatus()

    assert {p: (int(s.status_code), s.status_text, s.progress_text) for p, s in seen.items()} == {
        p: (entry["statusCode"], entry["statusText"], entry["progressText"]) for p, entry in theirs.items()
    }


def test_both_clients_see_the_same_after_a_cancellation(emulator: Emulator, submitted: XRTProductRequest) -> None:
    emulator.advance(20 + 8)
    ours = Client(USER, emulator.url)
    job = ours.attach(951)
    ours.cancel(job, ["AstromPos", "Spectrum"])

    theirs = submitted.checkProductStatus()

    assert {p: int(s.status_code) for p, s in ours.status(job).items()} == {
        p: entry["statusCode"] for p, entry in theirs.items()
    }
    assert [p for p, entry in theirs.items() if entry["statusCode"] == -4] == ["Spectrum", "AstromPos"]
    assert theirs["Spectrum"]["progressText"] == NO_PROGRESS

"""The reference client's tutorial, line by line in both clients, rebinning included: each step brings the same.

`theirs` is what stands in the tutorial of swifttools 4.0.5; the line below it is how it is said here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
import swifttools.ukssdc.xrt_prods as ux
from astropy.table import Table
from compare_clients import (
    assert_same_curve,
    assert_same_position,
    assert_same_status,
    colours_in,
    contents,
    of_job,
    points_in,
)
from reference_client import lead_to
from spectra_as_sent import as_the_service_sends
from xrt_support import USER, Serve

from ukssdc import Client, Job, Product, ProductRequest, ServiceError
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.job import NOT_PARAMETERS
from xrt_products import request_products

mpl.use("Agg")

TARGET: dict[str, Any] = {
    "getTargs": True,
    "centroid": True,
    "name": "GRB 200416A",
    "RA": 335.6985,
    "Dec": -7.5179,
    "centMeth": "simple",
    "useSXPS": False,
    "T0": 608713541.952,
    "posErr": 1,
}
LIGHT_CURVE: dict[str, Any] = {"binMeth": "counts", "pcCounts": 20, "wtCounts": 30, "dynamic": True}
READY = Build(requested=0, queued=0, running=0)
BINNINGS: list[dict[str, Any]] = [
    {"binMeth": "time", "pcBinTime": 500, "wtBinTime": 20},
    {"binMeth": "snapshot"},
    {"binMeth": "counts", "pcCounts": 50, "wtCounts": 60, "dynamic": True, "minEnergy": 0.5, "maxEnergy": 8.0},
]

pytestmark = [
    pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:DEPRECATION WARNING:UserWarning"),  # the tutorial runs with old column names
]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator(scenario=Scenario.seed_page()) as running:
        running.freeze()
        lead_to(running, monkeypatch)
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    return Client(USER, emulator.url)


@pytest.fixture
def request_there(emulator: Emulator) -> ux.XRTProductRequest:
    """Return what the tutorial builds in its lines 2 to 8."""
    assert emulator.url
    theirs = ux.XRTProductRequest(USER)
    theirs.setGlobalPars(**TARGET)
    theirs.addLightCurve(**LIGHT_CURVE)
    theirs.addSpectrum(hasRedshift=False)
    theirs.addStandardPos()
    theirs.addEnhancedPos()
    theirs.addAstromPos(useAllObs=True)
    return theirs


@pytest.fixture
def request_here() -> ProductRequest:
    return ProductRequest(
        **TARGET,
        LightCurve=LIGHT_CURVE,
        Spectrum={"hasRedshift": False},
        StandardPos={},
        EnhancedPos={},
        AstromPos={"useAllObs": True},
    )


@pytest.fixture
def theirs(request_there: ux.XRTProductRequest) -> ux.XRTProductRequest:
    """Return their request, submitted."""
    assert request_there.submit() is True
    return request_there


@pytest.fixture
def ours(theirs: ux.XRTProductRequest, client: Client, request_here: ProductRequest) -> Job:
    """Return our job, submitted in the same second."""
    assert theirs.JobID == "951"
    return client.submit(request_here)


def test_building_and_checking_the_request(
    request_there: ux.XRTProductRequest, request_here: ProductRequest, client: Client, emulator: Emulator
) -> None:
    assert request_there.isValid() == (True, "")
    assert list(request_here.products) == list(request_there.getAllPars())[-5:]  # it was checked when it was made
    assert request_here.to_wire(USER) == request_there.getJSONDict()

    assert request_there.submit() is True
    job = client.submit(request_here)

    assert (request_there.JobID, job.job_id) == ("951", 952)
    assert request_there.URL.replace("951", "952") == job.url
    assert job.parameters.items() <= request_there.jobPars.items()
    assert request_there.jobPars.keys() - job.parameters.keys() == set(NOT_PARAMETERS)
    there, here = emulator.ledger.calls("submit")
    assert there.body == here.body


def test_the_status(
    emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.advance(28)

    progress = theirs.checkProductStatus()
    for prod, status in progress.items():
        print(f"{prod} -> {status['statusText']}")  # noqa: T201 - the tutorial's line
    there = capsys.readouterr().out
    for product, state in client.status(ours).items():
        print(f"{product} -> {state['statusText']}")  # noqa: T201
    here = capsys.readouterr().out

    assert here == there == "".join(f"{product} -> Running\n" for product in ours.products)


def test_cancelling_the_astrometric_position(
    emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job
) -> None:
    emulator.advance(28)

    cancelOK, cancelStatus = theirs.cancelProducts(["AstromPos"])  # noqa: N806 - the tutorial's names
    cancelled = client.cancel(ours, ["AstromPos"])

    assert bool(cancelOK) is cancelled.complete is True
    assert cancelStatus["AstromPos"] == {
        "code": cancelled.codes[Product.AstromPos],
        "text": cancelled.texts[Product.AstromPos],
    }
    assert_same_status(theirs.checkProductStatus(), client.status(ours))
    assert client.status(ours)["AstromPos"].status_text == "Cancelled at your request"


@pytest.mark.parametrize("age", [0, 6, 28, 60, 170, 3600])
def test_the_progress_and_the_end(
    emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job, age: float
) -> None:
    emulator.advance(age)

    assert_same_status(theirs.checkProductStatus(), client.status(ours))
    assert theirs.complete is client.status(ours).complete is (age == 3600)


def test_downloading(
    emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job, tmp_path: Path
) -> None:
    emulator.advance(3600)
    assert theirs.complete

    there = theirs.downloadProducts(str(tmp_path / "there"), stem="tutorial_files_", format="zip")
    here = client.download_all(ours, tmp_path / "here", stem="tutorial_files_", format="zip")

    assert list(there) == list(here)
    for product, file in here.items():
        assert file.path.name == Path(there[product]).name
        assert contents(file.path) == contents(Path(there[product]))


def test_the_positions(emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job) -> None:
    emulator.advance(3600)

    theirs.retrieveStandardPos()
    assert_same_position(theirs.standardPos, client.standard_position(ours))
    theirs.retrieveEnhancedPos()
    assert_same_position(theirs.enhancedPos, client.enhanced_position(ours))
    theirs.retrieveAstromPos()
    assert_same_position(theirs.astromPos, client.astrometric_position(ours))


def test_the_spectral_fits(emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job) -> None:
    emulator.advance(3600)
    theirs.deprecate = False  # the tutorial shows the new names

    theirs.retrieveSpectralFits()
    fits = client.spectral_fits(ours)

    assert as_the_service_sends(fits) == of_job(theirs.specData, ours.job_id)
    gamma = fits["interval0"].modes["WT"].models["PowerLaw"].gamma
    assert gamma is not None
    assert theirs.specData["interval0"]["WT"]["PowerLaw"]["Gamma"] == gamma.value


@pytest.mark.parametrize("old_names", [True, False], ids=["old names", "new names"])
def test_the_light_curve(
    emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job, *, old_names: bool
) -> None:
    emulator.advance(3600)
    theirs.deprecate = old_names

    theirs.retrieveLightCurve()
    curve = client.light_curve(ours)

    assert_same_curve(of_job(theirs.lcData, ours.job_id), curve)


def test_the_plot(emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job) -> None:
    emulator.advance(3600)
    theirs.retrieveLightCurve()

    _, there = theirs.plotLC(xlog=True, ylog=True)
    here = client.light_curve(ours).plot()

    assert here.get_xscale() == there.get_xscale() == here.get_yscale() == there.get_yscale() == "log"
    assert points_in(here) == points_in(there)
    assert {"WT": "blue", "PC": "red"}.items() <= colours_in(there).items()


@pytest.mark.parametrize("binning", BINNINGS, ids=lambda binning: binning["binMeth"])
def test_rebinning(
    emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job, binning: dict[str, Any]
) -> None:
    emulator.advance(3600)
    assert theirs.complete

    theirs.rebinLightCurve(**binning)
    rebin = client.rebin(ours, **binning)
    for _ in range(4):
        status = client.rebin_status(rebin)
        assert theirs.checkRebinStatus() == {"statusCode": status["statusCode"], "statusText": status["statusText"]}
        emulator.advance(8)
    emulator.advance(120)

    assert theirs.rebinComplete() is client.rebin_status(rebin).complete is True
    curve = client.light_curve(rebin, incbad="yes")
    there = theirs.getRebinnedLightCurve(returnData=True, saveData=False)
    assert_same_curve(of_job(there, rebin.rebin_id), curve)


def test_the_files_of_a_rebinning(
    emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job, tmp_path: Path
) -> None:
    emulator.advance(3600)
    assert theirs.complete
    theirs.rebinLightCurve(binMeth="snapshot")
    rebin = client.rebin(ours, binMeth="snapshot")
    emulator.advance(120)

    there = theirs.getRebinnedLightCurve(returnData=True, destDir=str(tmp_path / "lc"))
    file = client.light_curve(rebin, incbad="yes").write(tmp_path / "lc.ecsv")

    assert {Path(url).name for url in there["URLs"].values()} == {f.name for f in (tmp_path / "lc").iterdir()}
    assert len(Table.read(file)) == sum(len(there[name]) for name in there["Datasets"])


def test_cancelling_a_rebinning(emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job) -> None:
    emulator.advance(3600)
    assert theirs.complete
    theirs.rebinLightCurve(binMeth="snapshot")
    rebin = client.rebin(ours, binMeth="snapshot")

    with pytest.raises(AttributeError):  # theirs is broken (protocol, section 7)
        theirs.cancelRebin()
    assert client.cancel_rebin(rebin) is True
    assert client.rebin_status(rebin)["statusCode"] == -4


def test_what_is_refused(emulator: Emulator, client: Client, request_here: ProductRequest) -> None:
    del emulator
    theirs = ux.XRTProductRequest("stranger@example.org", JSONVals=request_here.to_wire("stranger@example.org"))

    assert theirs.submit() is False
    with pytest.raises(ServiceError) as refused:
        Client("stranger@example.org", client.base_url).submit(request_here)
    assert "not registered" in theirs.submitError
    assert "not registered" in str(refused.value)


def test_the_jobs(emulator: Emulator, theirs: ux.XRTProductRequest, client: Client, ours: Job) -> None:
    assert ux.countActiveJobs(USER) == client.count_active_jobs() == 2
    emulator.advance(3600)
    there, here = ux.listOldJobs(USER), client.jobs()

    assert [job["JobID"] for job in there] == [job.job_id for job in here] == [952, 951]
    assert [job["DateSubmitted"] for job in there] == [f"{job.submitted:%Y-%m-%d %H:%M:%S}" for job in here]
    successor = ux.XRTProductRequest(USER)
    successor.copyOldJob(951, becomeThis=True)
    ours_again = client.attach(951).request.to_wire(USER)
    assert successor.getJSONDict().items() <= ours_again.items()  # it leaves out what is the service's default
    assert client.attach(951).url == successor.URL == theirs.URL
    assert ours == client.attach(952).model_copy(update={"submitted": ours.submitted})


def test_the_script_at_the_tutorials_end(
    serve: Serve, options: dict[str, Any], request_here: ProductRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = serve(dict.fromkeys(Product, READY))
    lead_to(emulator, monkeypatch)
    theirs = ux.XRTProductRequest(USER, JSONVals=request_here.to_wire(USER))

    assert theirs.submit()
    while not theirs.complete:
        emulator.advance(60)
    there = theirs.downloadProducts(str(tmp_path / "there"), format="zip")
    report = request_products(request_here, **options, format="zip")

    assert report.ok
    assert list(there) == list(report.files)
    assert {p: contents(file) for p, file in report.files.items()} == {p: contents(Path(f)) for p, f in there.items()}

"""The reference client's calls for rebinning at the emulator: it sees no difference, and both clients get one curve."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from raw_calls import TIMEOUT
from swifttools.ukssdc import main as reference_api
from swifttools.ukssdc.data import download as functions
from swifttools.ukssdc.xrt_prods import XRTProductRequest
from xrt_support import USER

from ukssdc import Client, Job, ServiceError
from ukssdc.emulator import Emulator

BINNINGS: dict[str, dict[str, Any]] = {
    "counts": {"pcCounts": 40, "wtCounts": 60, "dynamic": True, "minCounts": 10},
    "time": {"pcBinTime": 500, "wtBinTime": 20, "timeFormat": "m"},
    "snapshot": {"minEnergy": 0.5, "maxEnergy": 8, "softLo": 0.5, "hardHi": 8, "allowUL": "no"},
    "obsid": {"whichData": "user", "useObs": "00966554000"},
}
ADDRESS = "https://www.swift.ac.uk/API/main.php"

pytestmark = pytest.mark.filterwarnings("ignore:distutils Version classes:DeprecationWarning")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        running.freeze()
        yield running


@pytest.fixture
def sent(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Lead the reference client's calls to the emulator; return the list of what it sends."""
    assert reference_api.APIURL == ADDRESS
    bodies: list[dict[str, Any]] = []
    address = emulator.url.replace("/user_objects", "/API/main.php")

    def post(url: str, json: dict[str, Any]) -> requests.Response:
        assert url == ADDRESS
        bodies.append(dict(json))
        return requests.post(address, json=json, timeout=TIMEOUT)

    monkeypatch.setattr(reference_api, "requests", SimpleNamespace(post=post))
    return bodies


@pytest.fixture
def reference(emulator: Emulator, sent: list[dict[str, Any]]) -> XRTProductRequest:
    """Return the reference client's request, whose light curve is complete."""
    assert sent == []
    made = XRTProductRequest(USER)
    made._baseURL = emulator.url
    made.setGlobalPars(getTargs=True, centroid=False, name="GRB 200416A", RA=335.6985, Dec=-7.5179, useSXPS=False)
    made.addLightCurve(binMeth="counts", pcCounts=20, wtCounts=30, dynamic=True)
    assert made.submit() is True
    emulator.advance(3600)
    assert made.complete
    return made


@pytest.fixture
def job(emulator: Emulator, reference: XRTProductRequest) -> Job:
    return Client(USER, emulator.url).attach(int(reference.JobID))


@pytest.mark.parametrize("method", BINNINGS)
def test_the_reference_client_goes_through_a_rebinning(
    emulator: Emulator, reference: XRTProductRequest, method: str
) -> None:
    reference.rebinLightCurve(binMeth=method, **BINNINGS[method])
    seen = [reference.checkRebinStatus()]
    emulator.advance(4)
    seen.append(reference.checkRebinStatus())
    emulator.advance(10)
    seen.append(reference.checkRebinStatus())
    before = reference.rebinComplete()
    emulator.advance(60)

    assert [entry["statusCode"] for entry in seen] == [1, 2, 3]
    assert (before, reference.rebinComplete()) == (False, True)
    assert reference.checkRebinStatus() == {"statusCode": 4, "statusText": "Complete"}
    assert reference.getRebinnedLightCurve(returnData=True, saveData=False)["PC_incbad"].shape[0] > 0


@pytest.mark.parametrize("method", BINNINGS)
def test_both_clients_send_the_same(
    emulator: Emulator, reference: XRTProductRequest, job: Job, sent: list[dict[str, Any]], method: str
) -> None:
    reference.rebinLightCurve(binMeth=method, **BINNINGS[method])
    Client(USER, emulator.url).rebin(job, method, **BINNINGS[method])

    theirs, ours = (dict(call.body) for call in emulator.ledger.calls("rebin"))
    assert theirs == sent[0]
    # The reference client has kept the job's number as submit answered it, as a text.
    assert ours == theirs | {"objectID": int(theirs["objectID"])}


@pytest.mark.parametrize("choice", ["no", "yes", "both"])
def test_both_clients_get_the_same_light_curve(
    emulator: Emulator, reference: XRTProductRequest, job: Job, choice: Any
) -> None:
    reference.rebinLightCurve(binMeth="time", **BINNINGS["time"])
    ours = Client(USER, emulator.url)
    rebin = ours.rebin(job, "time", **BINNINGS["time"])
    emulator.advance(60)

    theirs = reference.getRebinnedLightCurve(returnData=True, saveData=False, nosys=choice, incbad=choice)
    curve = ours.light_curve(rebin, nosys=choice, incbad=choice)

    assert (curve.binning, curve.time_format) == (theirs["Binning"], theirs["TimeFormat"]) == ("Time", "MJD")
    assert list(curve.datasets) == theirs["Datasets"]
    for name, dataset in curve.datasets.items():
        assert list(dataset.columns) == list(theirs[name].columns)
        for column, values in dataset.columns.items():
            assert values == pytest.approx(theirs[name][column].tolist(), nan_ok=True), (name, column)


def test_the_curve_that_is_rebinned_is_another_one(emulator: Emulator, job: Job) -> None:
    ours = Client(USER, emulator.url)
    rebin = ours.rebin(job, "time", pc_bin_time=500, wt_bin_time=20)
    emulator.advance(60)

    assert ours.light_curve(rebin)["PC"] != ours.light_curve(job)["PC"]


def test_the_reference_clients_own_cancellation_is_broken_and_the_function_below_it_works(
    emulator: Emulator, reference: XRTProductRequest, job: Job
) -> None:
    reference.rebinLightCurve(binMeth="snapshot")
    with pytest.raises(AttributeError):
        reference.cancelRebin()  # protocol, section 7
    assert functions._cancelRebin(reference.RebinID) is True
    assert functions._cancelRebin(reference.RebinID) is False

    ours = Client(USER, emulator.url)
    rebin = ours.rebin(job, "snapshot")
    assert ours.cancel_rebin(rebin) is True
    assert ours.cancel_rebin(rebin) is False
    assert reference.checkRebinStatus()["statusCode"] == ours.rebin_status(rebin).status_code == -4


def test_both_clients_hear_that_there_is_no_such_light_curve(
    emulator: Emulator, reference: XRTProductRequest, job: Job
) -> None:
    emulator.jobs.clear()

    with pytest.raises(RuntimeError, match="There is no such light curve"):
        reference.rebinLightCurve(binMeth="snapshot")
    with pytest.raises(ServiceError, match=r"There is no such light curve. \(code 10\)"):
        Client(USER, emulator.url).rebin(job, "snapshot")


def test_the_reference_client_saves_the_files_of_a_rebinning(
    emulator: Emulator, reference: XRTProductRequest, tmp_path: Path
) -> None:
    reference.rebinLightCurve(binMeth="snapshot")
    emulator.advance(60)

    reference.getRebinnedLightCurve(returnData=True, saveData=True, destDir=str(tmp_path / "lc"))

    assert sorted(file.name for file in (tmp_path / "lc").iterdir())


def test_no_account_is_sent(emulator: Emulator, job: Job) -> None:
    ours = Client(USER, emulator.url)
    ours.cancel_rebin(ours.rebin(job, "snapshot"))

    assert all("UserID" not in call.body and USER not in str(call.body) for call in emulator.ledger.calls("rebin"))

"""Results of the same job at the same emulator: the reference client, swifttools 4.0.5, and ours read equal numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest
from reference_client import lead_to
from spectra_as_sent import as_the_service_sends
from swifttools.ukssdc.xrt_prods import XRTProductRequest
from xrt_support import USER

from ukssdc import Client, Job, Product
from ukssdc._light_curve_calls import YesNoBoth
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.results import Position

READY = Build(requested=0, queued=0, running=0)
BURST: dict[str, Any] = {"name": "GRB 200416A", "RA": 335.6985, "Dec": -7.5179, "T0": 608713541.952}
GALAXY: dict[str, Any] = {"name": "M82", "RA": 148.9627, "Dec": 69.6793}
COUNTS: dict[str, Any] = {"binMeth": "counts", "pcCounts": 20, "wtCounts": 30, "dynamic": True}
EARLY_AND_LATE: dict[str, Any] = {
    "timeslice": "user",
    "rname1": "early",
    "gti1": "0-1000",
    "rname2": "late",
    "gti2": "5000-20000",
    "rname3": "gap",
    "gti3": "2000-5000",
}
POSITIONS = [Product.StandardPos, Product.EnhancedPos, Product.AstromPos]


class Pair(NamedTuple):
    """Both clients, at the same job."""

    theirs: XRTProductRequest
    ours: Client
    job: Job


MakePair = Callable[..., Pair]


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePair]:
    """Submit a request for one product with the reference client, complete at once, and take it up with ours.

    `lacking`: what the product's results lack (`Build.awkward`); `target`: global parameters, in place of the burst's.
    """
    with ExitStack() as stack:

        def make(
            product: str, *, lacking: str | None = None, target: dict[str, Any] = BURST, **parameters: Any
        ) -> Pair:
            scenario = Scenario({"all": READY, product: Build(awkward=lacking)})
            emulator = stack.enter_context(Emulator(scenario=scenario))

            lead_to(emulator, monkeypatch)
            theirs = XRTProductRequest(USER, useDeprecate=False)
            theirs.setGlobalPars(**{"getTargs": True, "centroid": True, "posErr": 1, "useSXPS": False} | target)
            theirs.addProduct(product, **parameters)
            assert theirs.submit(), theirs.submitError
            ours = Client(USER, emulator.url)
            return Pair(theirs, ours, ours.attach(int(theirs.JobID)))

        yield make


def positions(pair: Pair, product: Product) -> tuple[dict[str, Any], Position]:
    """Fetch a position with both clients."""
    retrieve = getattr(pair.theirs, f"retrieve{product}")
    fetch = {
        Product.StandardPos: pair.ours.standard_position,
        Product.EnhancedPos: pair.ours.enhanced_position,
        Product.AstromPos: pair.ours.astrometric_position,
    }[product]
    return retrieve(returnData=True), fetch(pair.job)


@pytest.mark.parametrize("target", [BURST, GALAXY, BURST | {"useSXPS": True}], ids=["burst", "galaxy", "catalogue"])
@pytest.mark.parametrize("product", POSITIONS)
def test_positions(pair: MakePair, product: Product, target: dict[str, Any]) -> None:
    theirs, ours = positions(pair(product, target=target), product)

    assert theirs["GotPos"] is ours.found is True
    assert (float(theirs["RA"]), float(theirs["Dec"]), float(theirs["Err90"])) == (ours.ra, ours.dec, ours.err90)
    assert theirs.get("FromSXPS", False) is ours.from_sxps
    assert theirs.get("WhichSXPS") == ours.which_sxps


@pytest.mark.parametrize("product", POSITIONS)
def test_no_position(pair: MakePair, product: Product) -> None:
    theirs, ours = positions(pair(product, lacking="no_position"), product)

    assert theirs["GotPos"] is ours.found is False
    assert "position" in theirs["Reason"]
    assert "position" in (ours.reason or "")


@pytest.mark.parametrize("target", [BURST, GALAXY], ids=["burst", "galaxy"])
@pytest.mark.parametrize(
    "parameters",
    [
        COUNTS,
        COUNTS | {"timeFormat": "m"},
        {"binMeth": "obsid"},
        {"binMeth": "snapshot", "allowUL": "no"},
        {"binMeth": "time", "pcBinTime": 200.0, "wtBinTime": 10.0},
    ],
    ids=["counts", "counts in MJD", "obsid", "snapshot", "time"],
)
def test_light_curves(pair: MakePair, target: dict[str, Any], parameters: dict[str, Any]) -> None:
    made = pair("LightCurve", target=target, **parameters)

    compare_light_curves(made, "no", "no")


@pytest.mark.parametrize("nosys", ["yes", "no", "both"])
@pytest.mark.parametrize("incbad", ["yes", "no", "both"])
def test_light_curves_with_and_without_systematics_and_unreliable_bins(
    pair: MakePair, nosys: YesNoBoth, incbad: YesNoBoth
) -> None:
    made = pair("LightCurve", **COUNTS)

    compare_light_curves(made, nosys, incbad)


def compare_light_curves(pair: Pair, nosys: YesNoBoth, incbad: YesNoBoth) -> None:
    theirs = pair.theirs.retrieveLightCurve(nosys=nosys, incbad=incbad, returnData=True)
    ours = pair.ours.light_curve(pair.job, nosys=nosys, incbad=incbad)

    assert theirs["Datasets"] == list(ours.datasets) != []
    for name, dataset in ours.datasets.items():
        assert list(theirs[name].columns) == list(dataset.columns)
        assert theirs[name].equals(dataset.to_pandas()), name
    assert theirs["URLs"] == {name: dataset.url for name, dataset in ours.datasets.items()}
    assert (theirs["T0"], theirs["TimeFormat"], theirs["Binning"]) == (ours.t0, ours.time_format, ours.binning)


def test_an_empty_light_curve(pair: MakePair) -> None:
    made = pair("LightCurve", lacking="empty_light_curve", **COUNTS)

    theirs = made.theirs.retrieveLightCurve(returnData=True)

    assert theirs["Datasets"] == list(made.ours.light_curve(made.job).datasets) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"redshift": 0.347, "models": ["powerlaw", "apec", "blackbody"]},
        {"galactic": True, "deltaFitStat": 1.0},
        {"doNotFit": True},
        {"whichData": "all", "specStem": "everything"},
        EARLY_AND_LATE,
        {"timeslice": "obsid", "whichData": "all"},
    ],
    ids=["defaults", "redshift, three models", "galactic", "no fit", "all data", "slices", "observations"],
)
@pytest.mark.parametrize("target", [BURST, GALAXY | {"T0": 608713541.952}], ids=["burst", "galaxy"])
def test_spectral_fits(pair: MakePair, target: dict[str, Any], parameters: dict[str, Any]) -> None:
    redshift = {} if "redshift" in parameters else {"hasRedshift": False}

    made = pair("Spectrum", target=target | {"SinceT0": True}, **redshift | parameters)

    assert as_the_service_sends(made.ours.spectral_fits(made.job)) == fits_of(made.theirs)


@pytest.mark.parametrize("lacking", ["nofit", "nospec"])
def test_spectra_without_fits_and_slices_without_spectra(pair: MakePair, lacking: str) -> None:
    made = pair("Spectrum", lacking=lacking, hasRedshift=False, **EARLY_AND_LATE)

    ours = made.ours.spectral_fits(made.job)

    assert as_the_service_sends(ours) == fits_of(made.theirs)
    assert not any(fit.fitted for _, _, fit in ours.fits)


def fits_of(reference: XRTProductRequest) -> dict[str, Any]:
    fits: dict[str, Any] = reference.retrieveSpectralFits(returnData=True)
    return fits


@pytest.mark.parametrize("bands", ["total", "all"])
@pytest.mark.parametrize("target", [BURST, GALAXY], ids=["burst", "galaxy"])
@pytest.mark.parametrize("lacking", [None, "no_sources"])
def test_source_lists(pair: MakePair, target: dict[str, Any], bands: str, lacking: str | None) -> None:
    made = pair("SourceDet", target=target, lacking=lacking, whichData="all", whichBands=bands)

    theirs = made.theirs.retrieveSourceList(returnData=True)
    ours = made.ours.source_list(made.job)

    assert theirs == {band: [source.values for source in sources] for band, sources in ours.bands.items()}
    assert {type(v) for s in theirs["Total"] for v in s.values()} <= {int, float}
    assert (len(ours) == 0) is (lacking is not None)

"""Spectral fits as the service sends them (protocol, section 6; the numbers are those of its own documentation)."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from ukssdc import ProtocolError
from ukssdc.results import FitParameter, SpectralFits

POWER_LAW = {
    "GalacticNH": 1.74728e20,
    "NH": 2.61822e22,
    "NHPos": 4.195329499999989e20,
    "NHNeg": -4.114560899999997e20,
    "Redshift_abs": 0.347,
    "Gamma": 1.74059,
    "GammaPos": 0.01495348799999996,
    "GammaNeg": -0.014803381000000115,
    "ObsFlux": 3.2308738407058433e-09,
    "ObsFluxPos": 2.0927980842864315e-11,
    "ObsFluxNeg": -2.0775434446476415e-11,
    "UnabsFlux": 5.272662824293303e-09,
    "UnabsFluxPos": 4.9185968693846606e-11,
    "UnabsFluxNeg": -4.730966359732954e-11,
    "Cstat": 1389.742568,
    "Dof": 960,
    "FitChi": 1347.730724,
    "Image": "https://www.swift.ac.uk/xrt_spectra/00571830/interval0wt_plot.gif",
}
APEC = {"NH": 1.81995e20, "KT": 4.60222, "KTPos": 0.24289140000000042, "KTNeg": -0.22265284499999982}
ANSWER: dict[str, Any] = {
    "T0": 401775096,
    "DeltaFitStat": 2.706,
    "rnames": ["interval0", "late_time"],
    "interval0": {
        "DataFile": "https://www.swift.ac.uk/xrt_spectra/00571830/interval0.tar.gz",
        "Start": 151.206299126148,
        "Stop": 40413.0104033947,
        "Modes": ["WT"],
        "WT": {
            "Models": ["PowerLaw", "APEC"],
            "PowerLaw": POWER_LAW,
            "APEC": APEC,
            "Exposure": 3162.851695179939,
            "MeanTime": 3449.54543888569,
        },
    },
    "late_time": {"DataFile": "https://x/late_time.tar.gz", "Start": 5502.7, "Stop": 40413.0, "NOSPEC": 1},
}


def answer() -> dict[str, Any]:
    return copy.deepcopy(ANSWER)


def test_the_facts_common_to_all_spectra() -> None:
    fits = SpectralFits.from_wire(answer() | {"GalNH_unfitted": "5.400326e+20"})

    assert (fits.t0, fits.delta_fit_stat, fits.galactic_nh_unfitted) == (401775096.0, 2.706, 5.400326e20)


def test_a_slice_knows_its_interval_and_its_file() -> None:
    interval = SpectralFits.from_wire(answer())["interval0"]

    assert (interval.start, interval.stop) == (151.206299126148, 40413.0104033947)
    assert interval.data_file == "https://www.swift.ac.uk/xrt_spectra/00571830/interval0.tar.gz"


def test_a_spectrum_knows_its_exposure_and_its_mean_time() -> None:
    spectrum = SpectralFits.from_wire(answer())["interval0"].modes["WT"]

    assert (spectrum.exposure, spectrum.mean_time, spectrum.fitted) == (3162.851695179939, 3449.54543888569, True)


def test_a_fit_has_values_with_signed_errors() -> None:
    fit = SpectralFits.from_wire(answer())["interval0"].modes["WT"].models["PowerLaw"]

    assert fit.fitted
    assert fit.nh == FitParameter(value=2.61822e22, pos=4.195329499999989e20, neg=-4.114560899999997e20)
    assert fit.gamma == FitParameter(value=1.74059, pos=0.01495348799999996, neg=-0.014803381000000115)
    assert fit.observed_flux == FitParameter(
        value=3.2308738407058433e-09, pos=2.0927980842864315e-11, neg=-2.0775434446476415e-11
    )
    assert fit.unabsorbed_flux == FitParameter(
        value=5.272662824293303e-09, pos=4.9185968693846606e-11, neg=-4.730966359732954e-11
    )
    assert (fit.cstat, fit.dof, fit.fit_chi) == (1389.742568, 960.0, 1347.730724)
    assert (fit.galactic_nh, fit.redshift, fit.kt) == (1.74728e20, 0.347, None)
    assert fit.image == "https://www.swift.ac.uk/xrt_spectra/00571830/interval0wt_plot.gif"


@pytest.mark.parametrize("spelling", ["KT", "kT"])
def test_a_thermal_fit_has_a_temperature_in_place_of_the_photon_index(spelling: str) -> None:
    changed = answer()
    changed["interval0"]["WT"]["APEC"] = {name.replace("KT", spelling): value for name, value in APEC.items()}

    fit = SpectralFits.from_wire(changed)["interval0"].modes["WT"].models["APEC"]

    assert fit.kt == FitParameter(value=4.60222, pos=0.24289140000000042, neg=-0.22265284499999982)
    assert fit.gamma is None


def test_numbers_may_be_strings() -> None:
    changed = answer()
    changed["interval0"]["WT"]["PowerLaw"] = {name: str(value) for name, value in POWER_LAW.items()}

    assert SpectralFits.from_wire(changed) == SpectralFits.from_wire(answer())


@pytest.mark.parametrize("failed", [{"NOFIT": 1}, {"NOFIT": ""}, "NOFIT"])
def test_a_fit_that_failed_says_so(failed: Any) -> None:
    changed = answer()
    changed["interval0"]["WT"]["PowerLaw"] = failed

    spectrum = SpectralFits.from_wire(changed)["interval0"].modes["WT"]

    assert (spectrum.models["PowerLaw"].fitted, spectrum.models["PowerLaw"].gamma) == (False, None)
    assert spectrum.models["APEC"].fitted
    assert spectrum.fitted


def test_a_spectrum_that_was_not_to_be_fitted_has_no_models() -> None:
    changed = answer()
    changed["interval0"]["WT"] = {"MeanTime": 3449.5, "Exposure": 3162.9, "NOFIT": 1}

    spectrum = SpectralFits.from_wire(changed)["interval0"].modes["WT"]

    assert (spectrum.models, spectrum.fitted, spectrum.exposure) == ({}, False, 3162.9)


def test_a_slice_without_a_spectrum_has_no_modes() -> None:
    late = SpectralFits.from_wire(answer())["late_time"]

    assert (late.modes, late.start) == ({}, 5502.7)


def test_a_job_without_any_spectrum_has_no_slices() -> None:
    assert SpectralFits.from_wire({"NoSpectrum": 1}).slices == {}


def test_an_error_that_was_not_found_is_none() -> None:
    changed = answer()
    changed["interval0"]["WT"]["PowerLaw"] |= {"GammaPos": None, "GammaNeg": "nan"}

    fit = SpectralFits.from_wire(changed)["interval0"].modes["WT"].models["PowerLaw"]

    assert fit.gamma == FitParameter(value=1.74059)


@pytest.mark.parametrize(("delta", "confidence"), [(2.706, 0.90), (1.0, 0.6827), (4.0, 0.9545)])
def test_the_confidence_of_the_errors(delta: float, confidence: float) -> None:
    fits = SpectralFits.from_wire(answer() | {"DeltaFitStat": delta})

    assert fits.confidence == pytest.approx(confidence, abs=1e-4)


def test_the_confidence_is_unknown_where_the_service_does_not_say() -> None:
    changed = answer()
    del changed["DeltaFitStat"]

    assert SpectralFits.from_wire(changed).confidence is None


def without(*path: str) -> dict[str, Any]:
    """Return the answer without the entry at a path."""
    changed = answer()
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (("rnames",), "the spectral fits: rnames is missing or no list"),
        (("interval0",), "the spectral fits: interval0 is missing or no object"),
        (("interval0", "Modes"), "the spectral fits, interval0: Modes is missing or no list"),
        (("interval0", "WT"), "the spectral fits, interval0: WT is missing or no object"),
        (("interval0", "WT", "Models"), "the spectral fits, interval0, WT: Models is missing or no list"),
        (("interval0", "WT", "APEC"), "the spectral fits, interval0, WT: APEC is missing or no object"),
    ],
)
def test_what_is_missing_is_named(path: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        SpectralFits.from_wire(without(*path))


def test_a_value_that_is_no_number_is_named() -> None:
    changed = answer()
    changed["interval0"]["WT"]["PowerLaw"]["Gamma"] = "steep"

    with pytest.raises(ProtocolError, match="interval0, WT, PowerLaw: Gamma is no number: 'steep'"):
        SpectralFits.from_wire(changed)


def test_a_frame_has_a_row_per_fit() -> None:
    frame = SpectralFits.from_wire(answer()).to_pandas()

    assert list(frame["Slice"] + " " + frame["Mode"] + " " + frame["Model"]) == [
        "interval0 WT PowerLaw",
        "interval0 WT APEC",
    ]
    assert frame["Gamma"][0] == 1.74059
    assert frame["KTNeg"][1] == -0.22265284499999982
    assert math.isnan(frame["Gamma"][1])


def test_a_frame_without_fits_has_the_columns_all_the_same() -> None:
    frame = SpectralFits.from_wire({"NoSpectrum": 1}).to_pandas()

    assert len(frame) == 0
    assert {"Slice", "NH", "GammaPos", "Cstat"} <= set(frame.columns)


def test_a_table_knows_its_units() -> None:
    table = SpectralFits.from_wire(answer()).to_table()

    units = {
        name: str(table[name].unit) for name in ("Start", "Exposure", "NH", "NHNeg", "KT", "ObsFlux", "UnabsFluxPos")
    }
    flux = "erg / (s cm2)"
    assert units == {
        "Start": "s",
        "Exposure": "s",
        "NH": "1 / cm2",
        "NHNeg": "1 / cm2",
        "KT": "keV",
        "ObsFlux": flux,
        "UnabsFluxPos": flux,
    }
    assert table["Gamma"].unit is None
    assert table.meta == {"T0": 401775096.0, "DeltaFitStat": 2.706}


def test_spectral_fits_survive_json() -> None:
    fits = SpectralFits.from_wire(answer())

    assert SpectralFits.model_validate_json(fits.model_dump_json()) == fits

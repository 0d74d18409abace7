"""The emulator's positions, spectral fits and source lists: plausible, of one piece, and as the request wants them."""

from __future__ import annotations

import math
from statistics import mean
from typing import Any

import pytest
from emulated_results import NAMES, POSITIONS, URL, curve, fits, job

from ukssdc.emulator.data import result_answers
from ukssdc.emulator.data.field_sources import galactic
from ukssdc.emulator.data.measured_positions import (
    astrometric_position_dat,
    enhanced_position_txt,
    standard_position_dat,
)
from ukssdc.results import FitParameter, LightCurveData, Position, SourceList, SpectralFits


def separation(one: Position, ra: float, dec: float) -> float:
    """Return the distance of a position from another place nearby, arcsec."""
    assert one.ra is not None
    assert one.dec is not None
    east = (one.ra - ra + 180) % 360 - 180
    return 3600 * math.hypot(east * math.cos(math.radians(dec)), one.dec - dec)


@pytest.mark.parametrize("call", [*POSITIONS, "light_curve", "spectral_fits", "source_list"])
def test_the_same_job_gets_the_same_answer(call: str) -> None:
    assert result_answers.answer(call, job(), {}) == result_answers.answer(call, job(), {})


@pytest.mark.parametrize("call", POSITIONS)
@pytest.mark.parametrize(("ra", "dec"), [(335.6985, -7.5179), (0.00001, 69.0), (359.99999, -69.0), (120.0, 89.9)])
def test_the_error_circle_holds_the_requested_place(call: str, ra: float, dec: float) -> None:
    position = Position.from_wire(result_answers.answer(call, job(RA=ra, Dec=dec), {}))

    assert position.err90 is not None
    assert separation(position, ra, dec) < position.err90


@pytest.mark.parametrize("call", POSITIONS)
def test_positions_come_as_strings(call: str) -> None:
    answer = result_answers.answer(call, job(), {})

    assert {type(answer[key]) for key in ("RA", "Dec", "Err90")} == {str}


def test_a_position_from_the_catalogue_is_one_that_was_asked_for() -> None:
    from_catalogue = Position.from_wire(result_answers.answer("standard_position", job(useSXPS=1), {}))
    measured = Position.from_wire(result_answers.answer("standard_position", job(useSXPS=0), {}))

    assert (from_catalogue.from_sxps, from_catalogue.which_sxps) == (True, "2SXPS")
    assert (measured.from_sxps, measured.which_sxps) == (False, None)


@pytest.mark.parametrize("name", NAMES)
def test_light_curve_and_spectra_have_the_same_modes(name: str) -> None:
    spectra = fits(name=name, specobs="all")["interval0"].modes

    assert set(spectra) == {dataset.mode for dataset in curve(name=name, binMeth="snapshot").detections}


def test_the_flux_follows_the_rate() -> None:
    both = fits(timeslice="user", SinceT0=1, rname1="early", gti1="0-200", rname2="late", gti2="5000-20000")
    early, late = both["early"], both["late"]
    wt, pc = early.modes["WT"].models["PowerLaw"], late.modes["PC"].models["PowerLaw"]
    read = curve()
    early_rates = read["WT"].value
    late_rates = [rate for time, rate in zip(read["PC"].time, read["PC"].value, strict=True) if 5000 < time < 20000]

    # The usual XRT conversion is a few 1e-11 erg cm^-2 per count.
    assert wt.observed_flux is not None
    assert pc.observed_flux is not None
    assert 1e-11 < wt.observed_flux.value / mean(early_rates) < 1e-10
    assert 1e-11 < pc.observed_flux.value / mean(late_rates) < 1e-10


def test_every_slice_that_the_request_names_is_there() -> None:
    read = fits(timeslice="user", SinceT0=1, rname1="early", gti1="0-1000", rname2="late", gti2="5000-20000")

    assert [(s.name, s.start, s.stop) for s in read.slices.values()] == [("early", 0, 1000), ("late", 5000, 20000)]
    assert list(read["early"].modes) == ["WT", "PC"]
    assert list(read["late"].modes) == ["PC"]


def test_a_slice_without_data_has_no_spectrum() -> None:
    assert fits(timeslice="user", SinceT0=1, rname1="gap", gti1="2000-5000")["gap"].modes == {}


@pytest.mark.parametrize("interval", ["608713541.952-608714541.952", "58955.29562-58955.30719"])
def test_intervals_may_be_met_or_mjd(interval: str) -> None:
    read = fits(timeslice="user", rname1="early", gti1=interval)["early"]

    assert read.start == pytest.approx(0, abs=2)
    assert read.stop == pytest.approx(1000, abs=2)


def test_every_model_that_the_request_names_is_fitted() -> None:
    models = fits(models=["powerlaw", "APEC", "blackbody"])["interval0"].modes["PC"].models

    assert list(models) == ["PowerLaw", "APEC", "BlackBody"]
    assert [(fit.gamma is not None, fit.kt is not None) for fit in models.values()] == [
        (True, False),
        (False, True),
        (False, True),
    ]


def known(parameter: FitParameter | None) -> tuple[float, float, float]:
    """Return a parameter's value and errors, all of which are there."""
    assert parameter is not None
    assert parameter.pos is not None
    assert parameter.neg is not None
    return parameter.value, parameter.pos, parameter.neg


@pytest.mark.parametrize("name", NAMES)
def test_fits_are_plausible(name: str) -> None:
    for _, _, fit in fits(name=name, specz=1, zval=0.5, galactic=1).fits:
        nh, gamma, observed, unabsorbed = map(known, (fit.nh, fit.gamma, fit.observed_flux, fit.unabsorbed_flux))
        for _, pos, neg in (nh, gamma, observed, unabsorbed):
            assert neg < 0 < pos
        assert 1 < gamma[0] < 3
        assert nh[0] + nh[2] >= 0
        assert unabsorbed[0] > observed[0] > 0
        assert fit.cstat is not None
        assert fit.dof is not None
        assert 0.7 < fit.cstat / fit.dof < 1.4
        assert (fit.redshift, fit.galactic_nh is not None) == (0.5, True)


def test_the_error_of_a_column_does_not_reach_below_zero() -> None:
    nh, _, neg = known(fits(dchi=5000)["interval0"].modes["WT"].models["PowerLaw"].nh)

    assert neg == -nh


def test_the_galactic_column_is_named_where_it_was_not_fitted() -> None:
    with_it, without = fits(galactic=1), fits(galactic=0)

    assert with_it.galactic_nh_unfitted is None
    assert without.galactic_nh_unfitted == with_it["interval0"].modes["PC"].models["PowerLaw"].galactic_nh
    assert without["interval0"].modes["PC"].models["PowerLaw"].galactic_nh is None


def test_a_request_without_fits_gets_spectra_alone() -> None:
    spectrum = fits(doNotFit=1)["interval0"].modes["PC"]

    assert (spectrum.models, spectrum.exposure is not None) == ({}, True)


def test_files_are_below_the_jobs_address() -> None:
    spectra = fits()["interval0"]

    assert spectra.data_file == f"{URL}/spec/interval0.tar.gz"
    assert spectra.modes["WT"].models["PowerLaw"].image == f"{URL}/spec/interval0wt_plot.gif"
    assert curve("no", "yes")["PCHR_incbad"].url == f"{URL}/lc/PCHR_incbad.qdp"


def test_a_spectrum_per_observation() -> None:
    names = ",".join(f"00035475{number:03d}" for number in range(1, 301))

    read = fits(name="Holmberg II X-1", specobs="user", usespecobs=names, timeslice="obsid")

    assert len(read.slices) == 300
    assert all(fit.fitted for _, _, fit in read.fits)


def test_the_target_is_the_brightest_source_of_its_field() -> None:
    sources = SourceList.from_wire(result_answers.answer("source_list", job(), {})).bands["Total"]
    first = sources[0]

    assert separation(Position(ra=first.ra, dec=first.dec), 335.6985, -7.5179) < first.err90  # type: ignore[operator]
    assert first.values["C"] == max(int(source.values["C"]) for source in sources)


def test_source_lists_are_all_strings() -> None:
    answer = result_answers.answer("source_list", job(), {})

    assert {type(value) for source in answer["Total"] for value in source.values()} == {str}


@pytest.mark.parametrize(("bands", "names"), [("total", ["Total"]), ("all", ["Total", "Soft", "Medium", "Hard"])])
def test_source_lists_come_in_the_bands_asked_for(bands: str, names: list[str]) -> None:
    assert list(SourceList.from_wire(result_answers.answer("source_list", job(detbands=bands), {})).bands) == names


def test_galactic_coordinates() -> None:
    # M82 in galactic coordinates, as SIMBAD gives it.
    assert galactic(148.968458, 69.679703) == pytest.approx((141.4095, 40.5670), abs=1e-3)


def test_the_files_hold_what_the_answers_say() -> None:
    standard, enhanced, astrometric = (result_answers.answer(call, job(), {}) for call in POSITIONS)

    fields = standard_position_dat(job()).rstrip("\n").split("\t")
    assert [fields[0], fields[1], fields[4]] == [standard["RA"], standard["Dec"], standard["Err90"]]
    lines = enhanced_position_txt(job()).splitlines()
    assert [lines[6], lines[7], lines[10]] == [enhanced["RA"], enhanced["Dec"], enhanced["Err90"]]
    fields = astrometric_position_dat(job()).rstrip("\n").split("\t")
    assert [fields[0], fields[1], fields[4]] == [astrometric["RA"], astrometric["Dec"], astrometric["Err90"]]


def awkward(call: str, case: str) -> dict[str, Any]:
    return result_answers.answer(call, job(), {}, frozenset({case}))


@pytest.mark.parametrize("call", POSITIONS)
def test_no_position(call: str) -> None:
    assert not Position.from_wire(awkward(call, "no_position")).found


def test_an_empty_light_curve() -> None:
    read = LightCurveData.from_wire(awkward("light_curve", "empty_light_curve"))

    assert (len(read), read.time_format) == (0, "MET")


def test_no_fits() -> None:
    read = SpectralFits.from_wire(awkward("spectral_fits", "nofit"))

    assert read.fits
    assert not any(fit.fitted for _, _, fit in read.fits)


def test_no_spectra() -> None:
    assert SpectralFits.from_wire(awkward("spectral_fits", "nospec"))["interval0"].modes == {}


def test_no_sources() -> None:
    assert len(SourceList.from_wire(awkward("source_list", "no_sources"))) == 0


def test_an_unknown_awkward_case_is_named() -> None:
    with pytest.raises(ValueError, match="no such awkward case: no_light"):
        awkward("light_curve", "no_light")

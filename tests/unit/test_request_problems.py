"""What is said of a request that the service would refuse: everything at once, in the user's names."""

from __future__ import annotations

import math
from typing import Any

import pytest
from request_examples import COUNTS, EMAIL, TARGET, flat, only_problem_of, problems_of

from ukssdc import InvalidRequest, ProductRequest
from ukssdc.request.parameters import EnhancedPos, LightCurve

TEN_MISTAKES = {
    "globals": {"name": "GRB 200416A", "getTargs": True, "RA": 400, "Dec": -7.5, "centroid": True, "posEr": 1.0},
    "products": {
        "LightCurve": {"binMethod": "counts", "binMeth": "counts", "pcCounts": 20.5, "wtCounts": 30, "softLo": 11},
        "Spectrum": {"redshift": 1.2, "doNotFit": True, "gti1": "0-100"},
        "StandardPos": {"posRadius": 10},
        "EnhancedPos": {"posRadius": 20, "incHours": "many"},
        "SourceDet": {},
    },
}


def test_ten_mistakes_are_named_in_one_error() -> None:
    expected = {
        "RA is 400": "0 to 360 (deg)",
        "posEr is not": "did you mean posErr?",
        "LightCurve.binMethod is not": "did you mean binMeth?",
        "LightCurve.pcCounts is 20.5": "a whole number",
        "LightCurve.dynamic is missing": "binMeth counts needs it",
        "LightCurve.softLo is 11": "0.3, the default, to 10, the default, keV",
        "LightCurve.softLo is 11 keV and softHi 1.5": "give a softLo below softHi",
        "Spectrum.redshift means": "leave out doNotFit or redshift",
        "Spectrum.gti1 is given, but timeslice is single": "set timeslice to user",
        "StandardPos.posRadius 10 and EnhancedPos.posRadius 20": "give it once",
        "EnhancedPos.incHours is 'many'": "a number above 0 (h)",
        "SourceDet.whichData is missing": "give all or user",
    }

    problems = problems_of(TEN_MISTAKES)

    found = {start for start, rest in expected.items() if any(p.startswith(start) and rest in p for p in problems)}
    assert found == expected.keys()
    assert len(problems) == len(expected)


def test_the_message_counts_and_lists_them() -> None:
    with pytest.raises(InvalidRequest, match=r"the request has 2 problems:\n  - posErr is 7, .*\n  - name is missing"):
        ProductRequest.model_validate(flat(posErr=7, name=None))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"RA": 360.1}, "RA is 360.1, which is not permitted: give a number from 0 to 360 (deg)"),
        ({"Dec": -91}, "Dec is -91, which is not permitted: give a number from -90 to 90 (deg)"),
        ({"posErr": 0.5}, "posErr is 0.5, which is not permitted: give a number from 1 to 6 (arcmin)"),
        ({"posErr": True}, "posErr is true, which is not permitted: give a number from 1 to 6 (arcmin)"),
        ({"posErr": "abc"}, "posErr is 'abc', which is not permitted: give a number from 1 to 6 (arcmin)"),
        (
            {"posErr": None, "pos_err": [1]},
            "pos_err is [1], which is not permitted: give a number from 1 to 6 (arcmin)",
        ),
        ({"T0": math.nan}, "T0 is nan, which is not permitted: give a number (s)"),
        ({"T0": math.inf}, "T0 is inf, which is not permitted: give a number (s)"),
        ({"T0": 10**400}, "which is not permitted: give a number (s)"),
        ({"maxCentTries": 2.5}, "maxCentTries is 2.5, which is not permitted: give a whole number of at least 1"),
        ({"maxCentTries": True}, "maxCentTries is true, which is not permitted: give a whole number of at least 1"),
        ({"sss": "maybe"}, "sss is 'maybe', which is not permitted: give true or false"),
        ({"centMeth": "guess"}, "centMeth is 'guess', which is not permitted: give simple or iterative"),
        (
            {"targ": "0966554"},
            "targ is '0966554', which is not permitted (it has 7 digits, a target ID 8): give target",
        ),
        ({"name": 32503}, "name is 32503, which is not permitted: give the target's name in quotes"),
        ({"name": " "}, "name is ' ', which is not permitted: give the target's name"),
    ],
)
def test_a_value_that_is_not_permitted_comes_with_what_is(given: dict[str, Any], problem: str) -> None:
    assert problem in only_problem_of(flat(**given))


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("posErrr", "posErr"), ("POSERR", "posErr"), ("lightcurve", "LightCurve"), ("PcPupRates", "pcPupRate")],
)
def test_an_unknown_name_is_answered_with_the_nearest(wrong: str, near: str) -> None:
    assert only_problem_of(flat() | {wrong: 1}) == f"{wrong} is not a parameter: did you mean {near}?"


@pytest.mark.parametrize(
    ("request_", "near"),
    [
        (flat(LightCurve={"binMethod": "counts"}), "binMeth"),
        (flat(posErr=None, posEr=1), "posErr"),
        (flat(targ=None, getTarget=True), "getTargs"),
    ],
)
def test_what_is_only_misspelt_is_not_said_to_be_missing_as_well(request_: dict[str, Any], near: str) -> None:
    assert only_problem_of(request_).endswith(f" is not a parameter: did you mean {near}?")


def test_a_name_that_is_like_nothing_is_answered_with_all() -> None:
    problem = only_problem_of(flat(Image={"colour": "red"}))

    assert problem == "Image.colour is not a parameter: there are energies, whichData, useObs"


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (flat(srcrad=20), "srcrad is not a parameter here: it belongs under LightCurve, Spectrum"),
        (flat(Image={"posErr": 1}), "Image.posErr is not a parameter here: it is about the whole request"),
        (flat() | {"UserID": EMAIL}, "UserID is not a parameter here: the e-mail address is the account's"),
    ],
)
def test_a_name_in_the_wrong_place_is_told_its_own(request_: dict[str, Any], problem: str) -> None:
    assert problem in only_problem_of(request_)


def test_a_parameter_given_under_two_names_is_refused() -> None:
    assert only_problem_of(flat(poserr=2)) == "poserr and posErr are the same parameter: give it once"


def test_a_product_given_under_two_names_is_refused() -> None:
    assert "lc is given twice" in only_problem_of(flat(LightCurve=COUNTS, lc=COUNTS))


@pytest.mark.parametrize(
    ("missing", "problem"),
    [
        ("name", "name is missing: give the target's name"),
        ("targ", "targ is missing: give target IDs of 8 digits"),
        ("RA", "RA is missing: give a number from 0 to 360 (deg), or getCoords true"),
        ("Dec", "Dec is missing: give a number from -90 to 90 (deg), or getCoords true"),
        ("centroid", "centroid is missing: give true or false"),
        ("posErr", "posErr is missing (centroid true needs it): give a number from 1 to 6 (arcmin)"),
        ("StandardPos", "no product is asked for: give at least one of LightCurve, Spectrum, StandardPos"),
    ],
)
def test_what_is_needed_is_asked_for(missing: str, problem: str) -> None:
    assert problem in only_problem_of(flat(**{missing: False if missing == "StandardPos" else None}))


def test_a_switch_that_is_off_finds_nothing() -> None:
    assert "targ is missing" in only_problem_of(flat(targ=None, getTargs=False))


def test_source_detection_alone_needs_no_position() -> None:
    request = ProductRequest.model_validate({"name": "field", "targ": "00032503", "SourceDet": {"whichData": "all"}})

    assert request.use_sxps is None


def test_source_detection_with_something_else_needs_one() -> None:
    problems = problems_of({"name": "f", "targ": "00032503", "SourceDet": {"whichData": "all"}, "Image": {}})

    assert [problem.split()[0] for problem in problems] == ["RA", "Dec", "centroid"]


@pytest.mark.parametrize(
    ("product", "settings", "problems"),
    [
        ("LightCurve", {}, ["binMeth is missing: give counts, time, snapshot or obsid"]),
        (
            "LightCurve",
            {"binMeth": "counts"},
            [f"{name} is missing (binMeth counts needs it)" for name in ("pcCounts", "wtCounts", "dynamic")],
        ),
        (
            "LightCurve",
            {"binMeth": "time"},
            ["pcBinTime is missing (binMeth time needs it)", "wtBinTime is missing (binMeth time needs it)"],
        ),
        (
            "LightCurve",
            {"binMeth": "time", "pcBinTime": 9, "wtBinTime": 9, "matchHR": False},
            ["pcHRBinTime is missing (matchHR false needs it)", "wtHRBinTime is missing (matchHR false needs it)"],
        ),
        ("LightCurve", {"binMeth": "obsid", "whichData": "user"}, ["useObs is missing (whichData user needs it)"]),
        (
            "LightCurve",
            {"binMeth": "obsid", "minEnergy": 2, "maxEnergy": 2},
            ["minEnergy is 2 keV and maxEnergy 2 keV"],
        ),
        (
            "LightCurve",
            {"binMeth": "obsid", "minEnergy": 11},
            ["minEnergy is 11 keV and maxEnergy 10, the default, keV"],
        ),
        ("LightCurve", {"binMeth": "obsid", "softHi": 11}, ["softHi is 11 keV, outside minEnergy to maxEnergy"]),
        ("LightCurve", {"binMeth": "obsid", "minFracExp": 1.1}, ["minFracExp is 1.1, which is not permitted"]),
        ("LightCurve", {"binMeth": "obsid", "pcMaxGap": 0}, ["pcMaxGap is 0, which is not permitted"]),
        ("Spectrum", {}, ["hasRedshift is missing: give true or false"]),
        ("Spectrum", {"hasRedshift": True}, ["redshift is missing (hasRedshift true needs it)"]),
        (
            "Spectrum",
            {"redshift": 1, "hasRedshift": False},
            ["hasRedshift is false, but redshift means hasRedshift true"],
        ),
        (
            "Spectrum",
            {"redshift": 1, "galactic": False},
            ["galactic is false, but hasRedshift true means galactic true"],
        ),
        ("Spectrum", {"redshift": "far"}, ["redshift is 'far', which is not permitted"]),
        (
            "Spectrum",
            {"doNotFit": True, "hasRedshift": True, "redshift": 1},
            ["hasRedshift is true, but doNotFit true means hasRedshift false"],
        ),
        ("Spectrum", {"doNotFit": True, "whichData": "hours"}, ["incHours is missing (whichData hours needs it)"]),
        (
            "Spectrum",
            {"doNotFit": True, "timeslice": "user"},
            ["rname1 is missing (timeslice user needs it)", "gti1 is missing (timeslice user needs it)"],
        ),
        (
            "Spectrum",
            {"doNotFit": True, "timeslice": "user", "rname1": "a", "gti1": "0-9", "gti3": "9-10"},
            ["rname3 is missing (gti3 needs it)"],
        ),
        (
            "Spectrum",
            {"doNotFit": True, "rname1": "a", "gti1": "0-9"},
            ["rname1, gti1 are given, but timeslice is single"],
        ),
        (
            "Spectrum",
            {"doNotFit": True, "models": ["apec", "line"]},
            ["models is ['apec', 'line'], which is not permitted"],
        ),
        ("Spectrum", {"doNotFit": True, "models": []}, ["models is [], which is not permitted"]),
        ("Spectrum", {"doNotFit": True, "rname1": "a b", "gti1": "0-9", "timeslice": "user"}, ["rname1 is 'a b'"]),
        (
            "StandardPos",
            {"whichData": "all", "useObs": "00966554000"},
            ["whichData is all, but useObs means whichData user"],
        ),
        ("Image", {"energies": "10-0.3"}, ["energies is '10-0.3', which is not permitted: give bands in keV"]),
        ("SourceDet", {}, ["whichData is missing: give all or user"]),
    ],
)
def test_what_has_to_hold_within_a_product(product: str, settings: dict[str, Any], problems: list[str]) -> None:
    found = problems_of(flat(**{product: settings}))

    assert [p.startswith(f"{product}.{q}") for p, q in zip(found, problems, strict=True)] == [True] * len(problems)


@pytest.mark.parametrize(
    "products",
    [
        {"LightCurve": {"binMeth": "obsid", "minEnergy": "low", "softLo": 0.1}},
        {"LightCurve": COUNTS | {"binMeth": "clever"}},
        {"Spectrum": {"redshift": "far"}},
        {"StandardPos": {"whichData": "user"}, "EnhancedPos": {"useObs": 12.5}},
    ],
)
def test_nothing_is_concluded_from_what_cannot_be_read(products: dict[str, Any]) -> None:
    assert "which is not permitted" in only_problem_of(flat(**products))


def test_the_hardness_ratio_has_bins_of_its_own_with_time_binning_only() -> None:
    request = ProductRequest.model_validate(flat(LightCurve=COUNTS | {"matchHR": False}))

    assert request.to_wire(EMAIL)["hrbin"] == 0


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"getTargs": True}, "getTargs is true, but targ means getTargs false: leave out targ or getTargs"),
        ({"T0": 5, "getT0": True}, "getT0 is true, but T0 means getT0 false: leave out T0 or getT0"),
        ({"getCoords": True}, "getCoords is true, but RA means getCoords false: leave out RA or getCoords"),
    ],
)
def test_what_is_given_is_not_also_looked_up(given: dict[str, Any], problem: str) -> None:
    assert problem in problems_of(flat(**given))


def test_two_positions_that_differ_are_named() -> None:
    problem = only_problem_of(flat(StandardPos={"centMeth": "simple"}, AstromPos={"cent_meth": "iterative"}))

    assert problem.startswith("StandardPos.centMeth 'simple' and AstromPos.cent_meth 'iterative' contradict each other")


def test_a_mistake_that_positions_share_is_named_once() -> None:
    problem = only_problem_of(flat(StandardPos={"whichData": "all"}, EnhancedPos={"useObs": "00966554000"}))

    assert "means whichData user" in problem


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (flat(products="Image"), "products is 'Image': give [Image]"),
        ({"globals": 5, **flat()}, "globals is 5: give names with their values"),
        (flat(LightCurve="obsid"), "LightCurve is 'obsid': give its parameters, name by name"),
        (flat(products=["Imag"]), "Imag is not a parameter: did you mean Image?"),
        (7, "it is of type int: give names with values, or the name of a file"),
        (flat(LightCurve={5: 5, **COUNTS}), "LightCurve.5 is not a parameter"),
    ],
)
def test_a_form_that_cannot_be_read_is_answered_with_one_that_can(request_: Any, problem: str) -> None:
    assert problem in only_problem_of(request_)


def test_a_product_wants_its_own_parameters() -> None:
    problem = only_problem_of(TARGET | {"standard_pos": EnhancedPos()})

    assert problem == "StandardPos is given the parameters of a EnhancedPos: give its own"


def test_a_product_by_itself_is_checked_as_well() -> None:
    with pytest.raises(InvalidRequest, match=r"LightCurve\.pcCounts is missing"):
        LightCurve(bin_meth="counts", wt_counts=3, dynamic=False)


@pytest.mark.parametrize("place", [{"notify": EMAIL}, {EMAIL: 1}, {"T0": [EMAIL]}])
def test_an_e_mail_address_is_never_repeated(place: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ProductRequest.model_validate(flat() | place)

    assert EMAIL not in str(refused.value)

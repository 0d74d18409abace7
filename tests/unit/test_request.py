"""Requests: everything wrong with one is named at once, in the names that were used, before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from xrt_support import GLOBALS, PARAMETERS

from ukssdc import InvalidRequest, Product, ProductRequest
from ukssdc.parameters import LightCurve, StandardPos

COUNTS = PARAMETERS[Product.LightCurve]
DEMO = Path(__file__).parents[2] / "flows" / "demo.yaml"


def problems_of(globals_: dict[str, Any] | None = None, **products: Any) -> list[str]:
    """Return what is wrong with a request that is otherwise right."""
    with pytest.raises(InvalidRequest) as raised:
        ProductRequest.model_validate({"globals": GLOBALS | (globals_ or {}), "products": products or {"Image": {}}})
    return list(raised.value.problems)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": None}, ["name", "missing"]),
        ({"getTargs": False}, ["targ", "missing", "getTargs"]),
        ({"getTargs": False, "targ": "966554"}, ["targ", "8 digits"]),
        ({"RA": 360.5}, ["RA", "0 to 360", "deg"]),
        ({"Dec": -91}, ["Dec", "-90 to 90", "deg"]),
        ({"RA": "north"}, ["RA", "a number"]),
        ({"RA": True}, ["RA", "a number"]),
        ({"RA": float("nan")}, ["RA", "a number"]),
        ({"posErr": 0.5}, ["posErr", "1 to 6", "arcmin"]),
        ({"posErr": None}, ["posErr", "missing", "centroid"]),
        ({"centroid": None}, ["centroid", "missing"]),
        ({"centMeth": "clever"}, ["centMeth", "simple or iterative"]),
        ({"maxCentTries": 1.5}, ["maxCentTries", "whole number"]),
        ({"targ": "00966554"}, ["getTargs", "targ"]),
        ({"T0": 1.0, "getT0": True}, ["getT0", "T0"]),
        ({"posEr": 1}, ["posEr", "did you mean posErr"]),
        ({"binMeth": "counts"}, ["binMeth", "belongs under LightCurve"]),
    ],
)
def test_a_mistake_about_the_whole_request_is_named(wrong: dict[str, Any], words: list[str]) -> None:
    (problem,) = problems_of(wrong)

    assert all(word in problem for word in words), problem


@pytest.mark.parametrize(
    ("product", "parameters", "words"),
    [
        ("LightCurve", {}, ["LightCurve.binMeth", "missing", "counts, time, snapshot or obsid"]),
        ("LightCurve", COUNTS | {"binMethod": 1}, ["LightCurve.binMethod", "did you mean binMeth"]),
        ("LightCurve", COUNTS | {"pcCounts": 20.5}, ["LightCurve.pcCounts", "whole number"]),
        ("LightCurve", COUNTS | {"minEnergy": 5, "maxEnergy": 1}, ["minEnergy", "maxEnergy", "keV"]),
        ("LightCurve", COUNTS | {"hardHi": 12}, ["hardHi", "outside", "keV"]),
        ("LightCurve", COUNTS | {"minFracExp": 2}, ["minFracExp", "0 to 1"]),
        ("LightCurve", COUNTS | {"whichData": "user"}, ["useObs", "missing", "user"]),
        ("LightCurve", COUNTS | {"whichData": "all", "useObs": "00966554000"}, ["whichData", "useObs"]),
        ("LightCurve", COUNTS | {"RA": 3}, ["RA", "about the whole request"]),
        ("Spectrum", {}, ["Spectrum.hasRedshift", "missing"]),
        ("Spectrum", {"hasRedshift": True}, ["Spectrum.redshift", "missing"]),
        ("Spectrum", {"hasRedshift": False, "redshift": 1.0}, ["hasRedshift", "redshift"]),
        ("Spectrum", {"redshift": 1.0, "doNotFit": True}, ["doNotFit", "hasRedshift"]),
        ("Spectrum", {"hasRedshift": False, "whichData": "hours"}, ["incHours", "missing"]),
        ("Spectrum", {"hasRedshift": False, "models": ["gauss"]}, ["models", "powerlaw"]),
        ("Spectrum", {"hasRedshift": False, "rname1": "early", "gti1": "0-10"}, ["timeslice", "user"]),
        (
            "Spectrum",
            {"hasRedshift": False, "timeslice": "user", "rname1": "a b", "gti1": "0-1"},
            ["rname1", "letters"],
        ),
        ("StandardPos", {"posRadius": 0}, ["StandardPos.posRadius", "above 0", "arcsec"]),
        ("SourceDet", {}, ["SourceDet.whichData", "missing"]),
        ("Image", {"energies": "10-0.3"}, ["Image.energies", "keV"]),
        ("Image", 17, ["Image", "17"]),
    ],
)
def test_a_mistake_about_a_product_is_named(product: str, parameters: Any, words: list[str]) -> None:
    (problem,) = problems_of(**{product: parameters})

    assert all(word in problem for word in words), problem


@pytest.mark.parametrize(
    ("parameters", "missing"),
    [
        ({"binMeth": "counts"}, ["pcCounts", "wtCounts", "dynamic"]),
        ({"binMeth": "time"}, ["pcBinTime", "wtBinTime"]),
        ({"binMeth": "time", "pcBinTime": 9, "wtBinTime": 9, "matchHR": False}, ["pcHRBinTime", "wtHRBinTime"]),
    ],
)
def test_all_that_a_way_to_bin_needs_is_named(parameters: dict[str, Any], missing: list[str]) -> None:
    found = problems_of(LightCurve=parameters)

    assert len(found) == len(missing)
    assert all(f"LightCurve.{name} is missing" in problem for name, problem in zip(missing, found, strict=True))


def test_two_positions_that_set_a_shared_parameter_differently_contradict_each_other() -> None:
    (problem,) = problems_of(StandardPos={"posRadius": 15}, EnhancedPos={"posRadius": 20})

    assert "StandardPos.posRadius 15" in problem
    assert "EnhancedPos.posRadius 20" in problem


def test_what_is_set_on_one_position_holds_for_all() -> None:
    request = ProductRequest.model_validate(GLOBALS | {"StandardPos": {"posRadius": 15}, "AstromPos": {}})

    assert request.astrom_pos is not None
    assert request.astrom_pos.pos_radius == 15


def test_no_product_is_a_mistake() -> None:
    with pytest.raises(InvalidRequest, match="no product is asked for"):
        ProductRequest.model_validate(GLOBALS)


def test_source_detection_alone_needs_no_position() -> None:
    request = ProductRequest.model_validate({"name": "field", "targ": "00032503", "SourceDet": {"whichData": "all"}})

    assert request.products == (Product.SourceDet,)


@pytest.mark.parametrize("key", ["LightCurve", "light_curve", "lc"])
@pytest.mark.parametrize("form", ["flat", "nested"])
def test_a_product_goes_by_each_of_its_names(key: str, form: str) -> None:
    data: dict[str, Any] = (
        GLOBALS | {key: COUNTS} if form == "flat" else {"globals": GLOBALS, "products": {key: COUNTS}}
    )

    assert ProductRequest.model_validate(data).products == (Product.LightCurve,)


@pytest.mark.parametrize("nothing", [None, {}, True, 1])
def test_a_product_without_parameters_has_the_services_defaults(nothing: Any) -> None:
    assert ProductRequest.model_validate(GLOBALS | {"Image": nothing}).to_wire("x")["image"] == 1


def test_a_product_that_is_false_is_not_asked_for() -> None:
    assert ProductRequest.model_validate(GLOBALS | {"Image": {}, "StandardPos": False}).products == (Product.Image,)


def test_products_may_be_a_list_of_names() -> None:
    request = ProductRequest.model_validate({"globals": GLOBALS, "products": ["EnhancedPos", "StandardPos"]})

    assert request.products == (Product.StandardPos, Product.EnhancedPos)


@pytest.mark.parametrize("key", ["pcCounts", "pc_counts", "pccounts"])
def test_a_parameter_goes_by_each_of_its_names(key: str) -> None:
    parameters = {k: v for k, v in COUNTS.items() if k != "pcCounts"} | {key: "20"}

    request = ProductRequest.model_validate(GLOBALS | {"LightCurve": parameters})

    assert request.to_wire("x")["pccounts"] == 20


def test_the_deprecated_name_of_the_time_format_is_understood() -> None:
    request = ProductRequest.model_validate(GLOBALS | {"LightCurve": COUNTS | {"timeType": "MJD"}})

    assert request.to_wire("x")["lctimetype"] == "m"


def test_a_request_can_be_written_in_python() -> None:
    request = ProductRequest(
        name="GRB 200416A",
        get_targs=True,
        ra=335.6985,
        dec=-7.5179,
        centroid=False,
        light_curve=LightCurve(bin_meth="snapshot"),
        standard_pos=StandardPos(),
    )

    assert request.products == (Product.LightCurve, Product.StandardPos)


def test_the_address_does_not_enter_a_message() -> None:
    (problem,) = problems_of({"observer@example.org": 1})

    assert "observer@example.org" not in problem


def test_what_the_service_adds_is_ignored_and_its_oddities_are_left_out() -> None:
    job_parameters = {
        "api_name": "xrt_prods",
        "UserID": "observer@example.org",
        "cent": 1,
        "name": "GRB 200416A",
        "RA": "335.6985",
        "Dec": "-7.5179",
        "useSXPS": 0,
        "Tstart": 608713541.952,
        "poserr": 1,
        "lc": 1,
        "binMeth": "counts",
        "pccounts": "20",
        "wtcounts": "30",
        "dynamic": 1,
        "lcobs": 0,
        "hrbin": 0,
        "whatSXPS": "2SXPS",
        "do3col": 0,
        "enh": 0,
        "sss": "0",
        "targ": "00966554",
    }

    request = ProductRequest.from_wire(job_parameters)

    assert request.light_curve is not None
    assert (request.light_curve.pc_counts, request.light_curve.which_data) == (20, None)
    assert "observer@example.org" not in request.model_dump_json()


def test_a_dump_holds_only_what_is_set() -> None:
    dumped = ProductRequest.model_validate(GLOBALS | {"Image": {}}).model_dump(mode="json")

    assert None not in dumped.values()
    assert dumped["image"] == {}


def test_the_schema_tells_units_and_defaults() -> None:
    schema = json.dumps(ProductRequest.model_json_schema())

    assert "arcmin" in schema
    assert "Default of the service" in schema


def test_the_demonstrations_request_asks_for_everything() -> None:
    assert ProductRequest.from_file(DEMO).products == tuple(Product)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name: [", ["line 1", "not YAML"]),
        ("- a\n", ["holds no request"]),
        ("", ["is empty"]),
        (b"\xff\xfe\x00", ["not text"]),
        (None, ["cannot read", "No such file"]),
    ],
    ids=["broken", "list", "empty", "binary", "missing"],
)
def test_a_file_that_holds_no_request_is_named(tmp_path: Path, content: str | bytes | None, words: list[str]) -> None:
    path = tmp_path / "grb.yaml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(InvalidRequest) as raised:
        ProductRequest.from_file(path)

    assert all(word in str(raised.value) for word in ["grb.yaml", *words])

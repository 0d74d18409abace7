"""Requests: every way to write one down, the body that is sent, and what is stored of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from request_examples import CASES, COUNTS, EMAIL, TARGET, TITLES, VECTORS, flat

from ukssdc import InvalidRequest, Product, ProductRequest
from ukssdc.request.parameters import EnhancedPos, LightCurve, Parameters, Spectrum, StandardPos
from ukssdc.request.request_sections import MODELS

DEMO = Path(__file__).parents[2] / "flows" / "cli" / "demo.yaml"
# What the service's notes show as its answer to the request of the tutorial.
JOB_PARS = json.loads((VECTORS / "job_parameters.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_the_body_is_the_one_on_file(case: dict[str, Any]) -> None:
    assert ProductRequest.model_validate(case["request"]).to_wire(EMAIL) == case["body"]


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_the_flat_form_says_the_same_as_the_nested_one(case: dict[str, Any]) -> None:
    nested = case["request"]

    request = ProductRequest.model_validate({**nested["globals"], **nested["products"]})

    assert request == ProductRequest.model_validate(nested)


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_a_body_is_read_back(case: dict[str, Any]) -> None:
    request = ProductRequest.model_validate(case["request"])

    assert ProductRequest.from_wire(case["body"]) == request


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_a_request_survives_json(case: dict[str, Any]) -> None:
    request = ProductRequest.model_validate(case["request"])

    assert ProductRequest.model_validate_json(request.model_dump_json()) == request


def every_name() -> list[tuple[str, type[Parameters], str]]:
    models = [*MODELS.values()]
    models.append(ProductRequest)
    return [(name, model, field) for model in models for field, row in model.ROWS.items() for name in row.names]


@pytest.mark.parametrize(("name", "model", "field"), every_name())
def test_each_parameter_goes_by_all_its_names(name: str, model: type[Parameters], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        model.model_validate({name: {"no parameter": "is a mapping"}})

    assert any(f"{name} is " in problem and "not permitted" in problem for problem in refused.value.problems), field


@pytest.mark.parametrize("name", ["LightCurve", "light_curve", "lc"])
def test_a_product_goes_by_all_its_names(name: str) -> None:
    request = ProductRequest.model_validate(TARGET | {name: COUNTS})

    assert request.products == (Product.LightCurve,)


@pytest.mark.parametrize("settings", [True, {}, 1, "yes"])
def test_a_product_without_parameters_is_asked_for(settings: Any) -> None:
    assert ProductRequest.model_validate(flat(EnhancedPos=settings)).enhanced_pos == EnhancedPos()


def test_a_products_name_without_a_value_requests_it() -> None:
    assert ProductRequest.model_validate(flat(EnhancedPos=None)).enhanced_pos == EnhancedPos()


@pytest.mark.parametrize("settings", [False, 0, "no"])
def test_a_product_set_to_false_is_not_asked_for(settings: Any) -> None:
    assert ProductRequest.model_validate(flat(EnhancedPos=settings)).products == (Product.StandardPos,)


def test_none_for_a_field_is_as_good_as_nothing() -> None:
    request = ProductRequest(name="M82", get_targs=True, get_coords=True, centroid=False, image={}, standard_pos=None)

    assert request.products == (Product.Image,)


def test_products_may_be_a_list_of_names() -> None:
    request = ProductRequest.model_validate(TARGET | {"products": ["EnhancedPos", "psf"]})

    assert request.products == (Product.StandardPos, Product.EnhancedPos)


def test_products_in_a_list_may_have_parameters() -> None:
    request = ProductRequest.model_validate(TARGET | {"products": ["EnhancedPos", {"LightCurve": COUNTS}]})

    assert request.products == (Product.LightCurve, Product.EnhancedPos)


def test_products_are_in_the_services_order() -> None:
    request = ProductRequest.model_validate(TARGET | {"products": ["Image", "AstromPos", "StandardPos"]})

    assert request.products == (Product.StandardPos, Product.AstromPos, Product.Image)


def test_a_request_can_be_built_from_its_parts() -> None:
    request = ProductRequest(
        name="M82", get_targs=True, get_coords=True, centroid=False, light_curve=LightCurve(bin_meth="snapshot")
    )

    assert request.light_curve == LightCurve.model_validate({"binMeth": "snapshot"})


def test_the_demonstrations_request_asks_for_everything() -> None:
    assert ProductRequest.from_file(DEMO).products == tuple(Product)


def test_a_request_validates_to_itself() -> None:
    request = ProductRequest.model_validate(flat())

    assert ProductRequest.model_validate(request) is request


def test_only_what_is_set_is_stored() -> None:
    request = ProductRequest.model_validate(TARGET | {"Image": {"energies": "0.3-10"}})

    stored = request.model_dump(mode="json")

    assert stored["image"] == {"energies": "0.3-10"}
    assert stored.keys() - {"get_targs", "use_sxps"} == {"name", "targ", "ra", "dec", "centroid", "pos_err", "image"}


def test_requests_can_be_members_of_a_set() -> None:
    request = ProductRequest.model_validate(flat(Spectrum={"hasRedshift": False, "models": ["apec"]}))

    assert len({request, ProductRequest.from_wire(request.to_wire(EMAIL))}) == 1


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"maxCentTries": "20"}, "max_cent_tries", 20),
        ({"maxCentTries": 20.0}, "max_cent_tries", 20),
        ({"posErr": "1.5"}, "pos_err", 1.5),
        ({"posErr": 2}, "pos_err", 2.0),
        ({"sss": "yes"}, "sss", True),
        ({"sss": "0"}, "sss", False),
        ({"sss": 1}, "sss", True),
        ({"centMeth": "Iterative"}, "cent_meth", "iterative"),
        ({"targ": ["00091489", "00032503"]}, "targ", "00091489,00032503"),
        ({"targ": "00091489, 00032503"}, "targ", "00091489,00032503"),
        ({"pc_pup_rate": None}, "pc_pup_rate", None),
    ],
)
def test_values_may_come_as_a_form_or_a_shell_gives_them(given: dict[str, Any], field: str, value: Any) -> None:
    request = ProductRequest.model_validate(flat(**given))

    assert getattr(request, field) == value


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"timeType": "mjd"}, "time_format", "m"),
        ({"timeFormat": "seconds"}, "time_format", "s"),
        ({"grades": 0}, "grades", "0"),
        ({"allowUL": False}, "allow_ul", "no"),
    ],
)
def test_words_may_come_as_people_and_yaml_readers_have_them(given: dict[str, Any], field: str, value: Any) -> None:
    light_curve = LightCurve.model_validate({"binMeth": "obsid", **given})

    assert getattr(light_curve, field) == value


def test_models_may_be_one_text() -> None:
    spectrum = Spectrum.model_validate({"hasRedshift": False, "models": "PowerLaw, apec"})

    assert spectrum.models == ("powerlaw", "apec")


def test_a_parameter_of_one_position_applies_to_all() -> None:
    request = ProductRequest.model_validate(
        flat(StandardPos={"whichData": "user"}, EnhancedPos={"useObs": "00966554000"})
    )

    assert request.standard_pos == StandardPos(which_data="user", use_obs="00966554000")


def test_the_source_radius_holds_for_light_curve_and_spectrum() -> None:
    request = ProductRequest.model_validate(
        flat(LightCurve={"binMeth": "obsid", "srcrad": 21}, Spectrum={"redshift": 1})
    )

    assert request.spectrum is not None
    assert request.spectrum.srcrad == 21


def test_use_sxps_is_sent_though_it_is_not_set() -> None:
    assert ProductRequest.model_validate(flat()).to_wire(EMAIL)["useSXPS"] == 0


def test_the_gaps_are_sent_in_the_services_spelling() -> None:
    request = ProductRequest.model_validate(flat(LightCurve={**COUNTS, "pcMaxGap": 1e6, "wtMaxGap": 1e5}))

    body = request.to_wire(EMAIL)

    assert (body["pcmaxgap"], body["wtmaxgap"]) == (1e6, 1e5)


def test_flags_are_sent_as_numbers() -> None:
    body = ProductRequest.model_validate(flat(centroid=True, Spectrum={"hasRedshift": False})).to_wire(EMAIL)

    assert [name for name, value in body.items() if isinstance(value, bool)] == []


def test_a_body_can_be_sent_as_json() -> None:
    request = ProductRequest.model_validate(flat(Spectrum={"redshift": 1.0, "models": ("apec", "powerlaw")}))

    assert json.loads(json.dumps(request.to_wire(EMAIL))) == request.to_wire(EMAIL)


def test_the_services_completed_parameters_can_be_read() -> None:
    request = ProductRequest.from_wire(JOB_PARS)

    assert request.products == tuple(Product)[:5]
    assert (request.ra, request.t0, request.since_t0, request.targ) == (335.6985, 608713541.952, False, "00966554")


def test_what_the_service_returns_unusably_is_left_to_its_default() -> None:
    light_curve = ProductRequest.from_wire(JOB_PARS).light_curve

    assert light_curve is not None
    assert light_curve.which_data is None


def test_completed_parameters_can_be_stored() -> None:
    request = ProductRequest.from_wire(JOB_PARS)

    assert ProductRequest.model_validate(request.model_dump(mode="json")) == request


@pytest.mark.parametrize(
    ("oddity", "product", "field", "value"),
    [
        ({"lc": 1, "binMeth": "time", "pcbin": 5, "wtbin": 5, "hrbin": 0}, "light_curve", "match_hr", None),
        ({"lc": 1, "binMeth": "obsid", "lcobs": "all", "uselcobs": "00966554000"}, "light_curve", "use_obs", None),
        ({"lc": 1, "binMeth": "obsid", "soft1": 0, "soft2": "1.5"}, "light_curve", "soft_lo", None),
        ({"spec": 1, "specz": 0, "zval": 0}, "spectrum", "redshift", None),
        ({"spec": 1, "specz": 1, "zval": 1, "galactic": 0}, "spectrum", "galactic", True),
        ({"spec": 1, "specz": 0, "timeslice": "single", "rname1": "early", "gti1": "0-9"}, "spectrum", "rname1", None),
        ({"image": "1", "useimobs": ""}, "image", "use_obs", None),
    ],
)
def test_a_contradiction_of_the_service_is_not_ours(
    oddity: dict[str, Any], product: str, field: str, value: Any
) -> None:
    body = ProductRequest.model_validate(flat()).to_wire(EMAIL)

    request = ProductRequest.from_wire(body | oddity)

    assert getattr(getattr(request, product), field) == value


def test_what_the_service_has_found_needs_no_finding() -> None:
    body = ProductRequest.model_validate(flat(T0=5.0)).to_wire(EMAIL)

    request = ProductRequest.from_wire(body | {"getTargs": 1, "getT0": 1, "getCoords": 1})

    assert (request.get_targs, request.get_t0, request.get_coords) == (False, False, None)


@pytest.mark.parametrize("yes", [1, "1", True, "yes"])
def test_a_product_is_read_from_any_yes(yes: Any) -> None:
    body = ProductRequest.model_validate(flat()).to_wire(EMAIL)

    assert Product.Image in ProductRequest.from_wire(body | {"image": yes}).products


def test_the_account_is_not_kept() -> None:
    request = ProductRequest.from_wire(JOB_PARS)

    assert EMAIL not in repr(request) + request.model_dump_json()


def test_a_body_without_a_target_is_no_request() -> None:
    with pytest.raises(InvalidRequest, match="name is missing"):
        ProductRequest.from_wire({"doenh": 1, "getTargs": 1, "getCoords": 1, "cent": 0})


def test_the_schema_describes_each_parameter_with_unit_and_default() -> None:
    schema = ProductRequest.model_json_schema()["$defs"]["LightCurve"]["properties"]["pcBinTime"]

    assert schema["title"] == "pcBinTime"
    assert schema["description"] == (
        "PC bin duration; time binning needs it. Unit: s. Permitted: above 0. Default of the service: 2.51."
    )


def test_the_schema_has_the_limits_of_a_whole_number() -> None:
    schema = ProductRequest.model_json_schema()["$defs"]["LightCurve"]["properties"]["pcCounts"]

    assert (schema["type"], schema["minimum"]) == ("integer", 1)


def test_a_number_with_fractions_is_a_text_to_a_form() -> None:  # Prefect 3.8's V2 takes whole numbers only
    schema = ProductRequest.model_json_schema()["properties"]["RA"]

    assert (schema["type"], schema["examples"]) == ("string", ["335.6985"])


def test_the_schema_lists_the_words_of_a_closed_set() -> None:
    schema = ProductRequest.model_json_schema()["$defs"]["LightCurve"]["properties"]["binMeth"]

    assert schema["enum"] == ["counts", "time", "snapshot", "obsid"]


def test_the_schema_of_a_parameter_knows_no_null() -> None:
    models: list[type[Parameters]] = [ProductRequest, *MODELS.values()]
    for model in models:
        properties = model.model_json_schema()["properties"]
        assert "null" not in json.dumps([properties[row.name] for row in model.ROWS.values()])

"""The flows' forms: Prefect makes them of the schema of the parameters, and sends what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate
from request_examples import TARGET, flat

from ukssdc import Product, ProductRequest
from ukssdc.request.parameters import LightCurveBinning
from ukssdc.request.request_sections import FIELDS, MODELS
from xrt_products import cancel_products, collect_products, rebin_light_curve, request_batch, request_products

FLOWS = [request_products, request_batch, collect_products, cancel_products, rebin_light_curve]
NUMBERS = {f"request.{row.name}" for row in ProductRequest.ROWS.values() if row.type is float} | {
    f"request.{FIELDS[product]}.{row.name}"
    for product, model in MODELS.items()
    for row in model.ROWS.values()
    if row.type is float
}
NAMES = {"target": ["name", "RA", "Dec"], "what": ["products", "light_curve", "source_det"], "how": ["centMeth", "sss"]}


def schema_of(flow: Flow[..., Any]) -> dict[str, Any]:
    return parameter_schema(flow.fn).model_dump()


def fields_of(schema: dict[str, Any], definitions: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of a form, with its path: those of the sections as well."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}{name}", field
        for branch in [field, *field.get("anyOf", [])]:
            if "$ref" in branch:
                definition = definitions[branch["$ref"].removeprefix("#/definitions/")]
                yield from fields_of(definition, definitions, f"{path}{name}.")


def all_fields(flow: Flow[..., Any]) -> dict[str, dict[str, Any]]:
    schema = schema_of(flow)
    return dict(fields_of(schema, schema["definitions"], ""))


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_field_is_described(flow: Flow[..., Any]) -> None:
    fields = all_fields(flow)

    assert len(fields) >= 5
    bare = [path for path, field in fields.items() if len(field.get("description", "")) < 10]
    assert bare == []


def test_the_request_has_all_its_parameters_in_the_form() -> None:
    fields = all_fields(request_products)

    for product, model in MODELS.items():
        for row in model.ROWS.values():
            assert fields[f"request.{FIELDS[product]}.{row.name}"]["description"] == row.description


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_what_a_number_means_is_said_with_its_unit_or_an_example(flow: Flow[..., Any]) -> None:
    for path, field in all_fields(flow).items():
        if field.get("type") in {"number", "integer"} or path in NUMBERS:
            text = " ".join(field["description"].split())
            assert any(word in text for word in ("Unit: ", "Example: ", "Default ", "asks for")), path


def test_the_rebinning_has_all_its_parameters_in_the_form() -> None:
    fields = all_fields(rebin_light_curve)

    for row in LightCurveBinning.ROWS.values():
        assert fields[f"binning.{row.name}"]["description"] == row.description
    binning = schema_of(rebin_light_curve)["definitions"]["LightCurveBinning"]
    assert binning["required"] == ["binMeth"]
    assert "srcrad" not in binning["properties"]


@pytest.mark.parametrize("binning", [{"binMeth": "snapshot"}, {"bin_method": "time", "dynamic": None}], ids=str)
def test_the_server_takes_a_rebinning_in_any_spelling(binning: Any) -> None:
    validate({"job_id": 951, "binning": binning}, schema_of(rebin_light_curve), raise_on_error=True)


def test_what_is_always_needed_is_not_called_optional() -> None:
    schema = schema_of(request_products)
    definitions = schema["definitions"]

    for name, definition in definitions.items():
        for field, property_ in definition.get("properties", {}).items():
            if "always needed" in property_.get("description", ""):
                assert field in definition["required"], (name, field)
    assert definitions["ProductRequest"]["required"] == ["name", "centroid", "products"]


def test_an_untouched_form_asks_for_nothing() -> None:
    request = {path: f for path, f in all_fields(request_products).items() if path.startswith("request.")}

    switches = [path for path, field in request.items() if field.get("type") == "boolean"]
    defaults = {path: field["default"] for path, field in request.items() if "default" in field}
    assert switches == []  # V1 sends false for each that nobody touched
    assert defaults == dict.fromkeys((f"request.{field}" for field in FIELDS.values()), None)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_switch_of_a_flow_begins_at_its_default(flow: Flow[..., Any]) -> None:
    switches = [field for field in schema_of(flow)["properties"].values() if field.get("type") == "boolean"]

    assert all(isinstance(field["default"], bool) for field in switches)


def test_the_order_is_target_what_to_build_and_how() -> None:
    properties = schema_of(request_products)["definitions"]["ProductRequest"]["properties"]

    names = [name for group in NAMES.values() for name in group]
    assert sorted(names, key=lambda name: properties[name]["position"]) == names
    assert [p["position"] for p in properties.values()] == list(range(len(properties)))


def test_the_products_are_a_multiple_choice() -> None:
    choice = schema_of(request_products)["definitions"]["ProductRequest"]["properties"]["products"]

    assert choice["type"] == "array"
    assert choice["items"]["enum"] == list(Product)


UNTOUCHED = dict.fromkeys(FIELDS.values(), None)
SENT = [
    pytest.param(UNTOUCHED | {"name": "M82", "products": ["Image"], "centroid": False}, id="form"),
    pytest.param(flat(), id="flat"),
    pytest.param({"globals": TARGET, "products": {"LightCurve": {"binMeth": "obsid"}}}, id="nested"),
    pytest.param("grb.yaml", id="file"),
    pytest.param("name: M82\nStandardPos:\n", id="text"),
]


@pytest.mark.parametrize("request_", SENT)
def test_the_server_takes_a_request_in_any_form(request_: Any) -> None:
    validate({"request": request_}, schema_of(request_products), raise_on_error=True)


@pytest.mark.parametrize("request_", [None, 5, ["LightCurve"]], ids=str)
def test_the_server_refuses_what_is_no_request(request_: Any) -> None:
    with pytest.raises(ValidationError):
        validate({"request": request_}, schema_of(request_products), raise_on_error=True)


@pytest.mark.parametrize("products", ["all", "LightCurve", ["LightCurve", "Image"]], ids=str)
def test_the_server_takes_the_products_to_cancel(products: Any) -> None:
    validate({"job_id": 951, "products": products}, schema_of(cancel_products), raise_on_error=True)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_tab_has_a_name_of_its_own(flow: Flow[..., Any]) -> None:
    """Prefect calls the others dict, float or None."""
    for path, field in all_fields(flow).items():
        assert [branch for branch in field.get("anyOf", []) if not {"title", "$ref"} & branch.keys()] == [], path

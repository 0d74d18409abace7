"""Requests as a form, a file named by a flow's parameter, or a text brings them; and what errors keep to themselves."""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from request_examples import CASES, COUNTS, EMAIL, TARGET, TITLES, flat, only_problem_of, problems_of

from ukssdc import InvalidRequest, Product, ProductRequest
from ukssdc.request.parameters import EnhancedPos, LightCurve
from ukssdc.request.request_sections import FIELDS
from xrt_products.flows.request import Request, read_request

HIDDEN = "hunter2"
UNTOUCHED = dict.fromkeys(FIELDS.values(), None)  # what V1 sends of a form for the sections
YAML = "name: M82\ngetTargs: true\ngetCoords: true\ncentroid: false\nImage:\n"


def refused(value: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read_request(value)
    return caught.value


def test_what_a_form_sends_untouched_asks_for_nothing() -> None:
    assert "no product is asked for" in "".join(problems_of(UNTOUCHED))


def test_a_chosen_product_has_the_defaults() -> None:
    request = ProductRequest.model_validate(TARGET | UNTOUCHED | {"products": ["EnhancedPos"]})

    assert request.products == (Product.EnhancedPos,)
    assert request.enhanced_pos == EnhancedPos()


def test_a_chosen_product_takes_what_its_section_says() -> None:
    form = TARGET | UNTOUCHED | {"products": ["LightCurve", "Image"], "light_curve": COUNTS}

    request = ProductRequest.model_validate(form)

    assert request.products == (Product.LightCurve, Product.Image)
    assert request.light_curve == LightCurve.model_validate(COUNTS)


def test_a_section_without_a_choice_is_asked_for() -> None:
    request = ProductRequest.model_validate(TARGET | UNTOUCHED | {"products": [], "light_curve": COUNTS})

    assert request.products == (Product.LightCurve,)


@pytest.mark.parametrize(
    ("section", "name"),
    [({"light_curve": COUNTS}, "LightCurve"), ({"Image": {}}, "Image"), ({"astrom_pos": {}, "psf": {}}, "AstromPos")],
)
def test_a_section_of_a_product_that_was_not_chosen_is_refused_with_both_names(
    section: dict[str, Any], name: str
) -> None:
    problem = only_problem_of(TARGET | {"products": ["EnhancedPos", "psf"]} | section)

    assert problem.startswith(f"products names EnhancedPos, StandardPos, but {name} is filled in as well: ")


@pytest.mark.parametrize("value", [False, "no", 0])
def test_a_chosen_product_that_is_switched_off_is_refused(value: Any) -> None:
    problem = only_problem_of(TARGET | {"products": ["Image"], "Image": value})

    assert problem.startswith("products names Image, but Image is ")


def test_an_empty_section_of_the_flat_form_goes_with_its_choice() -> None:
    request = ProductRequest.model_validate(TARGET | {"products": ["Image"], "Image": None})

    assert request.products == (Product.Image,)


def test_errors_use_the_names_of_the_form() -> None:
    problem = only_problem_of(TARGET | {"light_curve": COUNTS | {"minEnergy": -1}})

    assert problem.startswith("LightCurve.minEnergy is -1, which is not permitted")


def test_as_a_mapping_products_are_the_nested_form() -> None:
    request = ProductRequest.model_validate({"globals": TARGET, "products": {"LightCurve": COUNTS, "Image": None}})

    assert request.products == (Product.LightCurve, Product.Image)


@pytest.mark.parametrize(
    "text",
    [
        YAML,
        YAML.replace("\n", "\r\n"),
        json.dumps(dict(flat())),
        json.dumps(flat(), indent=1),
        f"{{{', '.join(YAML.splitlines()[:4])}, Image: {{}}}}",
    ],
)
def test_a_flow_takes_the_text_of_a_request(text: str) -> None:
    request = TypeAdapter(Request).validate_python(text)

    assert isinstance(request, ProductRequest)
    assert request.name in {"M82", "GRB 200416A"}


@pytest.mark.parametrize("kind", [str, Path])
def test_a_flow_takes_the_name_of_a_file(kind: type, tmp_path: Path) -> None:
    path = tmp_path / "m82.yaml"
    path.write_text(YAML)

    request = TypeAdapter(Request).validate_python(kind(path))

    assert request.products == (Product.Image,)


def test_what_a_form_holds_can_be_pasted() -> None:
    request = read_request(json.dumps(TARGET | UNTOUCHED | {"standard_pos": {}}))

    assert request.products == (Product.StandardPos,)


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_the_reference_clients_text_without_the_account_is_a_request(case: dict[str, Any]) -> None:
    body = {key: value for key, value in case["body"].items() if key != "UserID"}

    assert read_request(json.dumps(body)) == ProductRequest.model_validate(case["request"])


def test_a_wrong_parameter_in_the_reference_clients_text_is_refused() -> None:
    body = {key: value for key, value in CASES[0]["body"].items() if key != "UserID"} | {"centMeth": "blind"}

    assert "centMeth is 'blind'" in str(refused(json.dumps(body)))


@pytest.mark.parametrize(
    "value",
    [
        flat() | {"UserID": EMAIL},
        {"globals": TARGET | {"UserID": EMAIL}, "products": ["Image"]},
        json.dumps(CASES[0]["body"]),
        YAML + f"UserID: {EMAIL}\n",
    ],
    ids=["dict", "nested", "body", "text"],
)
def test_an_account_in_a_request_is_refused_without_repeating_it(value: Any) -> None:
    message = str(refused(value))

    assert "UserID is not a parameter here" in message
    assert "delete the run" in message
    assert EMAIL not in message


def test_a_text_that_is_wrong_is_quoted() -> None:
    assert "RA is 'here'" in str(refused(YAML + "RA: here\n"))


CONTENTS = {
    "a value": YAML + f"RA: {HIDDEN}\n",
    "a name": YAML + f"{HIDDEN}: 1\n",
    "a section": YAML + f"LightCurve: {{binMeth: {HIDDEN}, {HIDDEN}: 1}}\n",
    "a product": YAML + f"products: [{HIDDEN}]\n",
    "an item": YAML + f"targ: [00966554, {HIDDEN}]\n",
    "lines of a file": f"root:x:0:0:{HIDDEN}:/root:/bin/bash\ndaemon:x:1:1:{HIDDEN}:/:/bin/false\n",
    "settings": f"[default]\naws_secret_access_key = {HIDDEN}\n",
    "an anchor": f"name: *{HIDDEN}\n",
    "twice": f"{HIDDEN}: 1\n{HIDDEN}: 2\n",
    "a tag": f"name: !{HIDDEN} 1\n",
    "a body": json.dumps(
        {"api_name": "XRTProductRequest", "api_version": "1", "name": "M82", "cent": HIDDEN, HIDDEN: 1}
    ),
}


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@pytest.mark.parametrize("text", CONTENTS.values(), ids=CONTENTS)
def test_an_error_about_a_file_does_not_repeat_what_stands_in_it(text: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_text(text)

    error = refused(str(path))

    assert str(path) in str(error)
    assert HIDDEN not in str(error)
    assert HIDDEN not in "".join(traceback.format_exception(error))
    assert error.__context__ is None
    assert error.__cause__ is None


def test_an_error_about_a_file_says_which_parameter_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(YAML + "posErr: 9\nStandardPos: {posRadius: -1}\n")

    assert refused(str(path)).problems == (
        "posErr is missing or wrong: give a number from 1 to 6 (arcmin)",
        "StandardPos.posRadius is missing or wrong: give a number above 0 (arcsec)",
    )


def test_a_commands_own_file_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(YAML + "posErr: 9\n")

    with pytest.raises(InvalidRequest, match="posErr is 9"):
        ProductRequest.from_file(path)


def test_a_file_that_never_ends_is_not_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(10**9)

    for path in (pipe, large, Path("/dev/zero")):
        assert "it is no file of a request's size" in str(refused(path))


def test_a_file_may_tell_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "body.json"
    path.write_text(json.dumps(CASES[0]["body"]))

    request, user = ProductRequest.read_file(path)

    assert request == ProductRequest.model_validate(CASES[0]["request"])
    assert user == CASES[0]["body"]["UserID"]

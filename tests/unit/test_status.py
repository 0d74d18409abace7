"""Status codes, progress texts, and what counts as settled (protocol, section 3; the seed page)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ukssdc import JobStatus, Product, ProductStatus, StatusCode, progress_text
from ukssdc.progress import NO_PROGRESS
from ukssdc.status import select_products

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "progress.json").read_text())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
STEP_KEYS = st.sampled_from(["StepLabel", "StepStatus", "StepExtra", "SubStep", "other"])
STEPS = st.recursive(
    JSON, lambda inner: st.lists(st.dictionaries(STEP_KEYS, inner, max_size=5), max_size=3), max_leaves=20
)


def status_of(*codes: Any) -> JobStatus:
    entries = {p.wire: {"statusCode": c, "statusText": "x"} for p, c in zip(Product, codes, strict=False)}
    return JobStatus.from_wire(entries, list(Product)[: len(codes)])


@pytest.mark.parametrize("case", VECTORS, ids=range(len(VECTORS)))
def test_progress_text_is_the_reference_text(case: dict[str, Any]) -> None:
    assert progress_text(case["progress"]) == case["text"]


@pytest.mark.parametrize("got", [0, 2, "2", None])
def test_without_progress_the_text_says_so(got: Any) -> None:
    assert progress_text({"GotProgress": got}) == "No progress information available"


@given(progress=st.dictionaries(st.sampled_from(["PreProgress", "TimeRunning"]), JSON), steps=STEPS)
def test_any_progress_structure_gives_text(progress: dict[str, Any], steps: Any) -> None:
    text = progress_text({"GotProgress": 1, **progress, "ProgressSteps": steps})

    assert isinstance(text, str)
    assert text != NO_PROGRESS


def test_null_in_a_progress_structure_is_absent() -> None:
    steps = [{"StepLabel": "Build", "StepStatus": 1, "StepExtra": None}, {"StepLabel": None, "StepStatus": 0}]

    text = progress_text({"GotProgress": 1, "TimeRunning": None, "ProgressSteps": steps})

    assert "None" not in text
    assert "** Build - ACTIVE**" in text
    assert "running for" not in text


def test_ten_thousand_nested_steps_give_ten_thousand_lines() -> None:
    step: dict[str, Any] = {"StepLabel": "innermost", "StepStatus": 0}
    for _ in range(9_999):
        step = {"StepLabel": "outer", "StepStatus": 0, "SubStep": [step]}

    text = progress_text({"GotProgress": 1, "ProgressSteps": [step]})

    assert text.count("\n") == 10_000


@pytest.mark.parametrize(
    ("wire", "code"),
    [(3, 3), ("3", 3), (" -4 ", -4), (None, -10), ("", -10), ("abc", -10), ([], -10), (17, 17), ("-7", -7), (4.0, 4)],
)
def test_a_code_is_read_as_a_number_whatever_its_type(wire: Any, code: int) -> None:
    assert ProductStatus.from_wire({"statusCode": wire, "statusText": "x"}).status_code == code


def test_a_documented_code_is_a_member_and_an_unknown_one_a_plain_number() -> None:
    assert ProductStatus.from_wire({"statusCode": "4"}).status_code is StatusCode.COMPLETE
    assert not isinstance(ProductStatus.from_wire({"statusCode": 17}).status_code, StatusCode)


@given(JSON)
def test_any_json_for_an_entry_gives_a_status(entry: Any) -> None:
    status = ProductStatus.from_wire(entry)

    assert isinstance(status.status_code, int)
    assert isinstance(status.progress_text, str)


def test_a_product_that_the_answer_leaves_out_has_no_status() -> None:
    status = JobStatus.from_wire({"lc": {"statusCode": 3}}, [Product.LightCurve, Product.Spectrum])

    assert status["Spectrum"].status_code == StatusCode.NO_STATUS


@pytest.mark.parametrize("code", [4, -1, -2, -3, -4, -7])
def test_ended_codes_are_settled(code: int) -> None:
    assert status_of(code).settled == (Product.LightCurve,)


@pytest.mark.parametrize("code", [1, 2, 3, 5, 17, 0, -10, None])
def test_other_codes_are_pending(code: int | None) -> None:
    assert status_of(code).pending == (Product.LightCurve,)


def test_complete_means_ended_and_not_successful() -> None:
    assert status_of(-3, -4, -1, 4).complete
    assert not status_of(4, 4, 3).complete
    assert not status_of(4, -10).complete


def test_a_status_is_a_mapping_in_the_services_order() -> None:
    status = JobStatus.from_wire({}, [Product.Image, Product.LightCurve])

    assert list(status) == ["LightCurve", "Image"]
    assert status["Image"] is status[Product.Image]


def test_a_status_is_read_by_its_wire_names_too() -> None:
    status = ProductStatus.model_validate({"statusCode": 3, "statusText": "Running", "progress": {"GotProgress": 0}})

    assert status.model_dump(by_alias=True) == {
        "statusCode": 3,
        "statusText": "Running",
        "progress": {"GotProgress": 0},
    }


def test_products_are_selected_by_name_or_wire_name_in_order() -> None:
    assert select_products(["psf", "LightCurve"], Product) == (Product.LightCurve, Product.StandardPos)
    assert select_products("all", [Product.Image, Product.Spectrum]) == (Product.Spectrum, Product.Image)


def test_a_bare_product_name_is_refused_with_the_hint_to_write_a_list() -> None:
    with pytest.raises(ValueError, match=r"write \['LightCurve'\]"):
        select_products("LightCurve", Product)


@pytest.mark.parametrize("products", [["Lightcurve"], 7, {"LightCurve": 1}])
def test_what_names_no_product_is_refused(products: Any) -> None:
    with pytest.raises(ValueError, match="product"):
        select_products(products, Product)


def test_what_is_no_product_is_not_in_a_status() -> None:
    status = JobStatus({Product.LightCurve: ProductStatus.missing()})

    assert "lightcurve" not in status
    assert status.get("lightcurve") is None
    with pytest.raises(KeyError, match="LightCurve"):
        status["lightcurve"]

"""Requests in files: read as they were meant, and refused with the file's name and the line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from request_examples import CASES, TITLES, flat

from ukssdc import InvalidRequest, Product, ProductRequest

GRB = """\
name: GRB 200416A
targ: 00032503              # to PyYAML an octal number
RA: 335.6985
Dec: -7.5179
centroid: yes
posErr: 1
T0: 6.08713541952e8
LightCurve: {binMeth: obsid, allowUL: no, grades: 0}
StandardPos:
image: false
"""


@pytest.fixture
def grb(tmp_path: Path) -> Path:
    path = tmp_path / "grb.yaml"
    path.write_text(GRB)
    return path


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(InvalidRequest) as refused:
        ProductRequest.from_file(path)
    return str(refused.value)


def test_a_target_id_is_no_octal_number(grb: Path) -> None:
    assert ProductRequest.from_file(grb).targ == "00032503"


def test_no_is_a_word_where_a_word_belongs_and_yes_a_flag_where_a_flag_does(grb: Path) -> None:
    request = ProductRequest.from_file(grb)

    assert request.centroid is True
    assert request.light_curve is not None
    assert request.light_curve.allow_ul == "no"


@pytest.mark.parametrize("name", ["no", "12:30:00", "2020-04-16", "0x10", "1_000"])
def test_what_looks_like_something_else_to_yaml_is_a_text(grb: Path, name: str) -> None:
    grb.write_text(GRB.replace("GRB 200416A", name))

    assert ProductRequest.from_file(grb).name == name


def test_numbers_are_numbers(grb: Path) -> None:
    request = ProductRequest.from_file(grb)

    assert (request.dec, request.pos_err, request.t0) == (-7.5179, 1.0, 608713541.952)


def test_a_product_without_a_value_is_requested(grb: Path) -> None:
    assert ProductRequest.from_file(grb).products == (Product.LightCurve, Product.StandardPos)


def test_a_field_name_without_a_value_requests_the_product(grb: Path) -> None:
    grb.write_text(GRB.replace("StandardPos:", "standard_pos:"))

    assert Product.StandardPos in ProductRequest.from_file(grb).products


def test_the_name_of_a_file_is_as_good_as_its_content(grb: Path) -> None:
    assert ProductRequest.model_validate(str(grb)) == ProductRequest.from_file(grb)


@pytest.mark.parametrize("case", CASES, ids=TITLES)
@pytest.mark.parametrize("name", ["request.json", "request.yaml"])
def test_json_can_be_read_under_either_name(case: dict[str, dict[str, object]], name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(json.dumps(case["request"], indent=1))

    assert ProductRequest.from_file(path) == ProductRequest.model_validate(case["request"])


def test_anchors_and_merges_work(grb: Path) -> None:
    grb.write_text(
        GRB.replace("StandardPos:", "EnhancedPos: &hours {incHours: 5}\nAstromPos: {<<: *hours, useAllObs: true}")
    )

    astrom = ProductRequest.from_file(grb).astrom_pos

    assert astrom is not None
    assert (astrom.inc_hours, astrom.use_all_obs) == (5.0, True)


def test_a_syntax_error_is_shown_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "grb.yaml"

    message = refusal(path, "name: GRB 200416A\nRA: [1, 2\nDec: 3\n")

    assert f"{path}, line 3, is not YAML" in message
    assert "Correct it there" in message


def test_a_syntax_error_in_json_is_shown_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "grb.json"

    assert f"{path}, line 2, is not JSON" in refusal(path, '{"name": "GRB 200416A",\nRA: 1}')


def test_a_name_given_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "grb.yaml"

    assert f"{path}, line 2, is not YAML: name is given twice" in refusal(path, "name: M82\nname: M81\n")


def test_a_name_given_twice_in_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "grb.json"

    assert f"{path} is not JSON: name is given twice" in refusal(path, '{"name": "M82", "name": "M81"}')


@pytest.mark.parametrize(
    "text",
    ["? [a, b]\n: 1\n", "? {a: b}\n: 1\n", "[" * 5000, "a: &a [*a", "--- 1\n--- 2\n"],
    ids=["list as a name", "mapping as a name", "endless nesting", "loop", "two documents"],
)
def test_a_form_that_no_request_has_is_refused(tmp_path: Path, text: str) -> None:
    assert "is not YAML" in refusal(tmp_path / "grb.yaml", text)


def test_an_unprintable_character_is_no_yaml(tmp_path: Path) -> None:
    assert "is not YAML" in refusal(tmp_path / "grb.yaml", "name: \x07\n")


@pytest.mark.parametrize(("text", "problem"), [("", "is empty"), ("- name", "holds no request"), ("M82", "holds no")])
def test_a_file_without_a_request_is_told_apart(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refusal(tmp_path / "grb.yaml", text)


def test_mistakes_in_a_file_are_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "grb.json"

    message = refusal(path, json.dumps(flat(posErr=9)))

    assert message.startswith(f"{path} has 1 problem:\n  - posErr is 9")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing.yaml"

    with pytest.raises(InvalidRequest, match=r"cannot read .*missing\.yaml: No such file or directory"):
        ProductRequest.from_file(path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "grb.yaml"
    path.write_bytes(b"\xff\xfe\x00name")

    with pytest.raises(InvalidRequest, match="it is not text"):
        ProductRequest.from_file(path)


MARKED = ["utf-8-sig", "utf-16", "utf-32"]


@pytest.mark.parametrize("encoding", MARKED)
@pytest.mark.parametrize("name", ["grb.yaml", "grb.json", "GRB.JSON"])
def test_a_file_with_a_byte_order_mark_is_read(encoding: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(json.dumps(flat(name="η Car"), ensure_ascii=False, indent=1).encode(encoding))

    assert ProductRequest.from_file(path).name == "η Car"


def test_yaml_with_the_line_ends_and_the_mark_of_windows_is_read(grb: Path) -> None:
    grb.write_bytes(GRB.replace("\n", "\r\n").encode("utf-8-sig"))

    assert ProductRequest.from_file(grb).targ == "00032503"


def test_a_list_of_observations_may_be_a_block_of_lines(grb: Path) -> None:
    pasted = "Image:\n  useObs: |\n    00032503001\n    32503002\n\n    32503003.0\n"
    grb.write_text(GRB.replace("image: false\n", pasted))

    image = ProductRequest.from_file(grb).image

    assert image is not None
    assert image.use_obs == "00032503001,00032503002,00032503003"

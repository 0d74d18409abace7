"""A request as YAML: read back, it sends the same, whoever reads the YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from request_strategies import requests
from xrt_support import request_for

from ukssdc import Product, ProductRequest


@given(data=requests())
def test_a_request_that_is_written_and_read_sends_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, dict[Any, Any]]
) -> None:
    request = ProductRequest.model_validate(data)
    path = tmp_path_factory.mktemp("request") / "request.yaml"
    path.write_text(request.to_yaml(), "utf-8")

    assert ProductRequest.from_file(path).to_wire("") == request.to_wire("")


@pytest.mark.parametrize(
    "name", ["no", "12:30", "1e5", "0x1f", "2026-11-26", "Ünïcode: # [x]", "~", "null", "'", "00966554"]
)
def test_a_name_stays_a_text_in_any_reader_of_yaml(tmp_path: Path, name: str) -> None:
    text = request_for(Product.Image, name=name, targ="00966554", getTargs=False).to_yaml()
    (tmp_path / "request.yaml").write_text(text, "utf-8")

    assert yaml.safe_load(text)["name"] == name
    assert yaml.safe_load(text)["targ"] == "00966554"
    assert ProductRequest.from_file(tmp_path / "request.yaml").name == name


def test_it_has_the_services_names_and_nothing_that_was_not_set() -> None:
    lines = request_for(Product.LightCurve, Product.StandardPos).to_yaml().splitlines()

    assert lines[:3] == ["name: GRB 200416A", "RA: 335.6985", "Dec: -7.5179"]
    assert "getTargs: true" in lines
    assert lines[-6:-1] == [
        "LightCurve:",
        "  binMeth: counts",
        "  pcCounts: 20",
        "  wtCounts: 30",
        "  dynamic: true",
    ]
    assert lines[-1] == "StandardPos: {}"


def test_what_could_not_be_read_whole_is_written_as_far_as_it_goes() -> None:
    request, problems = ProductRequest.read_wire({"name": "M 82", "lc": 1, "binMeth": "snapshot"})

    assert problems
    read = yaml.safe_load(request.to_yaml())
    assert read == {"name": "M 82", "useSXPS": False, "LightCurve": {"binMeth": "snapshot"}}

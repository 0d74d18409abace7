"""A request file to begin with is a request as it stands, and stays one with any of its comments uncommented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from in_process import CommandLine

from ukssdc import Product, ProductRequest
from ukssdc.request.parameter_values import Parameter
from ukssdc.request.request_sections import MODELS
from ukssdc.request.template import GENERAL, request_template


@pytest.mark.parametrize("products", [*((p,) for p in Product), tuple(Product)], ids="+".join)
def test_a_template_is_a_request_for_its_products(products: tuple[Product, ...]) -> None:
    assert ProductRequest.from_text(request_template(products)).products == products


def test_every_parameter_is_there_once_with_what_it_is() -> None:
    head, *parts = sections_of(request_template(Product))

    assert names_in(head) == [row.name for row in sorted(ProductRequest.ROWS.values(), key=is_commented)]
    for product, part in zip(Product, parts, strict=True):
        known = {row.name for row in MODELS[product].ROWS.values()}
        if product is Product.EnhancedPos:
            assert names_in(part) == []
        elif product is Product.AstromPos:
            assert names_in(part) == ["useAllObs"]
        else:
            assert sorted(names_in(part)) == sorted(known)


def sections_of(text: str) -> list[str]:
    """Return the general part, and the products'."""
    return re.split(r"\n(?=[A-Z]\w+:  #)", text)


def names_in(part: str) -> list[str]:
    return re.findall(r"^ *(?:# )?([A-Za-z]\w*): .+  # ", part, re.MULTILINE)


def is_commented(row: Parameter) -> bool:
    return row.name not in GENERAL


@pytest.mark.parametrize("product", [None, *Product], ids=str)
def test_each_comment_is_yaml_whose_value_is_permitted(product: Product | None) -> None:
    text = request_template([product or Product.StandardPos])
    rows = {row.name: row for row in (MODELS[product] if product else ProductRequest).ROWS.values()}
    sections = sections_of(text)

    for line in re.findall(r"^ *# (\w+: .+)$", sections[1 if product else 0], re.MULTILINE):
        ((name, value),) = yaml.safe_load(line).items()
        if value not in (None, ""):
            rows[name].read(value)


def test_the_command_prints_one_that_check_takes(tmp_path: Path) -> None:
    run = CommandLine(tmp_path)

    done = run("template", "LightCurve", "psf")

    assert done.returncode == 0
    assert ProductRequest.from_text(done.stdout).products == (Product.LightCurve, Product.StandardPos)
    wrong = run("template", "Spectra")
    assert wrong.returncode == 1
    assert "Spectrum" in wrong.stderr

"""A request file to begin with: what is needed is filled in, everything else stands there as a comment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ukssdc.request.product_request import ProductRequest
from ukssdc.request.request_sections import MODELS
from ukssdc.status import POSITION_PRODUCTS, Product

if TYPE_CHECKING:
    from ukssdc.request.parameter_values import Parameter

GENERAL: Mapping[str, Any] = {
    "name": "GRB 200416A",
    "getTargs": True,
    "getCoords": True,
    "centroid": True,
    "posErr": 1.0,
}
FILLED_IN: Mapping[Product, Mapping[str, Any]] = {
    Product.LightCurve: {"binMeth": "counts", "pcCounts": 20, "wtCounts": 30, "dynamic": True},
    Product.Spectrum: {"hasRedshift": False},
    Product.SourceDet: {"whichData": "all"},
}
HEAD = """\
# A request for {products}.
# Put your target in the place of this one. A # at the beginning of a line leaves the parameter to the service's
# default, which is what the line shows, or an example where there is none.
# `xrt-products check FILE` says what would be sent, `xrt-products run FILE` sends it.
"""


def request_template(products: Iterable[Product]) -> str:
    """Return a request for these products as YAML with comments; `ProductRequest.from_text` reads it as it is."""
    wanted = Product.in_order(products)
    lines = [HEAD.format(products=", ".join(wanted)), *_lines(ProductRequest.ROWS, GENERAL, "")]
    described: set[str] = set()  # parameters of the positions, which share them
    for product in wanted:
        rows = dict(MODELS[product].ROWS)
        if product in POSITION_PRODUCTS:
            rows = {name: row for name, row in rows.items() if name not in described}
            described |= rows.keys()
        lines += ["", f"{product}:  # {product.label}", *_lines(rows, FILLED_IN.get(product, {}), "  ")]
    return "\n".join([*lines, ""])


def _lines(rows: Mapping[str, Parameter], filled_in: Mapping[str, Any], indent: str) -> list[str]:
    """Return a line for each parameter, first those that are filled in."""
    ordered = sorted(rows.values(), key=lambda row: row.name not in filled_in)
    return [_line(row, filled_in.get(row.name), indent) for row in ordered]


def _line(row: Parameter, value: Any, indent: str) -> str:
    shown = next((v for v in (value, row.default, row.example) if v is not None), "")
    start = f"{indent}{'# ' if value is None else ''}{row.name}: {_yaml(shown)}"
    choices = f": {', '.join(row.choices)}" if row.choices else ""
    unit = f" ({row.unit})" if row.unit else ""
    return f"{start:32}  # {row.summary}{choices}{unit}"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    text = str(value)
    return text if (text.isalpha() and text not in {"no", "yes"}) or not isinstance(value, str) else f'"{text}"'

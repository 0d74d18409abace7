"""The JSON schema of a request: what Prefect makes its form of, and what it knows of a request that is sent to it.

The names are those that users of the service know. A form sends null for a section that nobody opened, so sections are
spelt as fields are (`light_curve`), where null means not asked for. It sends false for a switch that nobody touched, so
a flag is a list of true and false, from which nothing need be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ukssdc.request.parameter_values import Parameter
from ukssdc.status import Product

PRODUCTS_TEXT = (
    "What to build. What is not set in a product's section below is left to the service's defaults; only a light "
    "curve, a spectrum and a source detection need something set there. Example: LightCurve, StandardPos."
)


def finish_schema(
    schema: dict[str, Any], rows: Mapping[str, Parameter], description: str, needed: Iterable[str] = ()
) -> None:
    """Finish the schema of a product's parameters, or of the whole request: names, order, and what is needed.

    Parameters
    ----------
    schema : dict
        As pydantic makes it; it is changed.
    rows : mapping of str to Parameter
        By field.
    description : str
        For the person in front of the form.
    needed : iterable of str
        The fields without which no request makes sense: a form says "(Optional)" beside all others.
    """
    fields: dict[str, Any] = {}
    for field, property_ in schema["properties"].items():
        if field == "light_curve":
            fields["products"] = _products_schema()
        fields[rows[field].name if field in rows else field] = property_
    # A database may forget the order of names, and a form goes by this.
    schema["properties"] = {name: {**part, "position": place} for place, (name, part) in enumerate(fields.items())}
    schema["description"] = description
    required = [rows[field].name if field in rows else field for field in needed]
    if required:
        schema["required"] = required


def _products_schema() -> dict[str, Any]:
    return {
        "title": "products",
        "description": PRODUCTS_TEXT,
        "type": "array",
        "items": {"type": "string", "enum": [str(product) for product in Product]},
        "examples": [[str(Product.LightCurve), str(Product.StandardPos)]],
    }


def section_schema(schema: dict[str, Any]) -> None:
    """Finish the schema of a product's section: nobody has to open it, and then it is null."""
    branches = [branch for branch in schema["anyOf"] if branch.get("type") != "null"]
    schema["anyOf"] = [{"type": "null", "title": "Nothing set"}, *branches]

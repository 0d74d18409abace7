"""How the parameters of the flows look in Prefect's form, where their types alone would say too little."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ukssdc import Product, Products
from xrt_products.tasks.account import Account
from xrt_products.tasks.observe.notifications import Notify

NAMES = [str(product) for product in Product]


@dataclass(frozen=True)
class Tabs:
    """The tabs that a form shows for a union: nothing first, then a text, then the rest.

    Parameters
    ----------
    nothing, text : str
        What the first two are called.
    """

    nothing: str
    text: str

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON schema: of texts, one; a form need not tell a secret from a text that the server stores."""
        rest = [branch for branch in _branches(handler(core_schema)) if branch.get("type") not in {"null", "string"}]
        return {"anyOf": [{"type": "null", "title": self.nothing}, {"type": "string", "title": self.text}, *rest]}


@dataclass(frozen=True)
class FormOrJson:
    """The tabs that a form shows for a model: its fields, a text where one is taken, or JSON in any spelling.

    Prefect's server holds a parameter against its schema before it starts a run. JSON goes in any form, so that what is
    wrong is said by the run, in full, and not by the server ("... is not valid under any of the given schemas").

    Parameters
    ----------
    description : str
        Of the JSON.
    text : str, optional
        Description of the text.
    """

    description: str
    text: str = ""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON schema."""
        form = handler(core_schema)
        if "anyOf" in form:  # older versions of pydantic come here twice
            return form
        handler.resolve_ref_schema(form)["title"] = "Form"
        text = {"title": "File or text", "type": "string", "description": self.text}
        free = {"title": "JSON", "type": "object", "description": self.description}
        return {"anyOf": [form, *([text] if self.text else []), free]}


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a union is made of, however deep."""
    return [inner for branch in schema["anyOf"] for inner in _branches(branch)] if "anyOf" in schema else [schema]


AccountField = Annotated[Account, Tabs(nothing="From the environment", text="Block's name")]
NotifyField = Annotated[Notify | None, Tabs(nothing="Nobody", text="Block or address")]
PublishField = Annotated[str | None, Tabs(nothing="Nowhere", text="Address")]
ProductsField = Annotated[
    Products,
    WithJsonSchema(
        {
            "anyOf": [
                {"title": "All, or one", "type": "string", "enum": ["all", *NAMES]},
                {"title": "Several", "type": "array", "items": {"type": "string", "enum": NAMES}},
            ]
        }
    ),
]


def _tabs(*branches: dict[str, Any]) -> WithJsonSchema:
    """Return a schema for which a form shows a tab each."""
    return WithJsonSchema({"anyOf": list(branches)})


# Texts first: V2 of Prefect's UI shows no widget for objects of any form.
TargetsField = Annotated[
    str | Path | list[dict[str, Any]],
    _tabs(
        {"title": "File or text", "type": "string"},
        {"title": "JSON", "type": "array", "items": {"type": "object"}},
    ),
]
TemplateField = Annotated[
    str | dict[str, Any] | None,
    _tabs(
        {"title": "Nothing", "type": "null"},
        {"title": "File or text", "type": "string"},
        {"title": "JSON", "type": "object"},
    ),
]
UnitsField = Annotated[
    dict[str, str] | None,
    _tabs(
        {"title": "The table's", "type": "null"},
        {"title": "JSON", "type": "object", "additionalProperties": {"type": "string"}},
    ),
]
MaxFailuresField = Annotated[
    Annotated[float, Field(gt=0)] | None,
    _tabs({"title": "No limit", "type": "null"}, {"title": "Limit", "type": "number", "exclusiveMinimum": 0}),
]
RedoField = Annotated[
    Literal["failed", "all"] | None,
    _tabs({"title": "Nothing", "type": "null"}, {"title": "Something", "type": "string", "enum": ["failed", "all"]}),
]

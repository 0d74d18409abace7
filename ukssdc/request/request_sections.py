"""The sections of a request: which products are asked for, in whatever form, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ukssdc.request import parameters
from ukssdc.request.parameter_values import read_flag, show
from ukssdc.request.parameters import Parameters
from ukssdc.request.rules import Draft
from ukssdc.status import Product

FIELDS = {
    Product.LightCurve: "light_curve",
    Product.Spectrum: "spectrum",
    Product.StandardPos: "standard_pos",
    Product.EnhancedPos: "enhanced_pos",
    Product.AstromPos: "astrom_pos",
    Product.Image: "image",
    Product.SourceDet: "source_det",
}
MODELS: dict[Product, type[Parameters]] = {p: getattr(parameters, p.value) for p in Product}
POSITIONS = (Product.StandardPos, Product.EnhancedPos, Product.AstromPos)
# These are one parameter of the service: set for one of the products, it holds for all of them.
SHARED = (
    (POSITIONS, tuple(parameters.PositionParameters.model_fields)),
    ((Product.LightCurve, Product.Spectrum), ("srcrad",)),
)
BY_NAME = {name: p for p in Product for name in (p.value, p.wire, FIELDS[p])}


def products_by_parameter() -> dict[str, str]:
    """Return, for every name of a parameter, the products that have it: "LightCurve, Spectrum"."""
    having: dict[str, str] = {}
    for product, model in MODELS.items():
        for name in {name for row in model.ROWS.values() for name in row.names}:
            having[name] = f"{having[name]}, {product}" if name in having else str(product)
    return having


def split_sections(data: Mapping[Any, Any]) -> tuple[list[tuple[Any, Any]], dict[Product, Any], list[str]]:
    """Tell what is about the whole request from the products, in the flat and in the nested form."""
    given: list[tuple[Any, Any]] = []
    wanted: dict[Product, Any] = {}
    problems: list[str] = []
    for key, value in _flat(data, problems):
        product = BY_NAME.get(key)
        if product is None:
            given.append((key, value))
        elif product in wanted:
            problems.append(f"{key} is given twice, maybe under another name: give it once")
        elif isinstance(value, (Mapping, Parameters)):
            wanted[product] = value
        else:
            try:
                if value is None or read_flag(value):
                    wanted[product] = {}
            except ValueError:
                problems.append(f"{key} is {show(value)}: give its parameters, name by name, or true for the defaults")
    return given, wanted, problems


def _flat(data: Mapping[Any, Any], problems: list[str]) -> Iterable[tuple[Any, Any]]:
    """Yield names and values from wherever they stand."""
    for key, value in data.items():
        if key == "products" and isinstance(value, (list, tuple)):
            for item in value:
                yield from item.items() if isinstance(item, Mapping) else [(str(item), {})]
        elif key in {"globals", "products"}:
            if isinstance(value, Mapping):
                yield from value.items()
            elif value is not None:
                form = f"[{value}]" if value in BY_NAME else "names with their values"
                problems.append(f"{key} is {show(value)}: give {form}")
        elif value is not None or key not in FIELDS.values():  # None for a field of ours: not asked for
            yield key, value


def read_product(product: Product, settings: Mapping[Any, Any] | Parameters, hints: Mapping[str, str]) -> Draft:
    """Read the parameters of one product; `hints` as in `Draft.read`."""
    model = MODELS[product]
    draft = Draft(model.ROWS, where=f"{product}.")
    if isinstance(settings, Mapping):
        return draft.read(settings.items(), hints)
    if isinstance(settings, model):
        draft.values |= settings.values()
    else:
        draft.note(f"{product} is given the parameters of a {type(settings).__name__}: give its own")
    return draft


def settle_products(drafts: Mapping[Product, Draft]) -> list[str]:
    """Apply each product's rules, after letting what is set on one product hold for all that share it."""
    problems = []
    followers = set()
    for products, fields in SHARED:
        sharing = [p for p in products if p in drafts]
        for field in fields:
            problems += _share([drafts[p] for p in sharing], field)
        if products == POSITIONS:
            followers.update(sharing[1:])  # all they have is shared, so that the rules need to look at one of them
    for product, draft in drafts.items():
        if product not in followers:
            draft.apply_rules(MODELS[product].RULES)
    for products, fields in SHARED:
        for field in fields:
            _share([drafts[p] for p in products if p in drafts], field)
    return problems


def _share(drafts: list[Draft], field: str) -> list[str]:
    """Let a parameter that is set on one product hold for the others; name where they set it differently."""
    having = [d for d in drafts if field in d.values]
    if any(d.values[field] != having[0].values[field] for d in having):
        said = " and ".join(f"{d.name(field)} {show(d.values[field])}" for d in having)
        return [f"{said} contradict each other, because these products share it: give it once"]
    given_names = next((d.given_names[field] for d in drafts if field in d.given_names), None)
    for draft in drafts:
        if having:
            draft.values[field] = having[0].values[field]
        if given_names:
            draft.given_names.setdefault(field, given_names)
    return []

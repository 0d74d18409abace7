"""The sections of a request: the parameters of each product, in any accepted form, and those that products share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ukssdc.request import parameters
from ukssdc.request.parameter_values import read_flag
from ukssdc.request.parameters import Parameters
from ukssdc.request.rules import ParameterSet
from ukssdc.request.value_texts import format_name, format_value
from ukssdc.status import POSITION_PRODUCTS, Product

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
# For the service, each of these is one parameter: set for one of the products, it applies to all of them.
SHARED_PARAMETERS = (
    (POSITION_PRODUCTS, tuple(parameters.PositionParameters.model_fields)),
    ((Product.LightCurve, Product.Spectrum), ("srcrad",)),
)
PRODUCTS_BY_NAME = {name: p for p in Product for name in (p.value, p.wire, FIELDS[p])}


def products_by_parameter() -> dict[str, str]:
    """Return, for every name of a parameter, the products that have it: "LightCurve, Spectrum"."""
    products: dict[str, str] = {}
    for product, model in MODELS.items():
        for name in {name for row in model.ROWS.values() for name in row.names}:
            products[name] = f"{products[name]}, {product}" if name in products else str(product)
    return products


def split_sections(data: Mapping[Any, Any]) -> tuple[list[tuple[Any, Any]], dict[Product, Any], list[str]]:
    """Split a request, flat or nested, into general parameters, parameters by product, and problems."""
    general: list[tuple[Any, Any]] = []
    products: dict[Product, Any] = {}
    problems: list[str] = []
    chosen = _chosen(data)
    for key, value in _flatten(data, problems):
        product = PRODUCTS_BY_NAME.get(key)
        if product is None:
            general.append((key, value))
        elif product in products:
            problems.append(f"{key} is given twice, maybe under another name: give it once")
        elif (settings := _settings(key, value, problems)) is not None:
            products[product] = settings
        elif product in chosen:
            problems.append(f"products names {product}, but {key} is {format_value(value)}: leave out one of them")
    if chosen and (others := ", ".join(product for product in products if product not in chosen)):
        problems.append(
            f"products names {', '.join(chosen)}, but {others} is filled in as well: choose all that you want in "
            "products, and leave the other sections alone"
        )
    return general, products | {product: {} for product in chosen if product not in products}, problems


def _settings(key: Any, value: Any, problems: list[str]) -> Mapping[Any, Any] | Parameters | None:
    """Return what is set for a product; None where it is not asked for."""
    if isinstance(value, (Mapping, Parameters)):
        return value
    try:
        return {} if value is None or read_flag(value) else None
    except ValueError:
        problems.append(f"{key} is {format_value(value)}: give its parameters, name by name, or true for the defaults")
        return None


def _chosen(data: Mapping[Any, Any]) -> list[Product]:
    """Return the products that a list names, as the form's does: their parameters stand elsewhere, or nowhere."""
    listed = data.get("products")
    if not isinstance(listed, (list, tuple)):
        return []
    names = [name for item in listed for name in (item if isinstance(item, Mapping) else [item])]
    return list(dict.fromkeys(PRODUCTS_BY_NAME[n] for n in names if isinstance(n, str) and n in PRODUCTS_BY_NAME))


def _flatten(data: Mapping[Any, Any], problems: list[str]) -> Iterable[tuple[Any, Any]]:
    """Yield names and values from all levels."""
    for key, value in data.items():
        if key == "products" and isinstance(value, (list, tuple)):
            for item in value:
                if isinstance(item, Mapping):
                    yield from item.items()
                elif not isinstance(item, str) or item not in PRODUCTS_BY_NAME:
                    yield item if isinstance(item, str) else format_name(item), {}
        elif key in {"globals", "products"}:
            if isinstance(value, Mapping):
                yield from value.items()
            elif value is not None:
                form = (
                    f"[{value}]" if isinstance(value, str) and value in PRODUCTS_BY_NAME else "names with their values"
                )
                problems.append(f"{key} is {format_value(value)}: give {form}")
        elif value is not None or key not in FIELDS.values():  # a product's field that is None is not requested
            yield key, value


def read_product(product: Product, settings: Mapping[Any, Any] | Parameters, hints: Mapping[str, str]) -> ParameterSet:
    """Read the parameters of one product; `hints` as in `ParameterSet.read`."""
    model = MODELS[product]
    params = ParameterSet(model.ROWS, prefix=f"{product}.")
    if isinstance(settings, Mapping):
        return params.read(settings.items(), hints)
    if isinstance(settings, model):
        params.values |= settings.values()
    else:
        params.add_problem(f"{product} is given the parameters of a {type(settings).__name__}: give its own")
    return params


def apply_product_rules(params_by_product: Mapping[Product, ParameterSet]) -> list[str]:
    """Apply each product's rules, after copying shared parameters to all products that have them."""
    problems = []
    already_checked = set()
    for products, fields in SHARED_PARAMETERS:
        sharing = [p for p in products if p in params_by_product]
        for field in fields:
            problems += _copy_shared([params_by_product[p] for p in sharing], field)
        if products == POSITION_PRODUCTS:
            already_checked.update(sharing[1:])  # all their parameters are shared, so one of them is checked
    for product, params in params_by_product.items():
        if product not in already_checked:
            params.apply_rules(MODELS[product].RULES)
    for products, fields in SHARED_PARAMETERS:
        for field in fields:
            _copy_shared([params_by_product[p] for p in products if p in params_by_product], field)
    return problems


def _copy_shared(sharing: list[ParameterSet], field: str) -> list[str]:
    """Copy a parameter that is set for one product to the others; return a problem where they differ."""
    if len(sharing) <= 1:
        return []
    setting = [params for params in sharing if field in params.values]
    if any(params.values[field] != setting[0].values[field] for params in setting):
        settings = " and ".join(f"{params.full_name(field)} {format_value(params.values[field])}" for params in setting)
        return [f"{settings} contradict each other, because these products share it: give it once"]
    given_name = next((params.given_names[field] for params in sharing if field in params.given_names), None)
    for params in sharing:
        if setting:
            params.values[field] = setting[0].values[field]
        if given_name:
            params.given_names.setdefault(field, given_name)
    return []

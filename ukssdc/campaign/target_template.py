"""What all targets of a campaign have in common, and how a row's own parameters are put into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ukssdc.request.parameter_values import Parameter
from ukssdc.request.parameters import Parameters
from ukssdc.request.product_request import ProductRequest
from ukssdc.request.request_sections import FIELDS, MODELS, PRODUCTS_BY_NAME, split_sections
from ukssdc.request.rules import ANY_VALUE, Implies
from ukssdc.service import API
from ukssdc.status import Product

Place = tuple[Product | None, str]
"""Where a parameter belongs: to a product, or None for the whole request; and its field."""
Given = dict[str, tuple[Any, Any]]
"""Field -> the name as it was given, and the value."""

CASELESS = {"name": "name", "ra": "ra", "dec": "dec"}  # columns that tables write in any case
PRODUCT_COLUMNS = {name: product for product in Product for name in (product.value, FIELDS[product])}
WHOLE = ""  # field of a product's own column, whose cells say whether the product is asked for
# What a row gives takes the place of what the template lets the service find: `targ` that of getTargs.
_RULED: tuple[tuple[Product | None, type[Parameters]], ...] = ((None, ProductRequest), *MODELS.items())
REPLACED = {
    (product, rule.field): rule.target
    for product, model in _RULED
    for rule in model.RULES
    if isinstance(rule, Implies) and rule.value is ANY_VALUE
}


def place_of(column: str) -> Place | None:
    """Return where a column's cells belong; None where it is named like no parameter."""
    if column in PRODUCT_COLUMNS:
        return PRODUCT_COLUMNS[column], WHOLE
    if field := ProductRequest.FIELD_NAMES.get(column):
        return None if field in FIELDS.values() else (None, field)
    if column.lower() in CASELESS:
        return None, CASELESS[column.lower()]
    section, _, name = column.partition(".")
    product = PRODUCTS_BY_NAME.get(section)
    field = MODELS[product].FIELD_NAMES.get(name) if product else None
    return (product, field) if product and field else None


def parameter_of(place: Place | None) -> Parameter | None:
    """Return the parameter that belongs to a place; None for a product's own column."""
    if place is None or place[1] == WHOLE:
        return None
    return (ProductRequest if place[0] is None else MODELS[place[0]]).ROWS[place[1]]


def is_misspelt(column: str) -> bool:
    """Tell whether a column is named like a product's parameter that there is not: `LightCurve.binMth`."""
    return "." in column and column.partition(".")[0] in PRODUCTS_BY_NAME and place_of(column) is None


class TargetTemplate:
    """A request without what the rows give.

    Parameters
    ----------
    template : mapping, ProductRequest or None
        In any of the forms of a request.
    """

    def __init__(self, template: Mapping[Any, Any] | ProductRequest | None) -> None:
        general, products, self.problems = split_sections(_content(template))
        self.general: Given = {ProductRequest.FIELD_NAMES.get(name, name): (name, value) for name, value in general}
        self.products: dict[Product, Given] = {
            product: {MODELS[product].FIELD_NAMES.get(name, name): (name, value) for name, value in settings.items()}
            for product, settings in ((p, _settings(given)) for p, given in products.items())
        }

    def with_row(self, cells: Mapping[Place, tuple[str, Any]]) -> dict[str, Any]:
        """Return the request of a row, which is not checked yet.

        Parameters
        ----------
        cells : mapping
            Place -> the column's name, and what it holds.
        """
        general = self._with_cells(self.general, None, cells)
        products = {product: self._with_cells(given, product, cells) for product, given in self.products.items()}
        for product, field in cells:
            if product is None:
                continue
            if field == WHOLE and not _is_wanted(cells[product, field][1]):
                products.pop(product, None)
            elif product not in products:
                products[product] = self._with_cells({}, product, cells)
        return {**dict(general.values()), **{str(p): dict(given.values()) for p, given in products.items()}}

    @staticmethod
    def _with_cells(given: Given, product: Product | None, cells: Mapping[Place, tuple[str, Any]]) -> Given:
        own = {field: cell for (of, field), cell in cells.items() if of is product and field != WHOLE}
        if not own:
            return given
        replaced = {REPLACED.get((product, field)) for field in own} - own.keys()
        return {field: entry for field, entry in given.items() if field not in replaced} | own


def flatten_target(target: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a target's row without sections: what is in one is named `LightCurve.binMeth`."""
    if not any(isinstance(value, (Mapping, Parameters)) for value in target.values()):
        return {str(name): value for name, value in target.items()}
    return dict(_flat(target))


def flatten_request(request: ProductRequest) -> dict[str, Any]:
    """Return a request as a row, in the names of the service's documentation."""
    row = {request.ROWS[field].name: value for field, value in request.values().items()}
    for product in request.products:
        settings: Parameters = getattr(request, FIELDS[product])
        row[str(product)] = True
        row |= {f"{product}.{settings.ROWS[field].name}": value for field, value in settings.values().items()}
    return row


def _flat(target: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in target.items():
        if name in {"globals", "products"} and isinstance(value, Mapping):
            yield from _flat(value)
        elif isinstance(value, (Mapping, Parameters)):
            yield str(name), True
            yield from ((f"{name}.{key}", item) for key, item in _settings(value).items())
        else:
            yield str(name), value


def _content(template: Mapping[Any, Any] | ProductRequest | None) -> Mapping[Any, Any]:
    if isinstance(template, Mapping) and API.keys() & template.keys():  # the reference client's own file
        template = ProductRequest.read_wire(template)[0]
    return template.model_dump(warnings=False) if isinstance(template, ProductRequest) else template or {}


def _settings(given: Mapping[Any, Any] | Parameters) -> Mapping[Any, Any]:
    return given.values() if isinstance(given, Parameters) else given


def _is_wanted(value: Any) -> bool:
    return str(value).strip().lower() not in {"false", "0", "no"}

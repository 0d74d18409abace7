"""A request as the YAML that a request file holds, in the service's own names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from ukssdc.request.request_file import YAML_TYPES

if TYPE_CHECKING:
    from ukssdc.request.parameters import Parameters
    from ukssdc.request.product_request import ProductRequest
    from ukssdc.status import Product

MAX_WIDTH = 10_000  # characters; a list of observations stays on its line


class _RequestDumper(yaml.SafeDumper):
    """Quotes whatever any reader of YAML, ours or a plain one, would take for something else than text."""


for _tag, _form in YAML_TYPES.items():
    _RequestDumper.add_implicit_resolver(_tag, re.compile(rf"(?:{_form})\Z"), None)


def request_to_yaml(request: ProductRequest, sections: dict[Product, Parameters]) -> str:
    """Return a request as YAML; read back, it sends the same."""
    content: dict[str, Any] = _named(request)
    content |= {product.value: _named(model) for product, model in sections.items()}
    return yaml.dump(content, Dumper=_RequestDumper, sort_keys=False, allow_unicode=True, width=MAX_WIDTH)


def _named(model: Parameters) -> dict[str, Any]:
    return {model.ROWS[field].name: _plain(value) for field, value in model.values().items()}


def _plain(value: Any) -> Any:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else value

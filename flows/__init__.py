"""The flows. They are imported when they are first used, so that the command line starts without Prefect."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.collect import cancel_products, collect_products
    from flows.products import request_products
    from tasks.outcomes import JobReport, ProductsFailed

_HOMES = {
    "request_products": "flows.products",
    "collect_products": "flows.collect",
    "cancel_products": "flows.collect",
    "JobReport": "tasks.outcomes",
    "ProductsFailed": "tasks.outcomes",
}

__all__ = ["JobReport", "ProductsFailed", "cancel_products", "collect_products", "request_products"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'flows' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

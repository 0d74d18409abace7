"""Swift-XRT products from the UKSSDC as Prefect tasks and flows; the client without Prefect is `ukssdc`.

This is the name under which the repository's `flows/` and `tasks/` are installed: those two names belong to everybody.
Everything here is imported when it is first used, so that the command line starts without Prefect.

>>> from xrt_products import request_products
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ukssdc.campaign import BatchReport
    from ukssdc.outcomes import JobReport, ProductsFailed
    from ukssdc.rebin_outcomes import RebinReport
    from xrt_products.flows.batch import request_batch
    from xrt_products.flows.cancel import cancel_products
    from xrt_products.flows.collect import collect_products
    from xrt_products.flows.products import request_products
    from xrt_products.flows.rebin import rebin_light_curve
    from xrt_products.tasks.account import UKSSDCAccount

_HOMES = {
    "BatchReport": "ukssdc.campaign",
    "JobReport": "ukssdc.outcomes",
    "ProductsFailed": "ukssdc.outcomes",
    "RebinReport": "ukssdc.rebin_outcomes",
    "UKSSDCAccount": "xrt_products.tasks.account",
    "cancel_products": "xrt_products.flows.cancel",
    "collect_products": "xrt_products.flows.collect",
    "rebin_light_curve": "xrt_products.flows.rebin",
    "request_batch": "xrt_products.flows.batch",
    "request_products": "xrt_products.flows.products",
}

__all__ = [
    "BatchReport",
    "JobReport",
    "ProductsFailed",
    "RebinReport",
    "UKSSDCAccount",
    "cancel_products",
    "collect_products",
    "rebin_light_curve",
    "request_batch",
    "request_products",
]
__version__ = version("xrt-products")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'xrt_products' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

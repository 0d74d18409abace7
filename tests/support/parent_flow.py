"""A flow that asks for products as one of its steps."""

from typing import Any

from prefect import flow

from ukssdc import ProductRequest
from xrt_products import request_products


@flow(name="follow up")
def follow_up(request: dict[str, Any], interval: float) -> None:
    """Ask for the products of a request."""
    request_products(ProductRequest.model_validate(request), interval=interval, quicklook=False)

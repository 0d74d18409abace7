"""Requests: their parameters, the rules between them, and request files."""

from ukssdc.request.product_request import ProductRequest

__all__ = ["ProductRequest"]

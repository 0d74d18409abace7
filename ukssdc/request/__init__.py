"""What is asked for: the parameters of a request, the rules between them, and the files that hold them."""

from ukssdc.request.product_request import ProductRequest

__all__ = ["ProductRequest"]

"""Fixtures of the flow tests."""

from xrt_fixtures import options, rebinnable, serve

__all__ = ["options", "rebinnable", "serve"]

"""Fixtures of the fault tests."""

from xrt_fixtures import options, rebinnable, serve

__all__ = ["options", "rebinnable", "serve"]

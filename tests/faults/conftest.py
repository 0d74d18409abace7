"""Fixtures of the fault tests."""

from xrt_fixtures import options, serve

__all__ = ["options", "serve"]

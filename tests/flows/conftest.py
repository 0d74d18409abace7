"""Fixtures of the flow tests."""

from xrt_fixtures import options, serve

__all__ = ["options", "serve"]

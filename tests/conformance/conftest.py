"""Fixtures of the conformance tests that run flows."""

from xrt_fixtures import options, serve

__all__ = ["options", "serve"]

"""Fixtures of the quick look's tests: those of the flow tests."""

from xrt_fixtures import serve

__all__ = ["serve"]

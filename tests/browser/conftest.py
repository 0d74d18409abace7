"""Fixtures of the tests of Prefect's UI and of the pages."""

from chromium import browser, page

__all__ = ["browser", "page"]

"""The one session for calls and downloads: what it sends of its own accord is nothing but who we are."""

from __future__ import annotations

import importlib.metadata
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from ukssdc._deadlines import DeadlineAdapter
from ukssdc.addresses import is_loopback


class ServiceSession(requests.Session):
    """A session without credentials, cookies and redirects.

    Proxies and CA bundles come from the environment as usual, but nothing for this machine goes through a proxy.
    """

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = user_agent()
        self.auth = _send_no_credentials
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - a bad one raises a ValueError there
        """Follow no redirect: requests reads its address even where it is not to follow it."""
        return

    def merge_environment_settings(self, url: Any, *args: Any, **options: Any) -> Any:
        """Take what the environment says, but no proxy for this machine: it would be told the e-mail address."""
        settings = super().merge_environment_settings(url, *args, **options)
        if is_loopback(url):
            settings["proxies"] = {}
        return settings


@lru_cache(maxsize=1)
def user_agent() -> str:
    """Return who we are: `xrt-products/1.0`."""
    try:
        return f"xrt-products/{importlib.metadata.version('xrt-products')}"
    except importlib.metadata.PackageNotFoundError:  # run from a folder, not installed
        return "xrt-products"


def _send_no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand where requests would take them from ~/.netrc, or from the address."""
    return request

"""The reference client, swifttools, at an emulator: the service's addresses are built into it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from raw_calls import TIMEOUT
from swifttools.ukssdc import main as rebin_calls
from swifttools.ukssdc.xrt_prods import prod_request

from ukssdc.emulator import Emulator
from ukssdc.service import BASE_URL

PRODUCTS, REBINNING = "/user_objects", "/API/main.php"


def lead_to(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead all that the reference client posts to an emulator."""
    addresses = {
        BASE_URL: emulator.url,
        BASE_URL.replace(PRODUCTS, REBINNING): emulator.url.replace(PRODUCTS, REBINNING),
    }

    def post(url: str, json: Any) -> requests.Response:
        [(service, here)] = [pair for pair in addresses.items() if url.startswith(pair[0])]
        return requests.post(url.replace(service, here), json=json, timeout=TIMEOUT)

    for module in (prod_request, rebin_calls):
        monkeypatch.setattr(module, "requests", SimpleNamespace(post=post))

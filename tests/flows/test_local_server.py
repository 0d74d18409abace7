"""The Prefect server that a command starts is reached directly, whatever proxy is set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from raw_server import http, raw_server

from xrt_products.flows.cli.server import end, exempt_loopback_from_proxies, wait_until_healthy


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a proxy at which nothing listens."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_local_server_is_found_healthy_past_a_proxy(tmp_path: Path, host: str) -> None:
    log = tmp_path / "log"
    with raw_server(http(b"true")) as url, log.open("wb") as file:
        idle = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(2)"], stderr=file, start_new_session=True
        )
        try:
            wait_until_healthy(
                lambda: idle.poll() is None, url.removesuffix("/user_objects").replace("127.0.0.1", host), log
            )
        finally:
            end(idle.pid)


@pytest.mark.parametrize("known", ["", "swift.ac.uk", "localhost, swift.ac.uk", "localhost,127.0.0.1,::1"])
def test_what_is_exempt_already_stays_so_and_loopback_is_added_once(
    monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    monkeypatch.setenv("no_proxy", known)

    exempt_loopback_from_proxies()
    exempt_loopback_from_proxies()

    hosts = [host.strip() for host in os.environ["no_proxy"].split(",")]
    assert sorted(hosts) == sorted({*filter(None, known.replace(" ", "").split(",")), "localhost", "127.0.0.1", "::1"})
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"]


def test_prefects_own_calls_go_past_the_proxy() -> None:
    exempt_loopback_from_proxies()

    with raw_server(http(b"true")) as url:
        assert httpx.get(url).text == "true"  # what Prefect's client uses

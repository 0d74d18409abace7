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
from xrt_products.flows.cli.user_server import _may_name_server, ensure_server


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


@pytest.mark.parametrize("name", ["DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED"])
def test_nothing_that_a_command_starts_sends_statistics(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv(name, "")  # so that it is as it was in the end
    monkeypatch.delenv(name)

    assert ensure_server() is None

    assert os.environ[name] in {"1", "false"}


@pytest.mark.parametrize(
    ("file", "text", "may"),
    [
        ("prefect.toml", '[api]\nurl = "http://127.0.0.1:9/api"\n', True),
        (".env", "PREFECT_API_URL=http://127.0.0.1:9/api\n", True),
        ("pyproject.toml", '[tool.prefect]\napi.url = "http://127.0.0.1:9/api"\n', True),
        ("pyproject.toml", '[project.urls]\nPage = "http://127.0.0.1:9"\n', False),
        ("pyproject.toml", "[tool.prefect]\nserver.analytics_enabled = false\n", False),
        (".env", "API_URL=http://127.0.0.1:9\n", False),
    ],
)
def test_prefect_is_asked_for_its_server_only_where_its_settings_may_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str, may: bool
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    (tmp_path / file).write_text(text)

    assert _may_name_server(tmp_path / file) is may
    assert not _may_name_server(tmp_path / "missing.toml")


def test_prefects_own_calls_go_past_the_proxy() -> None:
    exempt_loopback_from_proxies()

    with raw_server(http(b"true")) as url:
        assert httpx.get(url).text == "true"  # what Prefect's client uses

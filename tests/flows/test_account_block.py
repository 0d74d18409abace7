"""The account as a block: Prefect's own standard for blocks, its names, and an address in the place of one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from prefect.blocks.abstract import CredentialsBlock
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import HttpUrl
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.errors import UKSSDCError
from xrt_products import UKSSDCAccount, collect_products, request_products
from xrt_products.tasks.account import client_for

pytestmark = pytest.mark.xdist_group("account block")  # two processes that save the first block of a type collide
DOCS = Path(__file__).parents[2] / "docs"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a word on stderr."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def pictures() -> Iterator[str]:
    """Serve the repository's docs/ on loopback, and return their address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=DOCS)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class TestUKSSDCAccount(BlockStandardTestSuite):
    """Prefect's standard: description, documentation, example, descriptions of the fields, a picture."""

    @pytest.fixture
    def block(self, pictures: str, monkeypatch: pytest.MonkeyPatch) -> type[Block]:
        """Return the block, whose picture is fetched from this machine: the file that its address names."""
        file = Path(urlsplit(str(UKSSDCAccount._logo_url)).path).name
        monkeypatch.setattr(UKSSDCAccount, "_logo_url", HttpUrl(f"{pictures}/{file}"))
        return UKSSDCAccount


def test_it_is_a_credentials_block_whose_client_is_the_services(serve: Serve) -> None:
    emulator = serve()
    block = UKSSDCAccount(email=USER, url=emulator.url)

    assert isinstance(block, CredentialsBlock)
    with block.get_client() as client:
        assert isinstance(client, Client)
        assert client.count_active_jobs() == 0
    with block.get_client(timeout=(1.0, 2.0)) as client:
        assert client.base_url == emulator.url


def test_its_example_runs(serve: Serve) -> None:
    emulator = serve()
    UKSSDCAccount(email=USER, url=emulator.url).save("example", overwrite=True)
    found: dict[str, Any] = {}

    code = str(UKSSDCAccount.get_code_example()).split("```python\n")[1].split("```")[0]
    exec(dedent(code).replace("BLOCK_NAME", "example"), found)  # noqa: S102 - ours

    assert found["jobs"] == []


def test_its_documentation_is_the_services() -> None:
    assert urlsplit(str(UKSSDCAccount._documentation_url)).hostname == "www.swift.ac.uk"


@pytest.mark.parametrize("name", ["named", "ukssdc-account/named"])
def test_it_is_named_with_or_without_its_type(serve: Serve, name: str) -> None:
    emulator = serve()
    UKSSDCAccount(email=USER, url=emulator.url).save("named", overwrite=True)

    assert client_for(name).base_url == emulator.url


@pytest.mark.parametrize("flow", ["request", "collect"])
def test_an_address_in_the_place_of_its_name_is_refused_and_how_to_be_rid_of_it_is_said(
    serve: Serve, options: dict[str, Any], prefect_api: str, flow: str
) -> None:
    emulator = serve()
    address = "somebody@example.org"
    run = (
        request_products(request_for(Product.Image), **options, account=address, return_state=True)
        if flow == "request"
        else collect_products(951, **options, account=address, return_state=True)
    )

    error = run.result(raise_on_failure=False)
    number = run.state_details.flow_run_id

    assert isinstance(error, UKSSDCError)
    assert "not an e-mail address" in str(error)
    assert "stands in this run's parameters" in str(error)
    assert f"prefect flow-run delete {number}" in str(error)
    assert address not in str(error)
    assert address not in str(run.message)
    assert emulator.ledger.calls("submit") == []
    stored = requests.get(f"{prefect_api}/flow_runs/{number}", timeout=30).json()
    assert stored["parameters"]["account"] == address  # so it is true
    requests.delete(f"{prefect_api}/flow_runs/{number}", timeout=30).raise_for_status()


def test_outside_of_a_run_nothing_is_said_of_one() -> None:
    with pytest.raises(UKSSDCError, match="not an e-mail address") as raised:
        client_for("somebody@example.org")

    assert "parameters" not in str(raised.value)

"""A request's file with the account in it, as the reference client writes it: the command takes the account out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from in_process import CommandLine
from xrt_support import USER, Serve, request_for

from ukssdc import Product

Run = Callable[..., CompletedProcess[str]]
OTHER = "somebody@example.org"
FAST = ("--interval", "0.2", "--no-quicklook")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return CommandLine(tmp_path)


@pytest.mark.parametrize("user", [USER, USER.upper()])
def test_a_file_of_ones_own_is_sent_as_if_it_named_nobody(serve: Serve, run: Run, tmp_path: Path, user: str) -> None:
    emulator = serve()
    body = request_for(Product.Image).to_wire(user)
    (tmp_path / "body.json").write_text(json.dumps(body))

    done = run("run", "body.json", *FAST)

    assert done.returncode == 0, done.stderr
    (sent,) = [call.body for call in emulator.ledger if call.call == "submit"]
    assert sent == {key: value for key, value in body.items() if key != "UserID"}
    assert user not in done.stdout + done.stderr


def test_another_accounts_file_is_refused_before_anything_is_sent(serve: Serve, run: Run, tmp_path: Path) -> None:
    emulator = serve()
    (tmp_path / "body.json").write_text(json.dumps(request_for(Product.Image).to_wire(OTHER)))

    done = run("run", "body.json", *FAST)

    assert done.returncode == 1
    assert "body.json is another account's: its UserID is not yours" in done.stderr
    assert OTHER not in done.stdout + done.stderr
    assert len(emulator.ledger) == 0


def test_the_block_says_whose_file_it_is(
    serve: Serve, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xrt_products import UKSSDCAccount  # noqa: PLC0415

    emulator = serve()
    monkeypatch.delenv("UKSSDC_USER")
    UKSSDCAccount(email=USER).save("file-owner", overwrite=True)
    (tmp_path / "body.json").write_text(json.dumps(request_for(Product.Image).to_wire(OTHER)))

    done = run("run", "body.json", "--account", "file-owner", *FAST)

    assert "body.json is another account's" in done.stderr
    assert len(emulator.ledger) == 0

"""The Prefect server away while a job runs: the job is followed all the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from own_server import OwnServer
from prefect_runs import Group, account, copy_database, group, wait_for
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.record.record import JobRecord

AWAY = 15.0  # s
TIMEOUT = 90.0  # s
LONG = 1000.0  # s of a build
AWHILE = Build(requested=0, queued=0, running=LONG)
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("prefect away")]


@pytest.fixture
def server(prefect_api: str, tmp_path: Path) -> Iterator[OwnServer]:
    assert prefect_api
    copy_database(tmp_path / "prefect.db")
    running = OwnServer(tmp_path)
    running.start()
    yield running
    running.kill()


@contextmanager
def script(server: OwnServer, emulator: Emulator, home: Path, *more: Product, **environment: str) -> Iterator[Group]:
    """Run the flow in a process of its own, and come back when its job has been polled."""
    request = request_for(Product.LightCurve, *more, Product.Image).model_dump(mode="json")
    text = f"from xrt_products import request_products\nrequest_products({request!r}, interval=0.5, quicklook=False)\n"
    everything = {**server.environment, **account(emulator.url, USER), **environment}
    with group([sys.executable, "-c", text], home / "log", home, **everything) as running:
        wait_for("polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)
        yield running


def archives(home: Path) -> set[str]:
    """Return the names of the archives that are whole."""
    return {p.name for p in (home / "products").rglob("*.tar.gz") if verify_archive(p, "tar.gz") is None}


def recorded(home: Path) -> list[str]:
    """Return the outcomes that stand in the job's record."""
    record = JobRecord.load(home / "products" / "GRB_200416A" / "951")
    return list(record.outcomes.values()) if record else []


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(
        users=(USER,), scenario=Scenario({"all": AWHILE, Product.EnhancedPos: replace(AWHILE, ends=-1)})
    ) as running:
        yield running


@pytest.mark.parametrize("retries", [5, 1], ids=["as long as Prefect waits for it", "longer than that"])
def test_a_script_goes_on_while_the_prefect_server_is_away(
    server: OwnServer, emulator: Emulator, tmp_path: Path, retries: int
) -> None:
    with script(server, emulator, tmp_path, PREFECT_CLIENT_MAX_RETRIES=str(retries)) as running:
        server.kill()
        emulator.advance(LONG / 2)  # the progress has changed, and cannot be shown
        time.sleep(AWAY)
        server.start()
        emulator.advance(LONG)
        status = running.process.wait(TIMEOUT)

    assert status == 0, (tmp_path / "log").read_text()
    assert list(emulator.jobs) == [951]
    assert archives(tmp_path) == {"lc.tar.gz", "image.tar.gz"}
    assert server.state() == "COMPLETED"


def test_what_completes_while_the_prefect_server_is_away_is_on_disk(
    server: OwnServer, emulator: Emulator, tmp_path: Path
) -> None:
    with script(server, emulator, tmp_path, Product.EnhancedPos, PREFECT_CLIENT_MAX_RETRIES="1"):
        server.kill()
        emulator.advance(LONG)
        # The process then ends with an error, in its own time: there is nobody whom it could tell.
        wait_for("the archives", lambda: archives(tmp_path) == {"lc.tar.gz", "image.tar.gz"}, TIMEOUT)
        wait_for("the outcomes", lambda: recorded(tmp_path) == ["downloaded", "failed", "downloaded"], TIMEOUT)

    assert list(emulator.jobs) == [951]

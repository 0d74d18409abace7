"""No more than so many jobs are active at once, and every one gets its turn: by the emulator's ledger."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from prefect_runs import account, group, meanwhile
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build
from ukssdc.errors import NoSlot
from xrt_products import request_products

LC = Product.LightCurve
FLOWS = 12
ENDLESS = Build(requested=0, queued=0, running=1e6)
SHORT = Build(requested=0, queued=0, running=60)


def test_twelve_flows_at_once_share_five_slots(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SHORT}, max_active_jobs=5)

    with ThreadPoolExecutor(FLOWS) as pool:
        reports = list(
            pool.map(lambda n: request_products(request_for(LC, name=f"Target {n}"), **options), range(FLOWS))
        )

    assert all(report.ok for report in reports)
    assert len(emulator.jobs) == FLOWS
    assert [call for call in emulator.ledger.calls("submit") if call.ok == 0] == []


def test_a_slot_is_waited_for_and_the_wait_is_said(
    serve: Serve, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    emulator = serve({LC: SHORT, Product.Image: ENDLESS})
    Client(USER, emulator.url).submit(request_for(Product.Image))
    caplog.set_level(logging.INFO)
    logging.getLogger("prefect.task_runs").addHandler(caplog.handler)

    with meanwhile(lambda: emulator.ledger.calls("active_jobs"), lambda: emulator.cancel(951)):
        report = request_products(request_for(LC), **options, max_active=1)

    assert report.ok
    assert "waiting for a slot: 1 of 1 active" in caplog.text


def test_without_a_slot_until_the_longest_wait_nothing_is_submitted(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({"all": Build(running=1e6)})
    Client(USER, emulator.url).submit(request_for(Product.Image))

    with pytest.raises(NoSlot, match=r"nothing has been submitted. 1 jobs are active") as raised:
        request_products(request_for(LC), **options | {"max_wait": 1.0}, max_active=1)

    assert raised.value.active == 1
    assert len(emulator.jobs) == 1
    assert list(options["destination"].rglob("submitting-*.json")) == []


def test_a_cap_that_is_met_all_the_same_is_waited_for(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SHORT, Product.Image: ENDLESS}, max_active_jobs=1)
    Client(USER, emulator.url).submit(request_for(Product.Image))

    with meanwhile(lambda: len(emulator.ledger.calls("submit")) > 1, lambda: emulator.cancel(951)):
        report = request_products(request_for(LC), **options, max_active=10)

    assert report.ok
    assert len(emulator.jobs) == 2


def test_one_count_one_submission_and_one_download_are_made_for_a_job(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SHORT})

    assert request_products(request_for(LC), **options).ok

    calls = [call.call for call in emulator.ledger]
    assert [calls.count(name) for name in ("active_jobs", "submit", "download", "old_jobs")] == [1, 1, 1, 0]


@pytest.mark.long
def test_twelve_processes_share_five_slots(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    emulator = serve({LC: SHORT}, max_active_jobs=5)
    with ExitStack() as stack:
        started = []
        for n in range(FLOWS):
            request = request_for(LC, name=f"Target {n}").model_dump(mode="json")
            text = (
                "from xrt_products import request_products\n"
                f"request_products({request!r}, destination={str(options['destination'])!r},"
                " interval=0.5, quicklook=False)\n"
            )
            command = [sys.executable, "-c", text]
            started.append(
                stack.enter_context(group(command, tmp_path / f"log{n}", tmp_path, **account(emulator.url, USER)))
            )
        assert [running.process.wait(400) for running in started] == [0] * FLOWS

    assert len(emulator.jobs) == FLOWS
    assert [call for call in emulator.ledger.calls("submit") if call.ok == 0] == []

"""Fixtures: every flow test runs the real flow, against the emulator, over HTTP, watched by a real Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from xrt_support import INTERVAL, MINUTE, QUICK, USER, Rebinnable, Serve, request_for

from ukssdc import Client, Job, Product
from ukssdc.emulator import Build, Emulator, Scenario


@pytest.fixture
def serve(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve an emulator whose products go as the given builds say, a minute a poll, and point the environment at it."""
    assert prefect_api
    with ExitStack() as stack:

        def start(builds: dict[Any, Build] | None = None, rebin: Build | None = None, **options: Any) -> Emulator:
            targets = options.pop("targets", {})
            scenario = Scenario({"all": QUICK} | (builds or {}), targets, rebin=rebin or Build())
            settings: dict[str, Any] = {"users": (USER,), "seconds_per_poll": MINUTE} | options
            running = stack.enter_context(Emulator(scenario=scenario, **settings))
            monkeypatch.setenv("UKSSDC_USER", USER)
            monkeypatch.setenv("UKSSDC_URL", running.url)
            return running

        yield start


@pytest.fixture
def rebinnable(serve: Serve) -> Rebinnable:
    """Return what serves an emulator with a complete light curve, job 951, that is rebinned as a build says."""

    def make(build: Build | None = None, *products: Product, **more: Any) -> tuple[Emulator, Job]:
        emulator = serve(rebin=build or Build(requested=0, queued=0, running=90), **more)
        job = Client(USER, emulator.url).submit(request_for(*(products or (Product.LightCurve,))))
        emulator.advance(3600)
        return emulator, job

    return make


@pytest.fixture
def options(tmp_path: Path) -> dict[str, Any]:
    """Return flow parameters that suit the emulator; drawing pictures takes longer than all the rest."""
    return {"destination": tmp_path / "products", "interval": INTERVAL, "max_wait": 120.0, "quicklook": False}

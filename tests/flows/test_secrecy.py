"""The e-mail address is the credential: it is in no log, artifact, run name or file."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import requests
from xrt_support import USER, Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build
from xrt_products import request_products
from xrt_products.tasks.account import UKSSDCAccount


def test_the_address_is_nowhere(
    serve: Serve, options: dict[str, Any], tmp_path: Path, prefect_api: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator = serve({Product.LightCurve: Build(ends=-3), Product.Spectrum: Build(ends=-4)}, max_active_jobs=1)
    account = UKSSDCAccount(email=USER, url=emulator.url)

    report = request_products(request_for(*Product), **options, account=account, on_failure="return")
    with pytest.raises(Exception, match="refused"):
        request_products(
            request_for(Product.Image),
            **options,
            account=UKSSDCAccount(email="stranger@example.org", url=emulator.url),
        )

    places = {
        "report": report.model_dump_json() + str(report),
        "log": caplog.text,
        **{
            str(path): path.read_bytes().decode("latin-1")
            for path in _files(tmp_path, Path(os.environ["PREFECT_HOME"]))
        },
        **{name: json.dumps(_all(prefect_api, name)) for name in ("flow_runs", "task_runs", "artifacts", "logs")},
    }
    for place, content in places.items():
        assert USER not in content, place
        assert "stranger@example.org" not in content, place
    assert len(places["logs"]) > 1000


def _files(*roots: Path) -> list[Path]:
    """Return all files but the server's own database, whose contents are asked for through the API."""
    return [p for root in roots for p in root.rglob("*") if p.is_file() and not p.name.startswith("prefect.db")]


def _all(api: str, kind: str) -> list[Any]:
    found: list[Any] = []
    while True:
        answer = requests.post(f"{api}/{kind}/filter", json={"limit": 200, "offset": len(found)}, timeout=30)
        answer.raise_for_status()
        found += answer.json()
        if len(answer.json()) < 200:
            return found

"""Campaigns of light curves against the emulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ukssdc.emulator import Emulator
from xrt_products import BatchReport, request_batch

TEMPLATE = {"centroid": False, "useSXPS": False, "LightCurve": {"binMeth": "snapshot"}}


def targets(count: int, **columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the rows of so many targets, `GRB 1` and so on, with further columns."""
    return [
        {"name": f"GRB {n}", "RA": 10.0 + n % 300, "Dec": -5.0, "targ": f"{n:08d}"}
        | {column: values[n - 1] for column, values in columns.items()}
        for n in range(1, count + 1)
    ]


def run_batch(rows: list[dict[str, Any]], options: dict[str, Any], **more: Any) -> BatchReport:
    """Run a campaign of light curves, whose report is returned whatever has failed."""
    report: BatchReport = request_batch(rows, TEMPLATE, **{"on_failure": "return"} | options | more)
    return report


def submitted_names(emulator: Emulator) -> list[str]:
    """Return the names of the targets that the service has jobs of, in their order."""
    return [job.name for job in emulator.jobs.values()]

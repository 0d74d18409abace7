"""A campaign's jobs as they are on disk when they have ended: `job.json` and `results.json` with emulated results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import emulated_results

from ukssdc import Job, Product
from ukssdc.campaign import CampaignResults, Row, check_rows
from ukssdc.emulator.data import result_answers
from ukssdc.quicklook import QuickLook
from ukssdc.record.record import JobRecord, RecordedStatus
from ukssdc.results import Position

SUBMITTED = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEMPLATE: dict[str, Any] = {
    "getTargs": True,
    "centroid": False,
    "LightCurve": {"binMeth": "obsid"},
    "Spectrum": {"hasRedshift": False},
    "StandardPos": {},
}
NAMES = (*emulated_results.NAMES, "SN 2006bp", "NGC 1313 X-1", "Mrk 421", "4U 1630-47")


def rows_of(*targets: dict[str, Any], template: dict[str, Any] = TEMPLATE, folder: str = "{name}") -> list[Row]:
    """Return the checked rows of targets."""
    return check_rows(targets, template, folder)


def named(names: Sequence[str] = NAMES) -> list[Row]:
    """Return a row for each name."""
    return rows_of(*({"name": n, "RA": (10.0 + k) % 360, "Dec": 5.5, "class": "test"} for k, n in enumerate(names)))


def observations(count: int, name: str = "M82") -> list[Row]:
    """Return a row for each observation of one target."""
    obsids = [f"00032503{n:03d}" for n in range(1, count + 1)]
    targets = [{"name": name, "RA": 148.97, "Dec": 69.68, "LightCurve.useObs": o, "Spectrum.useObs": o} for o in obsids]
    return rows_of(*targets, template=TEMPLATE | {"StandardPos": False}, folder="{name}/{useObs}")


def job_of(row: Row, job_id: int) -> Job:
    """Return a row's job."""
    url = f"https://www.swift.ac.uk/user_objects/tprods/USERPROD_{job_id}"
    return Job(job_id=job_id, url=url, name=row.name, products=row.request.products, submitted=SUBMITTED)


def look_of(job: Job, body: dict[str, Any]) -> QuickLook:
    """Return a job's quick look, with the emulator's results."""
    made = emulated_results.job(**body)
    position = Position.from_wire(result_answers.answer("standard_position", made, {}))
    spectra = emulated_results.fits(**body) if Product.Spectrum in job.products else None
    curve = emulated_results.curve(**body) if Product.LightCurve in job.products else None
    return QuickLook(job=job, positions={Product.StandardPos: position}, light_curve=curve, spectral_fits=spectra)


def end_job(directory: Path, row: Row, job_id: int, *, look: QuickLook | None = None, queued: float = 300.0) -> Path:
    """Put a job that has ended well on disk, as a run leaves it; return its folder."""
    job = job_of(row, job_id)
    folder = directory / row.folder / str(job_id)
    folder.mkdir(parents=True)
    steps = ((60.0, 2, "Queued"), (queued, 3, "Running"), (queued + 600, 4, "Complete"))
    JobRecord(
        job_id=job_id,
        url=job.url,
        name=row.name,
        products=job.products,
        submitted=SUBMITTED,
        history=[
            RecordedStatus(at=SUBMITTED + timedelta(seconds=after), product=product, code=code, text=text)
            for after, code, text in steps
            for product in job.products
        ],
        outcomes=dict.fromkeys(job.products, "downloaded"),
        ended=True,
    ).save(folder)
    look = look or look_of(job, row.body)
    (folder / "results.json").write_text(look.model_dump_json())
    (folder / "quicklook.md").write_text(f"# {row.name}\n")
    return folder


def ended(directory: Path, rows: Sequence[Row], name: str = "a campaign") -> CampaignResults:
    """Return the results of a campaign whose rows have all ended well."""
    results = CampaignResults(directory, name, rows)
    for row in rows:
        results.note(row, folder=end_job(directory, row, 950 + row.number))
    return results

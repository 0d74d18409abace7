"""Jobs that are tracked without Prefect and without HTTP: a service that answers as it is told."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from ukssdc import Job, JobStatus, OldJob, Product
from ukssdc.record import JobFolder
from ukssdc.times import utcnow
from ukssdc.tracker import JobTracker

URL = "https://example.org/USERPROD_951"
ABSENT = "absent"  # the answer has no entry for the product


def tracker_of(*products: Product, folder: Path | None = None, job_id: int = 951, **options: Any) -> JobTracker:
    job = Job(job_id=job_id, url=URL, name="GRB 200416A", products=products)
    return JobTracker(job, None if folder is None else JobFolder(folder, job), **options)


def poll(tracker: JobTracker, **codes: Any) -> tuple[Product, ...]:
    """Poll a service that answers with these codes; return the products that it was asked about."""
    asked: list[Product] = []

    def answer(pending: tuple[Product, ...]) -> JobStatus:
        asked.extend(pending)
        entries = {Product(name).wire: {"statusCode": code, "statusText": "x"} for name, code in codes.items()}
        return JobStatus.from_wire({k: v for k, v in entries.items() if v["statusCode"] is not ABSENT}, pending)

    tracker.poll(answer, lambda: [listed(tracker.job)])
    if not asked:  # the list took the place of this poll
        tracker.poll(answer, lambda: [listed(tracker.job)])
    return tuple(asked)


def listed(job: Job, *, available: bool = True, submitted: datetime | None = None) -> OldJob:
    """Return a job's entry in the service's list."""
    return OldJob(
        job_id=job.job_id, name=job.name, submitted=submitted or utcnow(), products=job.products, available=available
    )

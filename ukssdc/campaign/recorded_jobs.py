"""What is on record of a campaign's rows in its destination."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ukssdc.addresses import is_same_service
from ukssdc.campaign.batch_report import RowReport, recorded_report
from ukssdc.campaign.campaign_rows import Row, row_key
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.record.record import JobRecord

CANCELLED = "cancelled"


def recorded_jobs(
    rows: Iterable[Row], products: ProductsFolder, service: str
) -> dict[str, list[tuple[JobFolder, JobRecord]]]:
    """Return the jobs of each row, by its key, the newest last; those at other services are none."""
    found: dict[str, list[tuple[JobFolder, JobRecord]]] = {}
    for target in dict.fromkeys(row.folder for row in rows):
        for folder, record in replace(products, target=target).jobs():
            if is_same_service(record.url, service):
                found.setdefault(row_key(record.request, target), []).append((folder, record))
    for jobs in found.values():
        jobs.sort(key=lambda job: job[1].job_id)
    return found


def needs_job(jobs: Sequence[tuple[JobFolder, JobRecord]]) -> bool:
    """Tell whether a row with these jobs is to be submitted: it has none that goes on, or has come to its end."""
    return not jobs or jobs[-1][1].gone or CANCELLED in jobs[-1][1].outcomes.values()


def submitted_rows(rows: Sequence[Row], products: ProductsFolder, service: str, redo: str | None = None) -> set[str]:
    """Return the keys of the rows that the same campaign would not submit again."""
    found = recorded_jobs(rows, products, service)
    return {
        row.key for row in rows if not needs_job(jobs := found.get(row.key, [])) and not _is_redone(row, jobs, redo)
    }


def _is_redone(row: Row, jobs: Sequence[tuple[JobFolder, JobRecord]], redo: str | None) -> bool:
    folder, record = jobs[-1]
    if redo is None or not (record.finished or record.all_ended):
        return False
    report = RowReport(number=row.number, name=row.name, key=row.key, report=recorded_report(folder, record))
    return redo == "all" or not report.ok

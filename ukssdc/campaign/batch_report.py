"""What became of a campaign: a report for each of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from ukssdc.campaign.campaign_rows import Row
from ukssdc.notebook import ShortRepr, html_table
from ukssdc.outcomes import (
    Cancelled,
    Downloaded,
    Failed,
    JobReport,
    Outcome,
    ProductsFailed,
    TimedOut,
    build_failed,
    describe_products,
)
from ukssdc.record import JobFolder
from ukssdc.record.record import JobRecord
from ukssdc.results.formatting import format_count
from ukssdc.status import Action, Product, ProductStatus, StatusCode, action_for

RowOutcome = Literal["downloaded", "cancelled", "failed", "timed_out", "not_submitted"]
PASSING_CODES = frozenset({StatusCode.NOT_REQUESTED, StatusCode.NOT_QUEUED})
MAX_NAMED = 20  # rows in a message


class RowReport(ShortRepr, BaseModel):
    """What became of a row of a campaign.

    Attributes
    ----------
    number : int
        The row in the table, from 1.
    name : str
        The target's name.
    key : str
        What the row is known by; see `Row`.
    report : JobReport or None
        Its job's; None where there is no job.
    problem : str
        Why there is none, or why there is no more of it.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    name: str
    key: str
    report: JobReport | None = None
    problem: str = ""

    @property
    def outcome(self) -> RowOutcome:
        """The worst of its products' outcomes; "not_submitted" where there is no job."""
        if self.report is None:
            return "not_submitted"
        outcomes = {outcome.outcome for outcome in self.report.outcomes.values()}
        for worst in ("failed", "timed_out", "downloaded"):
            if worst in outcomes:
                return worst
        return "cancelled"

    @property
    def ok(self) -> bool:
        """True where every product was downloaded, or cancelled by the user."""
        return self.report is not None and self.report.ok and not self.problem

    @property
    def transient(self) -> bool:
        """True where all that failed did for reasons that may pass: the service could not begin, or not queue it."""
        failures = self.report.failures if self.report is not None else ()
        return bool(failures) and all(isinstance(f, Failed) and f.code in PASSING_CODES for f in failures)

    @property
    def what(self) -> str:
        """What came of it, in words."""
        if self.report is None:
            return self.problem or "not submitted"
        failed = describe_products({failure.product: str(failure) for failure in self.report.failures})
        return failed or self.problem or self.outcome.replace("_", " ")

    def __str__(self) -> str:
        job = f", job {self.report.job.job_id}" if self.report is not None else ""
        return f"row {self.number} ({self.name}){job}: {self.what}"


class BatchReport(ShortRepr, BaseModel):
    """The end of a campaign.

    Attributes
    ----------
    name : str
        The campaign's.
    directory : Path
        Where its results are: `campaign.csv`, `.ecsv`, `.html` and `.png`, and the targets' folders.
    rows : tuple of RowReport
        In the order of the table.
    dry_run : bool
        Whether nothing was to be submitted.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    directory: Path
    rows: tuple[RowReport, ...]
    dry_run: bool = False

    @classmethod
    def of_rows(cls, name: str, directory: Path, rows: Iterable[Row], *, dry_run: bool = False) -> Self:
        """Return the report of a campaign of which nothing is submitted yet."""
        reports = tuple(RowReport(number=row.number, name=row.name, key=row.key) for row in rows)
        return cls(name=name, directory=directory, rows=reports, dry_run=dry_run)

    @property
    def reports(self) -> tuple[JobReport, ...]:
        """The reports of all jobs, in the order of the table."""
        return tuple(row.report for row in self.rows if row.report is not None)

    @property
    def ok(self) -> bool:
        """True where every product of every target was downloaded, or cancelled by the user."""
        return self.dry_run or all(row.ok for row in self.rows)

    @property
    def failures(self) -> tuple[RowReport, ...]:
        """The rows of which something failed, timed out, or was not submitted."""
        return () if self.dry_run else tuple(row for row in self.rows if not row.ok)

    @property
    def failure_summary(self) -> str:
        """What failed, a line each, and where the rest is."""
        failures = self.failures
        lines = "".join(f"\n  - {row}" for row in failures[:MAX_NAMED])
        more = f"\n  ... and {len(failures) - MAX_NAMED} more" if len(failures) > MAX_NAMED else ""
        return (
            f"{self.name}: {len(failures)} of {format_count(len(self.rows), 'target')} failed:{lines}{more}\n"
            f"Results: {self.directory}. The same campaign again submits what is missing, with `redo` what failed"
        )

    def raise_for_failures(self) -> Self:
        """Return the report where everything went well.

        Raises
        ------
        ProductsFailed
        """
        if self.failures:
            raise ProductsFailed(self)
        return self

    def __str__(self) -> str:
        counts = Counter(row.outcome for row in self.rows)
        what = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in counts.items())
        return f"{self.name}: {format_count(len(self.rows), 'target')}: {what}"

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("name", self.name), *Counter(row.outcome for row in self.rows).items()]

    def _repr_html_(self) -> str:
        rows = [(outcome.replace("_", " "), str(n)) for outcome, n in Counter(r.outcome for r in self.rows).items()]
        return html_table(self.name, ("Outcome", "Targets"), rows)


def recorded_report(folder: JobFolder, record: JobRecord) -> JobReport:
    """Return the report of a job that an earlier run has brought to its end, from its record."""
    outcomes = {product: _recorded_outcome(folder, record, product) for product in record.products}
    return JobReport(job=folder.job, outcomes=outcomes, directory=folder.path)


def _recorded_outcome(folder: JobFolder, record: JobRecord, product: Product) -> Outcome:
    last = next((s for s in reversed(record.history) if s.product == product), None)
    status = ProductStatus(status_code=last.code, status_text=last.text) if last else ProductStatus.missing()
    match record.outcomes.get(product):
        case "downloaded" if product in record.files:
            file = record.files[product]
            return Downloaded(
                product=product, path=folder.path / file.name, size=file.bytes, sha256=file.sha256, skipped=True
            )
        case "cancelled":
            return Cancelled(product=product, text=status.status_text)
        case "timed_out":
            return TimedOut(
                product=product, code=status.status_code, text=status.status_text, elapsed=0.0, advice="Run it again"
            )
    if action_for(status.status_code) is Action.DOWNLOAD:
        return Failed(
            product=product,
            code=status.status_code,
            text="not on disk",
            meaning="complete at the service, but not on disk",
            advice=f"Fetch it: xrt-products collect {record.job_id}",
        )
    return build_failed(product, status)

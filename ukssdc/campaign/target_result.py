"""What became of a target: outcome by product, why something failed, times in queue and running, and the science."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ukssdc.campaign.campaign_rows import Row
from ukssdc.campaign.target_science import TargetScience, read_science
from ukssdc.errors import UKSSDCError
from ukssdc.job import Job, is_web_address
from ukssdc.outcomes import describe_products
from ukssdc.record.record import JobRecord
from ukssdc.status import Action, StatusCode, action_for
from ukssdc.texts import replace_controls, shorten

WAITING, ACTIVE, DOWNLOADED, FAILED = "waiting", "active", "downloaded", "failed"
WORST_FIRST = (FAILED, "timed out", "cancelled", DOWNLOADED)
MAX_PROBLEM = 500  # characters
BUILDING = {StatusCode.RUNNING, StatusCode.WAITING_FOR_POSITION}


@dataclass(frozen=True)
class TargetResult:
    """What became of a target.

    Attributes
    ----------
    row : Row
    outcome : str
        "waiting", "active", "downloaded", "failed", "timed out" or "cancelled": the worst of its products' outcomes,
        where all but cancelled ones count.
    job_id : int or None
    url : str
        The job's page at the service.
    products : dict
        Product -> outcome.
    problem : str
        What failed and why; empty where nothing did.
    folder : Path or None
        The job's folder.
    queued, running : float or None
        From submission until the first product was seen running, and from then until the last was seen at its end, s;
        as exact as the polls.
    science : TargetScience
    """

    row: Row
    outcome: str = WAITING
    job_id: int | None = None
    url: str = ""
    products: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    folder: Path | None = None
    queued: float | None = None
    running: float | None = None
    science: TargetScience = field(default_factory=TargetScience)

    @classmethod
    def read(
        cls,
        row: Row,
        job: Job | None = None,
        outcomes: Mapping[Any, Any] | None = None,
        folder: Path | None = None,
        problem: str | None = None,
    ) -> TargetResult:
        """Return what is known of a target; see `CampaignResults.note`."""
        record = _record(folder)
        if outcomes is None:
            outcomes = record.outcomes if record else {}
        products = {str(product): _word(outcome) for product, outcome in outcomes.items()}
        queued, running = job_times(record) if record else (None, None)
        known = job or (record.job if record else None)
        reasons = {str(product): _reason(product, outcome, record) for product, outcome in outcomes.items()}
        failed = describe_products({product: reason for product, reason in reasons.items() if reason})
        return cls(
            row=row,
            outcome=_worst(products, problem, submitted=known is not None),
            job_id=known.job_id if known else None,
            url=known.url if known and is_web_address(known.url) else "",
            products=products,
            problem=shorten(replace_controls("; ".join(filter(None, (problem, failed)))), MAX_PROBLEM),
            folder=folder,
            queued=queued,
            running=running,
            science=read_science(folder) if folder else TargetScience(),
        )

    @property
    def is_over(self) -> bool:
        """True where the target has come to its end, whatever that is."""
        return self.outcome not in {WAITING, ACTIVE}

    @property
    def failed(self) -> bool:
        """True where it did, or was still pending when its wait was over."""
        return self.outcome in {FAILED, "timed out"}


def job_times(record: JobRecord) -> tuple[float | None, float | None]:
    """Return how long a job was in the queue, and how long it ran, s; None where its record does not tell."""
    began = next((s.at for s in record.history if s.code in BUILDING or action_for(s.code).is_final), None)
    if record.submitted is None or began is None:
        return None, None
    ends = [s.at for s in record.history if action_for(s.code).is_final]
    queued = max(0.0, (began - record.submitted).total_seconds())
    return queued, (max(ends) - began).total_seconds() if ends and record.was_complete else None


def _record(folder: Path | None) -> JobRecord | None:
    try:
        return JobRecord.load(folder) if folder else None
    except UKSSDCError:  # whoever follows the job has said so
        return None


def _word(outcome: Any) -> str:
    return str(getattr(outcome, "outcome", outcome)).replace("_", " ")


def _worst(products: Mapping[str, str], problem: str | None, *, submitted: bool) -> str:
    if not products:
        return FAILED if problem else ACTIVE if submitted else WAITING
    found = set(products.values()) | ({FAILED} if problem else set())
    if found == {"cancelled"}:
        return "cancelled"
    return next((word for word in WORST_FIRST if word in found and word != "cancelled"), DOWNLOADED)


def _reason(product: Any, outcome: Any, record: JobRecord | None) -> str:
    """Return why a product failed: the outcome's own words, or the last that the job's record has."""
    if _word(outcome) not in {FAILED, "timed out"}:
        return ""
    if not isinstance(outcome, str):
        return str(outcome)
    last = next((s for s in reversed(record.history) if s.product == product), None) if record else None
    if last is not None and action_for(last.code) is Action.DOWNLOAD:
        return "complete at the service, but not on disk"
    return f"{last.text} (code {last.code})" if last else _word(outcome)

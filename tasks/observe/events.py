"""Events for automations: what became of each product, and of the job.

A product's: `ukssdc.product.complete` (its archive is on disk), `.failed`, `.cancelled`; a job's:
`ukssdc.job.complete` (every product has had its end, whatever its end). The payload holds `job`, `target`,
`product` and `path`, and `published` where it has been copied. A rebinning's: `ukssdc.rebin.complete`, `.failed`,
`.cancelled`, with `rebin` in the payload.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect.events import emit_event

from ukssdc import Job, Product, Rebin
from ukssdc.outcomes import Cancelled, Downloaded, JobReport, Outcome
from xrt_products.tasks.observe.best_effort import best_effort
from xrt_products.tasks.observe.display import show

_ENDS = {Downloaded: "complete", Cancelled: "cancelled"}  # anything else has failed


def emit_product(job: Job, outcome: Outcome) -> None:
    """Tell what became of a product; the display in the terminal, too.

    The event's resource is `ukssdc.job.<number>.<wire name>`, with the labels `ukssdc.product` and `ukssdc.target`.
    """
    product = Product(outcome.product)
    show(lambda display: display.outcome(product, outcome.outcome))
    path = outcome.path if isinstance(outcome, Downloaded) else None
    copied = {"published": outcome.published} if isinstance(outcome, Downloaded) and outcome.published else {}
    _emit(
        f"ukssdc.product.{_ENDS.get(type(outcome), 'failed')}",
        job,
        resource={
            "prefect.resource.id": f"ukssdc.job.{job.job_id}.{product.wire}",
            "prefect.resource.name": f"{product.label} of {job.name}",
            "ukssdc.product": product.value,
        },
        payload={
            "product": product.value,
            "path": _absolute(path),
            "outcome": outcome.outcome,
            "text": str(outcome),
            **copied,
        },
    )


def emit_job(report: JobReport) -> None:
    """Tell that a job is over.

    The event's resource is `ukssdc.job.<number>`, with the labels `ukssdc.target` and `ukssdc.ok` (true, false).
    """
    _emit(
        "ukssdc.job.complete",
        report.job,
        resource={
            "prefect.resource.id": f"ukssdc.job.{report.job.job_id}",
            "prefect.resource.name": f"{report.job.name}, job {report.job.job_id}",
            "ukssdc.ok": str(report.ok).lower(),
        },
        payload={
            "product": list(report.outcomes),
            "path": _absolute(report.directory),
            "ok": report.ok,
            "outcomes": {p.value: o.outcome for p, o in report.outcomes.items()},
            "files": {p.value: _absolute(path) for p, path in report.files.items()},
        },
    )


def emit_rebin(rebin: Rebin, outcome: Outcome) -> None:
    """Tell what became of a rebinning; the display in the terminal, too. Its resource is `ukssdc.rebin.<number>`."""
    show(lambda display: display.outcome(Product.LightCurve, outcome.outcome))
    path = outcome.path if isinstance(outcome, Downloaded) else None
    _emit(
        f"ukssdc.rebin.{_ENDS.get(type(outcome), 'failed')}",
        rebin.job,
        resource={
            "prefect.resource.id": f"ukssdc.rebin.{rebin.rebin_id}",
            "prefect.resource.name": f"{rebin} of {rebin.job.name}",
        },
        payload={
            "rebin": rebin.rebin_id,
            "product": str(Product.LightCurve.value),
            "path": _absolute(path),
            "outcome": outcome.outcome,
            "text": str(outcome),
        },
    )


def _emit(event: str, job: Job, resource: dict[str, str], payload: dict[str, Any]) -> None:
    """Emit an event; that it could not be emitted changes nothing."""
    with best_effort(f"emit {event} of job {job.job_id}"):
        emit_event(
            event,
            resource=resource | {"ukssdc.target": job.name, "ukssdc.job_url": job.url},
            payload={"job": job.job_id, "target": job.name} | payload,
        )


def _absolute(path: Path | None) -> str | None:
    """Return a path that a flow elsewhere on this machine can use."""
    return None if path is None else str(path.absolute())

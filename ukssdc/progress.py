"""The progress of a product in short texts for a line of a table: percentage, current step, next step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ukssdc.status import ProductStatus, StatusCode, progress_percent, walk_steps

MAX_LENGTH = 160  # characters
NOT_REACHED, ACTIVE = "0", "1"  # StepStatus (protocol, section 3)

_NEXT = {
    StatusCode.NO_STATUS: "ask again",
    StatusCode.CANCELLED: "nothing",
    StatusCode.REQUESTED: "the queue",
    StatusCode.QUEUED: "its build",
    StatusCode.COMPLETE: "download",
    StatusCode.WAITING_FOR_POSITION: "its build, when there is a standard position",
}


@dataclass(frozen=True)
class ProductProgress:
    """The progress of a product.

    Attributes
    ----------
    percent : int
        Percentage done, 0 to 100; 100 only when it is complete.
    status : str
        The service's status text, and the code.
    step : str
        The current step; empty where there is none, or the service does not name it.
    running : str
        Time running, as the service writes it; empty where it does not.
    next : str
        The next step.
    """

    percent: int
    status: str
    step: str
    running: str
    next: str


def product_progress(status: ProductStatus, before: int = 0) -> ProductProgress:
    """Return the progress of a product.

    Parameters
    ----------
    status : ProductStatus
    before : int, optional
        Percentage at the previous poll; it never decreases.

    Returns
    -------
    ProductProgress
    """
    progress = status.progress if status.status_code == StatusCode.RUNNING else {}
    steps = [step for _, step in walk_steps(progress.get("ProgressSteps"))] if isinstance(progress, dict) else []
    active = [n for n, step in enumerate(steps) if _state(step) == ACTIVE]
    to_come = [s for s in steps[active[-1] + 1 if active else 0 :] if _state(s) == NOT_REACHED]
    return ProductProgress(
        percent=_percent(status, before),
        status=_short(str(status)),
        step=_short(" > ".join(filter(None, (_words(steps[n]) for n in active)))),
        running=_short(progress.get("TimeRunning")),
        next=_short(to_come[0].get("StepLabel")) if to_come else _after(status),
    )


def _percent(status: ProductStatus, before: int) -> int:
    if status.status_code == StatusCode.COMPLETE:
        return 100
    return max(before, progress_percent(status.progress) or 0)


def _after(status: ProductStatus) -> str:
    if status.status_code == StatusCode.RUNNING:
        return "download"
    if status.status_code in _NEXT:
        return _NEXT[StatusCode(status.status_code)]
    return "the failure report" if status.settled else "ask again"


def _state(step: Any) -> str:
    return str(step.get("StepStatus", "")).strip()


def _words(step: Any) -> str:
    label = _short(step.get("StepLabel")).rstrip(".")
    extra = _short(step.get("StepExtra"))
    return ": ".join(filter(None, (label, extra)))


def _short(text: Any) -> str:
    """Return one short line of a text that may contain markup, or be missing or null."""
    line = "" if text is None else " ".join(re.sub(r"</?\w[^<>]{0,80}>", "", str(text)).split())
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"

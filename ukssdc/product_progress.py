"""What a product's progress is shown as: the current step, the next one, and the per cent (protocol, section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ukssdc.progress import item_count, one_line, progress_percent, walk_steps
from ukssdc.status import ProductStatus

MAX_LENGTH = 160  # characters
NOT_REACHED, ACTIVE = "0", "1"  # StepStatus (protocol, section 3)


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
        The next step; where a step is to be repeated, which repetition, and the sub-step that it begins with.
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
    progress = status.progress if status.running else {}
    steps = list(walk_steps(progress.get("ProgressSteps")))
    active = [n for n, (_, step) in enumerate(steps) if _state(step) == ACTIVE]
    return ProductProgress(
        percent=_percent(status, before),
        status=_short(str(status)),
        step=_short(" > ".join(filter(None, (_words(steps[n][1]) for n in active)))),
        running=_short(progress.get("TimeRunning")),
        next=status.next if (after := _next_step(steps, active)) is None else _short(after),
    )


def _next_step(steps: Sequence[tuple[int, Mapping[str, Any]]], active: Sequence[int]) -> str | None:
    """Return the step after the innermost active one: below it, beside it, or in the next repetition around it."""
    end = active[-1] + 1 if active else 0
    for depth, step in _path_to(steps, active[-1]) if active else ():
        while end < len(steps) and steps[end][0] > depth:
            if _state(steps[end][1]) == NOT_REACHED:
                return one_line(steps[end][1].get("StepLabel"))
            end += 1
        if (repetition := _next_repetition(step)) is not None:
            return repetition
    to_come = (step for _, step in steps[end:] if _state(step) == NOT_REACHED)
    return next((one_line(step.get("StepLabel")) for step in to_come), None)


def _path_to(steps: Sequence[tuple[int, Mapping[str, Any]]], index: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield a step and the steps that it is part of, from the inside out."""
    depth = steps[index][0] + 1
    for n in range(index, -1, -1):
        if steps[n][0] < depth:
            depth = steps[n][0]
            yield steps[n]


def _next_repetition(step: Mapping[str, Any]) -> str | None:
    """Return what an active step goes on with when its sub-steps are done: with the first of them, once more."""
    counted = item_count(step) if _state(step) == ACTIVE else None
    first = next((sub for depth, sub in walk_steps(step.get("SubStep")) if depth == 0), None)
    if counted is None or counted[0] >= counted[1] or first is None:
        return None
    name = f"{one_line(step.get('StepLabel')).rstrip('.')} ({counted[0] + 1}/{counted[1]})".strip()
    return " > ".join(filter(None, (name, one_line(first.get("StepLabel")))))


def _percent(status: ProductStatus, before: int) -> int:
    if status.complete:
        return 100
    return max(before, progress_percent(status.progress) or 0)


def _state(step: Any) -> str:
    return str(step.get("StepStatus", "")).strip()


def _words(step: Any) -> str:
    label = _short(step.get("StepLabel")).rstrip(".")
    extra = _short(step.get("StepExtra"))
    return ": ".join(filter(None, (label, extra)))


def _short(text: Any) -> str:
    """Return one short line of a text that may contain markup, or be missing or null."""
    line = one_line(text)
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"

"""How far a build is: the step structure of a status answer, in words and per cent (protocol, section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ukssdc.wire_values import as_list

if TYPE_CHECKING:
    from ukssdc.status import ProductStatus

MAX_LENGTH = 160  # characters
NOT_REACHED, ACTIVE = "0", "1"  # StepStatus (protocol, section 3)

MAX_DEPTH = 50  # levels of steps that count for the fraction done
MAX_RUNNING_PERCENT = 99  # 100 is kept for what is complete
NO_PROGRESS = "No progress information available"


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
    progress = status.progress if status.running else {}
    steps = [step for _, step in walk_steps(progress.get("ProgressSteps"))] if isinstance(progress, dict) else []
    active = [n for n, step in enumerate(steps) if _state(step) == ACTIVE]
    to_come = [s for s in steps[active[-1] + 1 if active else 0 :] if _state(s) == NOT_REACHED]
    return ProductProgress(
        percent=_percent(status, before),
        status=_short(str(status)),
        step=_short(" > ".join(filter(None, (_words(steps[n]) for n in active)))),
        running=_short(progress.get("TimeRunning")),
        next=_short(to_come[0].get("StepLabel")) if to_come else status.next,
    )


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
    line = "" if text is None else " ".join(re.sub(r"</?\w[^<>]{0,80}>", "", str(text)).split())
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"


def progress_text(progress: Mapping[str, Any]) -> str:
    """Put a progress structure into words, as the service's users know them.

    Parameters
    ----------
    progress : mapping
        `progress` of a status answer; any shape is accepted, what cannot be read is left out.

    Returns
    -------
    str
        One line per step, indented by nesting, and the time running; or `NO_PROGRESS`.
    """
    if not isinstance(progress, Mapping) or read_whole_number(progress.get("GotProgress")) != 1:
        return NO_PROGRESS
    text = f"{progress['PreProgress']}\n" if "PreProgress" in progress else ""
    text += "".join(
        "  " * (depth + 1) + _step_line(step) + "\n" for depth, step in walk_steps(progress.get("ProgressSteps"))
    )
    if progress.get("TimeRunning") is not None:
        text += f"\nThe job has been running for {progress['TimeRunning']}\n"
    return text


def progress_percent(progress: Mapping[str, Any]) -> int | None:
    """Return how far a build is, per cent: steps count alike, and an active step as far as the steps below it are.

    A step without steps below it that works on item 2 of 4 has done one quarter.

    Returns
    -------
    int or None
        0 to 99, as 100 is kept for what is complete; None where there is no progress to be read.
    """
    if not isinstance(progress, Mapping) or read_whole_number(progress.get("GotProgress")) != 1:
        return None
    done = _fraction(progress.get("ProgressSteps"), depth=0)
    return None if done is None else min(round(100 * done), MAX_RUNNING_PERCENT)


def _fraction(steps: Any, depth: int) -> float | None:
    known = [s for s in as_list(steps) or [] if isinstance(s, Mapping)] if depth < MAX_DEPTH else []
    if not known:
        return None
    return sum(_step_fraction(step, depth) for step in known) / len(known)


def _step_fraction(step: Mapping[str, Any], depth: int) -> float:
    state = read_whole_number(step.get("StepStatus"))
    if state != 1:
        return float(state == 2)  # noqa: PLR2004 - protocol, section 3
    below = _fraction(step.get("SubStep"), depth + 1)
    if below is not None:
        return below
    item = re.search(r"(\d{1,6})\s*/\s*(\d{1,6})", str(step.get("StepExtra", "")))
    if item is None or int(item[2]) == 0:
        return 0.0
    return min(max(int(item[1]) - 1, 0) / int(item[2]), 1.0)


def walk_steps(steps: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (depth, step) for a list of steps and their sub-steps, top down; no recursion, so any depth will do."""
    stack = [(0, step) for step in reversed(as_list(steps) or [])]
    while stack:
        depth, step = stack.pop()
        if not isinstance(step, Mapping):
            continue
        yield depth, step
        stack += [(depth + 1, sub) for sub in reversed(as_list(step.get("SubStep")) or [])]


def _step_line(step: Mapping[str, Any]) -> str:
    label, extra = ("" if (text := step.get(key)) is None else str(text) for key in ("StepLabel", "StepExtra"))
    match read_whole_number(step.get("StepStatus")):
        case 1:
            return f"** {label} - ACTIVE" + (f" -- {extra}" if extra else "") + "**"
        case 2:
            return f"{label} - DONE"
        case _:
            return label


def read_whole_number(value: Any) -> int | None:
    """Read an integer that may come as a string; None for anything else."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value):
        return int(value)
    return None

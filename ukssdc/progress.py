"""How far a build is: the step structure of a status answer, in words and per cent (protocol, section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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

MARKUP = re.compile(r"</?\w[^<>]{0,80}>")
# "2 / 9", "(2/9)", "2 of 9", "2 out of 9"; no part of a date or of a decimal number.
COUNT = re.compile(
    r"(?<![\w./])(\d{1,6})(?:\s{0,9}/\s{0,9}|\s{1,9}(?:out\s{1,9})?of\s{1,9})(\d{1,6})(?!\w|[./]\d)", re.IGNORECASE
)


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
                return _text(steps[end][1].get("StepLabel"))
            end += 1
        if (repetition := _next_repetition(step)) is not None:
            return repetition
    to_come = (step for _, step in steps[end:] if _state(step) == NOT_REACHED)
    return next((_text(step.get("StepLabel")) for step in to_come), None)


def _path_to(steps: Sequence[tuple[int, Mapping[str, Any]]], index: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield a step and the steps that it is part of, from the inside out."""
    depth = steps[index][0] + 1
    for n in range(index, -1, -1):
        if steps[n][0] < depth:
            depth = steps[n][0]
            yield steps[n]


def _next_repetition(step: Mapping[str, Any]) -> str | None:
    """Return what an active step goes on with when its sub-steps are done: with the first of them, once more."""
    counted = _count(step) if _state(step) == ACTIVE else None
    first = next((sub for depth, sub in walk_steps(step.get("SubStep")) if depth == 0), None)
    if counted is None or counted[0] >= counted[1] or first is None:
        return None
    name = f"{_text(step.get('StepLabel')).rstrip('.')} ({counted[0] + 1}/{counted[1]})".strip()
    return " > ".join(filter(None, (name, _text(first.get("StepLabel")))))


def _count(step: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return k and N of a step that works on item k of N; a count in brackets goes before one in an item's name."""
    extra = _text(step.get("StepExtra"))
    counts = [m for m in COUNT.finditer(extra) if int(m[1]) <= int(m[2]) and int(m[2]) > 0]
    bracketed = [m for m in counts if extra[: m.start()].endswith("(") and extra[m.end() :].startswith(")")]
    found = (bracketed or counts)[-1:]
    return (int(found[0][1]), int(found[0][2])) if found else None


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
    line = _text(text)
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"


def _text(text: Any) -> str:
    """Return one line of a text that may contain markup, or be missing or null."""
    return "" if text is None else " ".join(MARKUP.sub("", str(text)).split())


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

    A step that works on item 2 of 4 has done one quarter, and the steps below it are those of item 2: with half of them
    done, it has done three eighths.

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
    below = _fraction(step.get("SubStep"), depth + 1) or 0.0
    item, items = _count(step) or (1, 1)
    return (max(item - 1, 0) + below) / items


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

"""How far a build is: the step structure of a status answer, in words and per cent (protocol, section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ukssdc.wire_values import as_list, read_whole_number

MAX_DEPTH = 50  # levels of steps that count for the fraction done
MAX_RUNNING_PERCENT = 99  # 100 is kept for what is complete
NO_PROGRESS = "No progress information available"

MARKUP = re.compile(r"</?\w[^<>]{0,80}>")
# "2 / 9", "(2/9)", "2 of 9", "2 out of 9"; no part of a date or of a decimal number.
COUNT = re.compile(
    r"(?<![\w./])(\d{1,6})(?:\s{0,9}/\s{0,9}|\s{1,9}(?:out\s{1,9})?of\s{1,9})(\d{1,6})(?!\w|[./]\d)", re.IGNORECASE
)


def item_count(step: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return k and N of a step that works on item k of N; a count in brackets goes before one in an item's name."""
    extra = one_line(step.get("StepExtra"))
    counts = [m for m in COUNT.finditer(extra) if int(m[1]) <= int(m[2]) and int(m[2]) > 0]
    bracketed = [m for m in counts if extra[: m.start()].endswith("(") and extra[m.end() :].startswith(")")]
    found = (bracketed or counts)[-1:]
    return (int(found[0][1]), int(found[0][2])) if found else None


def one_line(text: Any) -> str:
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
    item, items = item_count(step) or (1, 1)
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

"""What the service may make of a target's name in `jobPars` and in the list of old jobs (protocol, section 7)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Final

SHORT: Final = 8  # characters


def _escape(name: str) -> str:
    return html.escape(name).replace("&#x27;", "&#039;")  # as PHP writes it


# `drop`: the name is missing.
NAME_CHANGES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "escape": _escape,
    "strip": lambda name: re.sub(r"[^A-Za-z0-9 .-]", "", name),
    "escape_strip": lambda name: re.sub("[&;]", "", _escape(name)),
    "shorten": lambda name: name[:SHORT],
    "drop": lambda _: None,
}
MIXED: Final = "mixed"  # another change for each job, in turn


def check_name_change(kind: str | None) -> None:
    """Raise ValueError for a kind that there is not."""
    if kind is not None and kind not in {*NAME_CHANGES, MIXED}:
        raise ValueError(f"unknown name_change {kind!r}; there are {', '.join(NAME_CHANGES)}, {MIXED}")


def changed_name(name: str, kind: str | None, job_id: int) -> str | None:
    """Return a job's name as the service repeats it; None where it leaves it out."""
    if kind == MIXED:
        kind = list(NAME_CHANGES)[job_id % len(NAME_CHANGES)]
    return name if kind is None else NAME_CHANGES[kind](name)

"""Numbers and texts as they stand in the tables of a page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from ukssdc.results import FitParameter

MAX_CELL_LENGTH = 300  # characters of a cell
MAX_DIGITS, LARGE = 6, 1e7  # decimals, and size, from which on a number is written with an exponent
NONE = "–"  # noqa: RUF001 - a dash for no value, as in printed tables


def measured(parameter: FitParameter | None, scale: float = 1.0) -> str:
    """Return a fitted value with its asymmetric errors, in units of `scale`: "1.85 (+0.12, -0.11)".

    The smaller error has two significant digits.
    """
    if parameter is None:
        return NONE
    value = parameter.value / scale
    errors = [None if error is None else error / scale for error in (parameter.pos, parameter.neg)]
    sizes = [abs(error) for error in errors if error]
    if not sizes:
        return f"{value:.3g} (no errors)"
    digits = max(0, 1 - math.floor(math.log10(min(sizes))))
    form = f".{digits}f" if digits <= MAX_DIGITS and abs(value) < LARGE else ".3g"
    ends = [f"{sign}?" if e is None else f"{sign}{abs(e):{form}}" for sign, e in zip("+-", errors, strict=True)]
    return f"{value:{form}} ({ends[0]}, {ends[1]})"


def plain(value: float | None, form: str = ".4g") -> str:
    """Return a number that may be missing."""
    return NONE if value is None or not math.isfinite(value) else f"{value:{form}}"


def count(number: int, thing: str) -> str:
    """Return "1 bin" or "2 bins"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def cell(text: str) -> str:
    """Make a text safe for Markdown: one line, not endless, no bars, no HTML, no links."""
    line = re.sub(r"\s+", " ", text).strip()
    line = line if len(line) <= MAX_CELL_LENGTH else line[: MAX_CELL_LENGTH - 1] + "…"
    return re.sub(r"([|`\\]|\](?=\())", r"\\\1", line.replace("&", "&amp;").replace("<", "&lt;"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the cells are safe already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

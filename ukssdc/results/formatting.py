"""Numbers as they are printed in the tables of a page."""

from __future__ import annotations

import math

from ukssdc.results.fit_parameter import FitParameter

MAX_DECIMALS = 6  # a number that would need more is written with an exponent
MAX_WITHOUT_EXPONENT = 1e7
NO_VALUE = "–"  # noqa: RUF001 - a dash for no value, as in printed tables


def format_fit_parameter(parameter: FitParameter | None, scale: float = 1.0) -> str:
    """Return a fitted value with its asymmetric errors, in units of `scale`: "1.85 (+0.12, -0.11)".

    The smaller error has two significant digits.
    """
    if parameter is None:
        return NO_VALUE
    value = parameter.value / scale
    errors = [None if error is None else error / scale for error in (parameter.pos, parameter.neg)]
    sizes = [abs(error) for error in errors if error]
    if not sizes:
        return f"{value:.3g} (no errors)"
    decimals = max(0, 1 - math.floor(math.log10(min(sizes))))
    form = f".{decimals}f" if decimals <= MAX_DECIMALS and abs(value) < MAX_WITHOUT_EXPONENT else ".3g"
    ends = [f"{sign}?" if e is None else f"{sign}{abs(e):{form}}" for sign, e in zip("+-", errors, strict=True)]
    return f"{value:{form}} ({ends[0]}, {ends[1]})"


def format_number(value: float | None, form: str = ".4g") -> str:
    """Return a number that may be missing."""
    return NO_VALUE if value is None or not math.isfinite(value) else f"{value:{form}}"


def format_count(number: int, noun: str) -> str:
    """Return "1 bin" or "2 bins"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

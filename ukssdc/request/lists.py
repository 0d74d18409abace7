"""Lists of obsIDs, target IDs and times in the forms in which people paste them: brought to the service's, or refused.

What can mean one thing only is brought to 11 digits (obsIDs) or 8 (target IDs); anything else is refused, and the
message names the item and its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple

from ukssdc.request.value_texts import RefusedValueError, format_value

OBSID_DIGITS = 11
TARGET_DIGITS = 8
MIN_OBSID_DIGITS = 8  # without leading zeros; a shorter number may be a target ID
MAX_ITEM = 100  # characters
MAX_REFUSED = 5  # items that a message names
EXACT_INTEGERS = {2: 2**11, 4: 2**24}  # bytes of a float -> above that, it no longer holds every integer

INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")  # comes along from web pages and spreadsheets
SEPARATOR = re.compile(r"[,;|\t\r\n]+")
BRACKETS = {"[": "]", "(": ")", "{": "}"}
QUOTES = "'\"`=\u2018\u2019\u201c\u201d "  # `="00012345001"` is how a spreadsheet keeps zeros
DASHES = re.compile("[\u2010-\u2015\u2212]")
PREFIX = re.compile(r"(?:::)?obs_?id\s*[=:]?\s*|sw(?=[0-9])", re.IGNORECASE)
NUMPY_REPR = re.compile(r"(?:np|numpy)\.\w+\((.*)\)")

_NUMBER = r"(?:M(?:JD|ET)\s*)?[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*"
_DAY = rf"[0-9]{{4}}[-/. ](?:[0-9]{{1,2}}|{_MONTH})[-/. ][0-9]{{1,2}}|[0-9]{{1,2}}[-/ ]{_MONTH}[-/ ][0-9]{{4}}"
_CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?"
_DATE = rf"(?:{_DAY}|[0-9]{{4}}[-:][0-9]{{3}})(?:[T ]{_CLOCK})?\s?(?:Z|UTC|UT)?"
NUMBER_RANGE = re.compile(rf"({_NUMBER})\s*-\s*({_NUMBER})", re.IGNORECASE)
TIME_RANGE = re.compile(rf"({_DATE}|{_NUMBER})\s*-\s*({_DATE}|{_NUMBER})", re.IGNORECASE)
DATE = re.compile(_DATE, re.IGNORECASE)
TIME_PARTS = re.compile(rf"({_DAY}|[0-9]{{4}}[-:][0-9]{{3}})(?:[T ]({_CLOCK}))?", re.IGNORECASE)
BLANK_SEPARATED = re.compile(rf"['\"]?(?:[0-9]+(?:\.0*)?|{_NUMBER}-{_NUMBER})['\"]?")
INTEGER = re.compile(r"([0-9]+)(?:\.0*)?")
SCIENTIFIC = re.compile(r"([0-9])(?:\.([0-9]*))?[eE]\+?([0-9]{1,2})")


class _Time(NamedTuple):
    """A time that can be compared with others of its scale."""

    scale: str
    value: float


def split_items(value: Any) -> list[Any]:
    """Return the items of a list: a text as people paste it, a Python list, or a column of a table.

    A text is split at commas, semicolons, tabs and line ends, and at blanks between numbers; brackets around it, quotes
    around its items, and empty items are left out.
    """
    if isinstance(value, str):
        return _split_text(value)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    elif hasattr(value, "__len__") and not isinstance(value, (Mapping, bytes, bytearray)):
        try:
            value = list(value)
        except TypeError:  # an array without a dimension
            return [value]
    else:
        return [value]
    return [part for item in value for part in (_split_text(item) if isinstance(item, str) else [item])]


def _split_text(text: str) -> list[str]:
    text = DASHES.sub("-", INVISIBLE.sub("", text)).strip()
    if text and BRACKETS.get(text[0]) == text[-1]:
        text = text[1:-1]
    items = [" ".join(item.split()) for item in SEPARATOR.split(text)]
    items = [part for item in items for part in _split_at_blanks(item)]
    items = [NUMPY_REPR.sub(r"\1", item).strip(QUOTES) for item in items]
    return [item for item in items if item]


def _split_at_blanks(item: str) -> list[str]:
    parts = item.split(" ")
    return parts if all(BLANK_SEPARATED.fullmatch(part) for part in parts) else [item]


def read_observations(value: Any) -> str:
    """Return obsIDs of 11 digits and start-stop times, joined by commas.

    Raises
    ------
    ValueError
        With the items that are neither, and their places.
    """
    return _read_items(value, _read_observation)


def read_targets(value: Any) -> str:
    """Return target IDs of 8 digits, joined by commas; errors as for `read_observations`."""
    return _read_items(value, _read_target)


def read_times(value: Any) -> str:
    """Return start-stop times, joined by commas; errors as for `read_observations`."""
    return _read_items(value, _read_range)


def _read_items(value: Any, read_item: Callable[[Any], str]) -> str:
    items = split_items(value)
    if not items:
        raise ValueError("an empty list")
    read: list[str] = []
    refused: list[tuple[int, Any, ValueError]] = []
    for place, item in enumerate(items, 1):
        try:
            read.append(read_item(item))
        except ValueError as error:
            refused.append((place, item, error))
    if refused:
        raise RefusedValueError(_refusal(items, refused))
    return ",".join(read)


def _refusal(items: Sequence[Any], refused: Sequence[tuple[int, Any, ValueError]]) -> str:
    if len(items) == 1:
        return f"is {format_value(items[0])}, which is not permitted (it {refused[0][2]})"
    named = [f"item {place}, {format_value(item)}, {error}" for place, item, error in refused[:MAX_REFUSED]]
    if more := len(refused) - len(named):
        named.append(f"and {more} more")
    return f"has {'an item that is' if len(refused) == 1 else 'items that are'} not permitted: {'; '.join(named)}"


def _read_observation(item: Any) -> str:
    digits = _as_digits(item)
    if digits is None:
        return _read_range(item, or_date=True)
    count = len(digits)
    if count == OBSID_DIGITS:
        return digits
    if count > OBSID_DIGITS or (digits[0] == "0" and count != TARGET_DIGITS):
        raise ValueError(f"has {count} digits, an obsID {OBSID_DIGITS}")
    if digits[0] == "0":
        raise ValueError(f"is a target ID: an obsID has {OBSID_DIGITS} digits")
    if count < MIN_OBSID_DIGITS:
        raise ValueError(f"may be a target ID or an obsID without its leading zeros: write all {OBSID_DIGITS} digits")
    return digits.zfill(OBSID_DIGITS)


def _read_target(item: Any) -> str:
    digits = _as_digits(item)
    if digits is None:
        raise ValueError("is no target ID")
    if len(digits) == OBSID_DIGITS:
        raise ValueError(f"is an obsID: its target ID is {digits[:TARGET_DIGITS]}")
    if len(digits) > TARGET_DIGITS or (digits[0] == "0" and len(digits) != TARGET_DIGITS):
        raise ValueError(f"has {len(digits)} digits, a target ID {TARGET_DIGITS}")
    return digits.zfill(TARGET_DIGITS)


def _as_digits(item: Any) -> str | None:
    """Return the digits of a whole number, as they were written; None for anything else."""
    if isinstance(item, str):
        return _digits_of_text(PREFIX.sub("", item, count=1) if PREFIX.match(item) else item)
    if isinstance(item, bool) or not isinstance(item, (Real, Decimal)):
        return None
    try:
        number = float(item)
    except (ArithmeticError, ValueError):
        return None
    if not number.is_integer() or not 0 <= number < 10 ** (OBSID_DIGITS + 1):
        return None
    if not isinstance(item, Integral) and number >= EXACT_INTEGERS.get(getattr(item, "itemsize", 8), 2**53):
        raise ValueError("may have been rounded, as its type has too few digits")
    return str(int(number))


def _digits_of_text(text: str) -> str | None:
    if whole := INTEGER.fullmatch(text):
        return whole[1]
    if (parts := SCIENTIFIC.fullmatch(text)) is None:
        return None
    written, exponent = parts[2] or "", int(parts[3])
    if len(written) < exponent or len(written.rstrip("0")) > exponent:
        raise ValueError("has been rounded by a spreadsheet: write all its digits")
    return parts[1] + written[:exponent]


def _read_range(item: Any, *, or_date: bool = False) -> str:
    text = " ".join(item.split()) if isinstance(item, str) and len(item) <= MAX_ITEM else ""
    if or_date and DATE.fullmatch(text):
        return text
    numbers = NUMBER_RANGE.fullmatch(text)
    parts = numbers or TIME_RANGE.fullmatch(text)
    if parts is None:
        raise ValueError(f"is {'neither an obsID nor' if or_date else 'no'} start-stop times")
    if or_date and all(len(part) == OBSID_DIGITS and part.isdigit() and part[0] == "0" for part in parts.groups()):
        raise ValueError("is a range of obsIDs: list each of them")
    start, stop = (_as_time(part) for part in parts.groups())
    if start.scale == stop.scale and start.value >= stop.value:
        raise ValueError("ends before it begins" if start.value > stop.value else "begins and ends at the same time")
    return f"{parts[1]}-{parts[2]}" if numbers else text


def _as_time(text: str) -> _Time:
    parts = TIME_PARTS.match(text)
    if parts is None:
        scale = re.match("[A-Za-z]*", text)[0].upper()  # type: ignore[index]
        return _Time(scale, float(text[len(scale) :]))
    clock = [float(part) for part in (parts[2] or "0:0").split(":")]
    seconds = sum(part * unit for part, unit in zip(clock, (3600, 60, 1), strict=False))
    try:
        return _Time("date", _day(parts[1]).toordinal() * 86400 + seconds)
    except ValueError:
        raise ValueError(f"holds {parts[1]}, which is no date of the calendar") from None


def _day(text: str) -> date:
    parts = re.split("[-/.: ]", text.lower())
    if len(parts) == 2:  # noqa: PLR2004 - year and day of the year
        return date.fromordinal(date(int(parts[0]), 1, 1).toordinal() + int(parts[1]) - 1)
    year, month, day = parts if len(parts[0]) == 4 else reversed(parts)  # noqa: PLR2004 - digits of a year
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1
    return date(int(year), number, int(day))

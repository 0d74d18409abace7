"""Reading results: numbers that come as strings, keys that may be missing, complaints that name the place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from ukssdc.errors import ProtocolError

EXCERPT = 200
"""Characters of an answer that an error message shows."""

UNUSABLE = frozenset({"", "null", "none", "nan", "-nan"})
"""Ways in which a number is absent, in lower case."""


class Result(BaseModel):
    """Base of the results: immutable; infinities and NaN survive the way through JSON."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")


@dataclass(frozen=True)
class Entry:
    """One object of an answer, and where it stands.

    Attributes
    ----------
    values : mapping
        The object.
    place : str
        Its place in words, for error messages: "the spectral fits, interval0, WT".
    url : str
        The address that answered; may be empty.
    """

    values: Mapping[str, Any]
    place: str
    url: str = ""

    @classmethod
    def of(cls, answer: Any, place: str, url: str = "") -> Entry:
        """Take a whole answer; `ProtocolError` where it is no JSON object."""
        if not isinstance(answer, Mapping):
            raise ProtocolError(f"{place}: expected a JSON object", url=url, start=_start(answer))
        return cls(answer, place, url)

    def error(self, complaint: str) -> ProtocolError:
        """Make the error for something in this object that cannot be read."""
        return ProtocolError(f"{self.place}: {complaint}", url=self.url, start=_start(self.values))

    def entry(self, key: str, name: str | None = None) -> Entry:
        """Return the object below `key`; it has to be there. `name` is what error messages call it."""
        below = self.values.get(key)
        if not isinstance(below, Mapping):
            raise self.error(f"{key} is missing or no object")
        return Entry(below, f"{self.place}, {name or key}", self.url)

    def entries(self, key: str) -> list[Any]:
        """Return the list below `key`; it has to be there."""
        below = self.values.get(key)
        if not isinstance(below, list | tuple):
            raise self.error(f"{key} is missing or no list")
        return list(below)

    def names(self, key: str) -> list[str]:
        """Return the list of names below `key`; it has to be there."""
        names = self.entries(key)
        if not all(isinstance(name, str) for name in names):
            raise self.error(f"{key} is no list of names")
        return names

    def number(self, key: str) -> float:
        """Return the finite number below `key`; it has to be there."""
        value = self.optional_number(key)
        if value is None:
            raise self.error(f"{key} is missing or no number")
        return value

    def optional_number(self, key: str) -> float | None:
        """Return the number below `key`; None where it is absent, null, empty or not finite."""
        value = self.values.get(key)
        if value is None:
            return None
        try:
            number = as_number(value)
        except ValueError:
            raise self.error(f"{key} is no number: {value!r:.40}") from None
        return number if math.isfinite(number) else None

    def flag(self, key: str) -> bool:
        """Return the 0 or 1 below `key`, which may be missing (False)."""
        value = self.values.get(key)
        return value if isinstance(value, bool) else bool(self.optional_number(key))

    def text(self, key: str) -> str | None:
        """Return the text below `key`; None where it is absent or empty."""
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str | int | float):
            raise self.error(f"{key} is no text")
        return str(value)


def as_number(value: Any) -> float:
    """Read a number that may come as a string; NaN for an absent one (null, empty, "nan").

    Raises
    ------
    ValueError
        For anything else.
    """
    if value is None:
        return math.nan
    if isinstance(value, str):
        text = value.strip().lower()
        if text in UNUSABLE:
            return math.nan
        if "_" in text or not text.isascii():  # Python reads 1_000 and Arabic digits; the service writes neither
            raise ValueError(value)
        return float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)  # noqa: TRY004 - one kind of error for all that is no number
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _start(value: Any) -> str:
    """Return how an answer begins, for an error message."""
    return json.dumps(value, default=str)[:EXCERPT]

"""Read JSON as the service writes it: numbers may be strings, keys may be missing; errors name the place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ukssdc.errors import ProtocolError
from ukssdc.wire_values import as_list

EXCERPT_LENGTH = 200
"""Characters of an answer that an error message shows."""

MISSING_NUMBERS = frozenset({"", "null", "none", "nan", "-nan"})
"""How a missing number is written, in lower case."""


@dataclass(frozen=True)
class JsonObject:
    """One object of an answer, and its place there.

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
    def of(cls, answer: Any, place: str, url: str = "") -> JsonObject:
        """Wrap a whole answer; `ProtocolError` where it is no JSON object."""
        if not isinstance(answer, Mapping):
            raise ProtocolError(f"{place}: expected a JSON object", url=url, start=_excerpt(answer))
        return cls(answer, place, url)

    def error(self, problem: str) -> ProtocolError:
        """Make the error for something in this object that cannot be read."""
        return ProtocolError(f"{self.place}: {problem}", url=self.url, start=_excerpt(self.values))

    def nested(self, key: str, name: str | None = None) -> JsonObject:
        """Return the object below `key`, which is required; `name` is what error messages call it."""
        value = self.values.get(key)
        if not isinstance(value, Mapping):
            raise self.error(f"{key} is missing or no object")
        return JsonObject(value, f"{self.place}, {name or key}", self.url)

    def array(self, key: str) -> list[Any]:
        """Return the list below `key`, which is required."""
        value = as_list(self.values.get(key))
        if value is None:
            raise self.error(f"{key} is missing or no list")
        return value

    def names(self, key: str) -> list[str]:
        """Return the list of names below `key`, which is required."""
        names = self.array(key)
        if not all(isinstance(name, str) for name in names):
            raise self.error(f"{key} is no list of names")
        return names

    def number(self, key: str) -> float:
        """Return the finite number below `key`, which is required."""
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
            number = read_number(value)
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


def read_number(value: Any) -> float:
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
        if text in MISSING_NUMBERS:
            return math.nan
        if "_" in text or not text.isascii():  # Python reads 1_000 and Arabic digits; the service writes neither
            raise ValueError(value)
        return float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)  # noqa: TRY004 - one type of error for all that is no number
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def _excerpt(value: Any) -> str:
    """Return the beginning of an answer, for an error message."""
    pieces = json.JSONEncoder(default=str).iterencode(value)  # not all of it: a result may be large
    return "".join(islice(pieces, EXCERPT_LENGTH))[:EXCERPT_LENGTH]

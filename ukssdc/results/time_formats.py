"""What the times of a light curve are (protocol, section 6)."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class TimeFormat(StrEnum):
    """What a light curve's times are; `unit` is theirs, in astropy's notation, `meaning` says it in words."""

    unit: str
    meaning: str

    def __new__(cls, value: str, unit: str, meaning: str) -> Self:
        """Make a member that is its name in the service's answers."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.unit = unit
        member.meaning = meaning
        return member

    MET = "MET", "s", "s since T0, a Swift MET; without a T0, since 2001-01-01 00:00 UTC"
    MJD = "MJD", "d", "days, MJD (UTC)"
    TDB = "TDB", "d", "days, MJD (TDB), at the solar system's barycentre"

    @classmethod
    def read(cls, text: str | None) -> TimeFormat | str | None:
        """Return the member of this name, whatever its case; a text that is none stays as it is."""
        known = (text or "").strip().upper()
        return cls.__members__.get(known, text)

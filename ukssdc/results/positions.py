"""A position of the source: standard, enhanced or astrometric.

Source: protocol, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ukssdc.results.json_object import Entry, Result

NOT_FOUND = "The service could not determine a position."


class Position(Result):
    """A position of the source, or the reason why there is none.

    Attributes
    ----------
    ra, dec : float or None
        Right ascension and declination, deg (J2000); None where there is no position.
    err90 : float or None
        Radius of the error circle, arcsec (90 % confidence, systematics included).
    from_sxps : bool
        True where the position was taken from an SXPS catalogue instead of being measured.
    which_sxps : str or None
        The catalogue, "2SXPS".
    reason : str or None
        Why there is no position; None where there is one.
    """

    ra: float | None = None
    dec: float | None = None
    err90: float | None = None
    from_sxps: bool = False
    which_sxps: str | None = None
    reason: str | None = None

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any], *, at: str = "") -> Position:
        """Read the answer to a call for a position (protocol, section 2).

        Parameters
        ----------
        answer : mapping
            The answer, with or without `OK` and `APIVersion`.
        at : str, optional
            The address that answered, for the error.

        Raises
        ------
        ProtocolError
            Where it cannot be read.
        """
        entry = Entry.of(answer, "the position", at)
        if "GotPos" not in entry.values:
            raise entry.error("GotPos is missing")
        if not entry.flag("GotPos"):
            return cls(reason=entry.text("Reason") or NOT_FOUND)
        return cls(
            ra=entry.number("RA"),
            dec=entry.number("Dec"),
            err90=entry.number("Err90"),
            from_sxps=entry.flag("FromSXPS"),
            which_sxps=entry.text("WhichSXPS"),
        )

    @property
    def found(self) -> bool:
        """True where there is a position."""
        return self.ra is not None

    def __str__(self) -> str:
        if self.ra is None or self.dec is None or self.err90 is None:
            return f"no position: {self.reason}"
        return f"RA {self.ra:.5f}, Dec {self.dec:+.5f} (J2000, deg), error radius {self.err90:g} arcsec (90 %)"

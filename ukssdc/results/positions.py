"""A position of the source: standard, enhanced or astrometric.

Source: protocol, section 2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ukssdc.results.job_result import JobResult, TableResult
from ukssdc.results.json_object import JsonObject
from ukssdc.results.table_export import Columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOT_FOUND = "The service could not determine a position."


class Position(JobResult, TableResult):
    """A position of the source, or the reason why there is none. In a table it is the only row.

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

    NAME: ClassVar[str] = "the position"

    ra: float | None = None
    dec: float | None = None
    err90: float | None = None
    from_sxps: bool = False
    which_sxps: str | None = None
    reason: str | None = None

    @classmethod
    def _read(cls, answer: JsonObject) -> Self:
        if "GotPos" not in answer.values:
            raise answer.error("GotPos is missing")
        if not answer.flag("GotPos"):
            return cls(reason=answer.text("Reason") or NOT_FOUND)
        return cls(
            ra=answer.number("RA"),
            dec=answer.number("Dec"),
            err90=answer.number("Err90"),
            from_sxps=answer.flag("FromSXPS"),
            which_sxps=answer.text("WhichSXPS"),
        )

    @property
    def found(self) -> bool:
        """True where there is a position."""
        return self.ra is not None

    def plot(
        self,
        ax: Axes | None = None,
        *,
        centre: tuple[float, float] | None = None,
        label: str = "",
        colour: str = "#c62828",
        line: str = "-",
    ) -> Axes:
        """Draw the position with its 90 % circle, as offsets in arcsec; east is on the left.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default axes of a new figure.
        centre : (float, float), optional
            RA and Dec of the origin, deg; by default the position itself.
        label : str, optional
            Its name in the legend; the radius follows.
        colour, line : str, optional
            Colour and line style of the circle.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            Where there is no position.
        """
        from ukssdc.plotting.position_plot import draw_position  # noqa: PLC0415 - matplotlib is optional

        return draw_position(self, ax, centre=centre, label=label, colour=colour, line=line)

    def _columns(self) -> Columns:
        places = {"RA": self.ra, "Dec": self.dec, "Err90": self.err90}
        return {
            **{name: [math.nan if value is None else value] for name, value in places.items()},
            "FromSXPS": [self.from_sxps],
            "WhichSXPS": [self.which_sxps or ""],
        }

    def _units(self) -> Mapping[str, str]:
        return {"RA": "deg", "Dec": "deg", "Err90": "arcsec"}

    def _metadata(self) -> Mapping[str, Any]:
        return {"Frame": "J2000", "Reason": self.reason}

    def __str__(self) -> str:
        if self.ra is None or self.dec is None or self.err90 is None:
            return f"no position: {self.reason}"
        return f"RA {self.ra:.5f}, Dec {self.dec:+.5f} (J2000, deg), error radius {self.err90:g} arcsec (90 %)"

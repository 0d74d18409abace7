"""The sources that source detection found, band by band.

Source: protocol, section 2; the field names as in the reference client's documentation of the source list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ukssdc.results.json_object import Entry, Result, as_number
from ukssdc.results.table_export import Columns, make_pandas, make_table

BANDS = ("Total", "Soft", "Medium", "Hard")
UNITS = {
    "x": "pix", "y": "pix", "C": "ct", "err90": "arcsec",
    **dict.fromkeys(("ra", "ra_pos", "ra_neg", "dec", "dec_pos", "dec_neg", "l", "b"), "deg"),
}  # fmt: skip
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


class DetectedSource(Result):
    """One detection in one band.

    Attributes
    ----------
    ra, dec : float
        Right ascension and declination, deg (J2000).
    err90 : float or None
        Radius of the error circle, arcsec (90 % confidence).
    number : int or None
        The source's number in its band (`sno`).
    values : dict
        Everything that the service says about it, under the service's names, as int, float or, where it is no
        number, str: `x`, `y` (pixels), `ra_pos`, `ra_neg` (deg), `l`, `b` (deg), `C` (counts), ...
    """

    ra: float
    dec: float
    err90: float | None = None
    number: int | None = None
    values: dict[str, int | float | str]

    @classmethod
    def _read(cls, entry: Entry) -> DetectedSource:
        number = entry.optional_number("sno")
        return cls(
            ra=entry.number("ra"),
            dec=entry.number("dec"),
            err90=entry.optional_number("err90"),
            number=None if number is None else int(number),
            values={str(key): _convert(value) for key, value in entry.values.items()},
        )


class SourceList(Result):
    """The detections, band by band.

    Attributes
    ----------
    bands : dict
        Band ("Total"; "Soft", "Medium", "Hard" where they were asked for) -> its sources.
    """

    bands: dict[str, tuple[DetectedSource, ...]]

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any], *, at: str = "") -> SourceList:
        """Read the answer to a call for the source list (protocol, section 2).

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
        entry = Entry.of(answer, "the source list", at)
        names = [key for key, value in entry.values.items() if key in BANDS or isinstance(value, list)]
        if not names:
            raise entry.error("there is no band")
        return cls(bands={name: tuple(_read_band(entry, name)) for name in names})

    def __len__(self) -> int:
        """Return the number of detections, all bands taken together."""
        return sum(len(sources) for sources in self.bands.values())

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame`: one row per detection, `Band` first, then the service's own columns."""
        return make_pandas(self._columns())

    def to_table(self) -> Any:
        """Return an `astropy.table.Table` with units; its rows are those of `to_pandas`."""
        return make_table(self._columns(), UNITS)

    def _columns(self) -> Columns:
        rows = [(band, source.values) for band, sources in self.bands.items() for source in sources]
        keys = dict.fromkeys(key for _, values in rows for key in values)
        return {
            "Band": [band for band, _ in rows],
            **{key: _fill([values.get(key) for _, values in rows]) for key in keys},
        }


def _read_band(entry: Entry, band: str) -> Iterator[DetectedSource]:
    for row, source in enumerate(entry.entries(band), start=1):
        yield DetectedSource._read(Entry.of(source, f"{entry.place}, {band}, source {row}", entry.url))  # noqa: SLF001


def _convert(value: Any) -> int | float | str:
    """Turn what is a number into one; the service sends them all as strings."""
    text = str(value).strip()
    if WHOLE_NUMBER.fullmatch(text):
        return int(text)
    try:
        return as_number(value)
    except ValueError:
        return text


def _fill(column: list[Any]) -> list[Any]:
    """Fill a column's gaps so that it keeps one type."""
    if None not in column:
        return column
    gap: Any = "" if any(isinstance(value, str) for value in column) else float("nan")
    return [gap if value is None else value for value in column]

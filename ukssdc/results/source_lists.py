"""The sources that source detection found, band by band.

Source: protocol, section 2; the field names as in the reference client's documentation of the source list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from ukssdc.results.job_result import JobResult, Result, TableResult
from ukssdc.results.json_object import JsonObject, read_number
from ukssdc.results.table_export import Columns
from ukssdc.wire_values import is_list

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


class SourceList(JobResult, TableResult):
    """The detections, band by band.

    In a table, a row is a detection; `Band` comes first, then the service's own columns.

    Attributes
    ----------
    bands : dict
        Band ("Total"; "Soft", "Medium", "Hard" where they were asked for) -> its sources.
    """

    NAME: ClassVar[str] = "the source list"

    bands: dict[str, tuple[DetectedSource, ...]]

    @classmethod
    def _read(cls, answer: JsonObject) -> Self:
        names = [key for key, value in answer.values.items() if key in BANDS or is_list(value)]
        if not names:
            raise answer.error("there is no band")
        return cls(bands={name: tuple(_read_band(answer, name)) for name in names})

    def __len__(self) -> int:
        """Return the number of detections, all bands taken together."""
        return sum(len(sources) for sources in self.bands.values())

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("sources", {band: len(sources) for band, sources in self.bands.items()})]

    def _units(self) -> Mapping[str, str]:
        return UNITS

    def _columns(self) -> Columns:
        rows = [(band, source.values) for band, sources in self.bands.items() for source in sources]
        keys = dict.fromkeys(key for _, values in rows for key in values)
        return {
            "Band": [band for band, _ in rows],
            **{key: _fill_gaps([values.get(key) for _, values in rows]) for key in keys},
        }


def _read_band(answer: JsonObject, band: str) -> Iterator[DetectedSource]:
    for row, source in enumerate(answer.array(band), start=1):
        yield _read_source(JsonObject.of(source, f"{answer.place}, {band}, source {row}", answer.url))


def _read_source(entry: JsonObject) -> DetectedSource:
    number = entry.optional_number("sno")
    return DetectedSource(
        ra=entry.number("ra"),
        dec=entry.number("dec"),
        err90=entry.optional_number("err90"),
        number=None if number is None else int(number),
        values={str(key): _convert(value) for key, value in entry.values.items()},
    )


def _convert(value: Any) -> int | float | str:
    """Turn what is a number into one; the service sends them all as strings."""
    text = str(value).strip()
    if WHOLE_NUMBER.fullmatch(text):
        return int(text)
    try:
        return read_number(value)
    except ValueError:
        return text


def _fill_gaps(column: list[Any]) -> list[Any]:
    """Fill a column's gaps so that it keeps one type."""
    if None not in column:
        return column
    gap: Any = "" if any(isinstance(value, str) for value in column) else float("nan")
    return [gap if value is None else value for value in column]

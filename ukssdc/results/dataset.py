"""One dataset of a light curve: rates, upper limits, rates in an energy band, or hardness ratios."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from ukssdc.results.light_curve_table import TIMES, LightCurveTable
from ukssdc.results.qdp import qdp_text
from ukssdc.results.table_export import Columns


class DatasetKind(StrEnum):
    """What a dataset holds; `wire` is its part of the dataset's name."""

    wire: str
    column: str
    upper_error: str
    lower_error: str

    def __new__(cls, value: str, wire: str, column: str, upper_error: str, lower_error: str) -> Self:
        """Make a member that is its name and knows its columns."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.wire = wire
        member.column = column
        member.upper_error = upper_error
        member.lower_error = lower_error
        return member

    RATE = "rate", "", "Rate", "RatePos", "RateNeg"
    UPPER_LIMIT = "upper limit", "UL", "UpperLimit", "RatePos", "RateNeg"
    HARD = "hard", "Hard", "Rate", "RateErr", "RateErr"
    SOFT = "soft", "Soft", "Rate", "RateErr", "RateErr"
    HARDNESS_RATIO = "hardness ratio", "HR", "HR", "HRErr", "HRErr"


class Dataset(LightCurveTable):
    """One dataset of a light curve; in a table, a row is a bin.

    Attributes
    ----------
    name : str
        The service's name for it: mode, kind, `_nosys`, `_incbad`: "PC", "PCUL_incbad".
    mode : str
        "WT" or "PC".
    kind : DatasetKind
        What it holds. Upper limits (3 sigma) are a dataset of their own; they are no detections.
    nosys : bool
        True where the systematic error of WT mode is left out.
    incbad : bool
        True where bins without a centroid, so possibly unreliable ones, are included.
    columns : dict
        Column name -> one float per bin, NaN where the service gave none. Names as the service gives them, but an upper
        limit is in `UpperLimit`, not in `Rate`. Offsets (`TimeNeg`, `RateNeg`) are signed.
    labels : dict
        Column name -> one text per bin, for the columns that are no numbers (`ObsID`, `URL`).
    url : str or None
        The file that holds the dataset.
    time_format, t0, bands
        As those of the light curve.
    """

    name: str
    mode: str
    kind: DatasetKind
    nosys: bool = False
    incbad: bool = False
    columns: dict[str, tuple[float, ...]]
    labels: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    url: str | None = None

    def __len__(self) -> int:
        """Return the number of bins."""
        return len(self.columns["Time"])

    @property
    def time(self) -> tuple[float, ...]:
        """Time of each bin; what it means: `LightCurveData.time_format`."""
        return self.columns["Time"]

    @property
    def time_pos(self) -> tuple[float, ...]:
        """Offset of each bin's end from its time, positive."""
        return self._column("TimePos")

    @property
    def time_neg(self) -> tuple[float, ...]:
        """Offset of each bin's start from its time, negative."""
        return self._column("TimeNeg")

    @property
    def value(self) -> tuple[float, ...]:
        """Rate or upper limit (ct/s), or hardness ratio (hard/soft), according to `kind`."""
        return self.columns[self.kind.column]

    @property
    def value_pos(self) -> tuple[float, ...]:
        """Upper 1-sigma error of each value, positive; NaN where there is none."""
        return tuple(map(abs, self._column(self.kind.upper_error)))

    @property
    def value_neg(self) -> tuple[float, ...]:
        """Lower 1-sigma error of each value, negative; NaN where there is none."""
        return tuple(-abs(error) for error in self._column(self.kind.lower_error))

    def with_times(self, zero: float, unit: float) -> Self:
        """Return the dataset with its times divided by `unit`, and counted from `-zero` on then."""
        scaled = {name: tuple(t / unit for t in self.columns[name]) for name in TIMES if name in self.columns}
        scaled["Time"] = tuple(zero + t for t in scaled["Time"])
        return self.model_copy(update={"columns": self.columns | scaled})

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("name", self.name), ("kind", str(self.kind)), ("bins", len(self)), ("columns", list(self.columns))]

    def _columns(self) -> Columns:
        return self.all_columns()

    def _metadata(self) -> Mapping[str, Any]:
        return {"Dataset": self.name, "Mode": self.mode, "Kind": str(self.kind), **super()._metadata()}

    def _writers(self) -> dict[str, Callable[[], bytes]]:
        return super()._writers() | {".qdp": lambda: qdp_text([self]).encode()}

    def _column(self, name: str) -> tuple[float, ...]:
        return self.columns.get(name, (math.nan,) * len(self))

    def all_columns(self) -> dict[str, tuple[float, ...] | tuple[str, ...]]:
        """Return numbers and texts together, by column."""
        return {**self.columns, **self.labels}

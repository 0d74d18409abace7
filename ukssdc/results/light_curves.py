"""The data of a light curve: datasets of rates, upper limits, energy bands and hardness ratios.

Source: protocol, sections 2 and 6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ukssdc.notebook import html_table
from ukssdc.results.dataset import Dataset, DatasetKind
from ukssdc.results.energy_bands import EnergyBands, band_text
from ukssdc.results.job_result import JobResult
from ukssdc.results.json_object import JsonObject, read_number
from ukssdc.results.light_curve_table import LightCurveTable
from ukssdc.results.qdp import qdp_text
from ukssdc.results.table_export import Columns
from ukssdc.results.time_formats import TimeFormat
from ukssdc.times import modified_julian_date
from ukssdc.wire_values import as_list, is_list

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DATASET_NAME = re.compile(r"(?P<mode>.+?)(?P<kind>UL|Hard|Soft|HR)?(?P<nosys>_nosys)?(?P<incbad>_incbad)?")
LABEL_COLUMNS = frozenset({"ObsID", "URL"})
DAY = 86400.0  # s
REQUESTED_TIMES = {"s": TimeFormat.MET, "m": TimeFormat.MJD}  # lctimetype -> TimeFormat (protocol, sections 5 and 6)


class LightCurveData(JobResult, LightCurveTable):
    """The data of a light curve.

    In a table, a row is a bin; `Dataset` comes first, with NaN where a dataset does not have a column. In a QDP file,
    each dataset of rates or upper limits is a group.

    Attributes
    ----------
    datasets : dict
        Name -> `Dataset`, in the service's order; empty where no bin could be made.
    binning : str or None
        "Counts", "Time", "Snapshot" or "Observation".
    time_format : TimeFormat, str or None
        "MET": s since `t0` (since 2001-01-01 UTC, where there is none). "MJD" (UTC) and "TDB": days.
    t0 : float or None
        Zero point of the times, Swift MET, s.
    bands : EnergyBands or None
        Energy bands; None where the job's parameters are not known.
    """

    NAME: ClassVar[str] = "the light curve"

    datasets: dict[str, Dataset]
    binning: str | None = None

    @classmethod
    def _read(cls, answer: JsonObject) -> Self:
        curve = cls(
            datasets={n: _read_dataset(n, answer.nested(f"{n}Data", n)) for n in answer.names("Datasets")},
            binning=answer.text("Binning"),
        )
        return curve._with(time_format=TimeFormat.read(answer.text("TimeFormat")), t0=answer.optional_number("T0"))

    def of_job(self, parameters: Mapping[str, Any]) -> Self:
        """Return the light curve with what a job's parameters, in wire names, say of it: bands, and what the times are.

        Where the service's answer says what the times are, that holds.
        """
        requested = str(parameters.get("lctimetype"))
        times = self.time_format
        if times is None and not (requested == "s" and self.t0 is None):  # s since an unknown time
            times = REQUESTED_TIMES.get(requested)
        return self._with(time_format=times, bands=EnergyBands.from_parameters(parameters))

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        bins = {name: len(dataset) for name, dataset in self.datasets.items()}
        return [("bins", bins), ("binning", self.binning), ("time_format", str(self.time_format)), ("t0", self.t0)]

    def _repr_html_(self) -> str:
        unit = f" ({self.time_unit})" if self.time_unit else ""
        rows = [
            (d.name, str(d.kind), str(len(d)), *([f"{d.time[0]:.9g}", f"{d.time[-1]:.9g}"] if len(d) else ["", ""]))
            for d in self.datasets.values()
        ]
        title = "Light curve" + (f", {band_text(self.bands.total)}" if self.bands else "")
        title += f", T0 = MET {self.t0:.3f} s" if self.t0 is not None else ""
        return html_table(title, ("Dataset", "Kind", "Bins", f"First time{unit}", f"Last time{unit}"), rows)

    def _with(self, **shared: Any) -> Self:
        datasets = {name: dataset.model_copy(update=shared) for name, dataset in self.datasets.items()}
        return self.model_copy(update={**shared, "datasets": datasets})

    def in_mjd(self) -> Self:
        """Return the light curve with its times as MJD (UTC), good to about half a minute; see `t0_utc`.

        Raises
        ------
        ValueError
            Where the times are no seconds since a known T0.
        """
        if self.time_format != TimeFormat.MET or self.t0_utc is None:
            raise ValueError("the times are no seconds since a known T0")
        zero = modified_julian_date(self.t0_utc)
        curve = self._with(time_format=TimeFormat.MJD)
        datasets = {name: dataset.with_times(zero, DAY) for name, dataset in curve.datasets.items()}
        return curve.model_copy(update={"datasets": datasets})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw rates and 3-sigma upper limits, with 1-sigma errors; WT is blue, PC red.

        Seconds: both axes logarithmic, because afterglows are power laws; the time axis is linear where a bin starts at
        T0 or before, and where the last bin starts less than 10 times as late as the first, as all times since 2001 do.
        MJD: time linear. A logarithmic rate axis leaves out the few bins at or below 0, and says how many; where they
        are more than a few, it is linear.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default axes of a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            Where there is no bin.
        """
        from ukssdc.plotting.light_curve_plot import draw_light_curve  # noqa: PLC0415 - matplotlib is optional

        return draw_light_curve(self, ax)

    def plot_hardness_ratio(self, ax: Axes | None = None) -> Axes:
        """Draw the hardness ratio against time; parameters and errors as for `plot`."""
        from ukssdc.plotting.light_curve_plot import draw_hardness_ratio  # noqa: PLC0415 - as above

        return draw_hardness_ratio(self, ax)

    def __getitem__(self, name: str) -> Dataset:
        return self.datasets[name]

    def __len__(self) -> int:
        """Return the number of bins, all datasets taken together."""
        return sum(len(dataset) for dataset in self.datasets.values())

    def of_kind(self, kind: DatasetKind) -> tuple[Dataset, ...]:
        """Return the datasets of one kind."""
        return tuple(dataset for dataset in self.datasets.values() if dataset.kind == kind)

    @property
    def detections(self) -> tuple[Dataset, ...]:
        """The datasets of measured rates."""
        return self.of_kind(DatasetKind.RATE)

    @property
    def upper_limits(self) -> tuple[Dataset, ...]:
        """The datasets of upper limits."""
        return self.of_kind(DatasetKind.UPPER_LIMIT)

    @property
    def hardness_ratios(self) -> tuple[Dataset, ...]:
        """The datasets of hardness ratios."""
        return self.of_kind(DatasetKind.HARDNESS_RATIO)

    def _metadata(self) -> Mapping[str, Any]:
        return {"Binning": self.binning, **super()._metadata()}

    def _writers(self) -> dict[str, Callable[[], bytes]]:
        return super()._writers() | {".qdp": lambda: qdp_text([*self.detections, *self.upper_limits]).encode()}

    def _columns(self) -> Columns:
        tables = [(dataset, dataset.all_columns()) for dataset in self.datasets.values()]
        names = dict.fromkeys(name for _, table in tables for name in table)
        columns: dict[str, list[Any]] = {
            "Dataset": [dataset.name for dataset, _ in tables for _ in range(len(dataset))]
        }
        for name in names:
            gap: Any = "" if name in LABEL_COLUMNS else math.nan
            columns[name] = [cell for dataset, table in tables for cell in table.get(name, (gap,) * len(dataset))]
        return columns


def _read_dataset(name: str, entry: JsonObject) -> Dataset:
    parts = DATASET_NAME.fullmatch(name)
    if parts is None:
        raise entry.error("a dataset without a name")
    kind = next(kind for kind in DatasetKind if kind.wire == (parts["kind"] or ""))
    wire_names = entry.names("columns")
    names = ["UpperLimit" if kind is DatasetKind.UPPER_LIMIT and column == "Rate" else column for column in wire_names]
    missing = [column for column in ("Time", kind.column) if column not in names]
    if missing:
        raise entry.error(f"there is no column {' or '.join(missing)}")
    rows = [_read_row(row, wire_names) for row in entry.array("data")]
    for number, row in enumerate(rows, start=1):
        if row is None or len(row) != len(names):
            raise entry.error(f"row {number} does not have {len(names)} cells")
    cells = dict(zip(names, zip(*filter(None, rows), strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    return Dataset(
        name=name,
        mode=parts["mode"],
        kind=kind,
        nosys=parts["nosys"] is not None,
        incbad=parts["incbad"] is not None,
        columns={column: _read_column(entry, column, cells[column]) for column in names if column not in LABEL_COLUMNS},
        labels={column: tuple(map(_clean_label, cells[column])) for column in names if column in LABEL_COLUMNS},
        url=entry.text("URL"),
    )


def _read_row(row: Any, names: list[str]) -> list[Any] | None:
    if isinstance(row, Mapping) and row.keys() == set(names):
        return [row[name] for name in names]
    return as_list(row) if is_list(row) else None


def _read_column(entry: JsonObject, column: str, cells: tuple[Any, ...]) -> tuple[float, ...]:
    try:
        return tuple(map(read_number, cells))
    except ValueError as error:
        raise entry.error(f"column {column} holds something that is no number: {error}") from None


def _clean_label(cell: Any) -> str:
    """Return a text cell; an obsID comes as `::ObsID=12345001` or as a number that lost its zeros."""
    text = "" if cell is None else str(cell).removeprefix("::ObsID=").strip()
    return text.zfill(11) if text.isdigit() else text

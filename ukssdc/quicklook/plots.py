"""Light curve and positions drawn with matplotlib, without pyplot, so that several threads may draw at a time.

The background is white, as the Prefect UI's is dark. Needs matplotlib, so it is imported only where pictures are made.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from ukssdc.quicklook.quick_look import QuickLook
from ukssdc.quicklook.sky import offset
from ukssdc.results import Dataset, LightCurveData
from ukssdc.results.energy_bands import band_text
from ukssdc.results.formatting import format_count
from ukssdc.status import Product
from ukssdc.texts import replace_controls

COLOURS = {"WT": "#1f5fbf", "PC": "#c62828"}
OTHER_COLOUR = "#444444"
CIRCLES = {
    Product.StandardPos: ("#1f5fbf", "-"),
    Product.EnhancedPos: ("#c62828", "--"),
    Product.AstromPos: ("#2e7d32", "-."),
}
MARKER: dict[str, Any] = {"marker": "o", "markersize": 3.5}
MAX_SIZE = 200_000  # bytes of a picture
RESOLUTIONS = (110, 80, 55)  # dpi, the next one where a picture is too large
LOG_RATE_RATIO = 10.0  # brightest to faintest bin, from which on an MJD light curve gets a logarithmic rate axis
MIN_POSITIVE_FRACTION = 2 / 3  # part of the bins that must be above 0 for a logarithmic rate axis
LOG_TIME_RATIO = 10.0  # start of the last bin to that of the first, from which on the time axis is logarithmic
MAX_FACTOR_BELOW = 3.0  # times below the faintest bin: how far down a logarithmic rate axis follows error bars
ARROW_LENGTH = 0.4  # of an upper limit, as a part of the limit
MAX_TICKS = 8  # of a linear time axis: a time since 2001 in s has nine digits
MAX_DRAWN = 4000  # error bars of a dataset; of more, those are drawn that can be told from others: each takes 0.3 ms
COLUMNS, BANDS, HEIGHTS = 400, 12, 100  # of a panel, for that: a marker is as wide as three columns
MAX_ZOOM_OUT = 4.0  # factor by which the frame may grow to show the requested position as well


def as_png(figure: Figure, max_size: int = MAX_SIZE) -> bytes:
    """Return a figure as PNG of at most `max_size` bytes, coarser where that is needed.

    Raises
    ------
    ValueError
        Where even the coarsest one is larger.
    """
    for resolution in RESOLUTIONS:
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=resolution, facecolor="white")
        if picture.tell() <= max_size:
            return picture.getvalue()
    raise ValueError(f"the picture is larger than {max_size / 1000:.0f} kB")


def light_curve_figure(look: QuickLook) -> Figure | None:
    """Draw the light curve, and below it the hardness ratio where there is one; None where there is no bin.

    Seconds: both axes logarithmic, because afterglows are power laws; the time axis is linear where a bin starts at T0
    or before, and where the last bin starts less than `LOG_TIME_RATIO` times as late as the first, as all times since
    2001 do. MJD: time linear. A logarithmic rate axis leaves out the few bins at or below 0, and says how many; where
    they are more than a few, it is linear.
    """
    curve = look.light_curve
    if curve is None:
        return None
    rates, limits, ratios = (_choose(d) for d in (curve.detections, curve.upper_limits, curve.hardness_ratios))
    if not (rates or limits):
        return None
    figure = _figure(8.0, 6.4 if ratios else 5.0)
    panels = figure.subplots(
        2 if ratios else 1, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": [3, 1][: 2 if ratios else 1]}
    )[:, 0]
    top: Axes = panels[0]
    values = [dataset.value[row] for dataset in (*rates, *limits) for row in _rows_to_draw(dataset)]
    positive = [value for value in values if value > 0]
    log = _suits_log_axis(curve, values, positive)
    log_time = _suits_log_time(curve, (*rates, *limits))
    for dataset in rates:
        _draw(
            top, dataset, log_time=log_time, positive_only=log, marker="o", markersize=3.5, label=_plain(dataset.mode)
        )
    for dataset in limits:
        _draw_limits(top, dataset, log_time=log_time, positive_only=log)
    if log:
        # An error bar may reach to 0, or below it.
        top.dataLim.y0 = max(top.dataLim.y0, min(positive) / MAX_FACTOR_BELOW)
        top.set_yscale("log", nonpositive="clip")
        if left_out := len(values) - len(positive):
            top.plot([], [], linestyle="none", label=f"{format_count(left_out, 'bin')} at or below 0 not shown")
    _scale_time(top, log=log_time)
    top.grid(visible=True, alpha=0.25)
    top.set_ylabel("Count rate (ct/s" + (f", {band_text(curve.bands.total)})" if curve.bands else ")"))
    top.set_title(_title(look, "XRT light curve"))
    top.legend(loc="best", framealpha=0.9)
    if ratios:
        for dataset in ratios:
            _draw(panels[1], dataset, log_time=log_time, label=_plain(dataset.mode), **MARKER)
        panels[1].set_ylabel("Hardness ratio\n(hard/soft)")
        panels[1].grid(visible=True, alpha=0.25)
    panels[-1].set_xlabel(time_label(curve))
    return figure


def time_label(curve: LightCurveData) -> str:
    """Return the label of the time axis, with its unit and zero point."""
    if curve.time_unit == "d":
        return "MJD (UTC)" if curve.time_format == "MJD" else f"{_plain(curve.time_format or '')} (d)"
    if curve.time_unit is None:
        return "Time (the service does not say in what unit)"
    return "Time since 2001-01-01 UTC (s)" if curve.t0 is None else f"Time since T0 (s); T0 = MET {curve.t0:.3f} s"


def position_figure(look: QuickLook) -> Figure | None:
    """Draw the positions with their 90 % circles, offsets from the requested position; None where there is none."""
    centre, places = look.centre, []
    for product, position in look.positions.items():
        if centre and position.ra is not None and position.dec is not None and position.err90 is not None:
            places.append((product, *offset(position.ra, position.dec, centre), position.err90))
    if not places:
        return None
    figure = _figure(6.0, 6.0)
    axes = figure.subplots()
    for product, x, y, radius in places:
        colour, line = CIRCLES[product]
        axes.add_patch(Circle((x, y), radius, fill=False, edgecolor=colour, linestyle=line, linewidth=1.8))
        axes.plot([x], [y], marker="x", color=colour, linestyle=line, label=f"{product.label}, {radius:.1f} arcsec")
    if look.requested:
        axes.plot([0], [0], marker="+", markersize=14, color="black", linestyle="none", label="requested position")
    x, y, half = _frame([(x, y, radius) for _, x, y, radius in places])
    axes.set_xlim(x + half, x - half)  # east, where RA increases, is on the left
    axes.set_ylim(y - half, y + half)
    axes.set_aspect("equal")
    axes.set_xlabel("RA offset (arcsec, east to the left)")
    axes.set_ylabel("Dec offset (arcsec)")
    axes.set_title(_title(look, "positions with 90 % circles"))
    axes.grid(visible=True, alpha=0.25)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    return figure


def _frame(circles: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Return middle and half width (arcsec) of a square around circles, and around the origin if it is near."""

    def around(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
        left, right = min(x - r for x, _, r in parts), max(x + r for x, _, r in parts)
        low, high = min(y - r for _, y, r in parts), max(y + r for _, y, r in parts)
        return (left + right) / 2, (low + high) / 2, 0.6 * max(right - left, high - low, 0.1)

    tight, wide = around(circles), around([*circles, (0.0, 0.0, 0.0)])
    return wide if wide[2] <= MAX_ZOOM_OUT * tight[2] else tight


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _title(look: QuickLook, what: str) -> str:
    return f"{_plain(look.job.name)}: {what} (job {look.job.job_id})"


def _plain(text: str) -> str:
    """Return a text of the service's or the user's on one line, in which a dollar begins no formula."""
    return " ".join(replace_controls(text).split())[:60].replace("$", r"\$")


def _choose(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Choose the datasets to draw, so that no bin is drawn twice."""
    filled = [dataset for dataset in datasets if _rows_to_draw(dataset)]
    return [d for d in filled if not d.nosys and not d.incbad] or filled


def _rows_to_draw(dataset: Dataset, *, positive_only: bool = False) -> list[int]:
    pairs = zip(dataset.time, dataset.value, strict=True)
    finite = [row for row, pair in enumerate(pairs) if all(map(math.isfinite, pair))]
    return [row for row in finite if dataset.value[row] > 0 or not positive_only]


def _choose_barred(dataset: Dataset, rows: list[int], *, log_time: bool, log_rate: bool) -> list[int]:
    """Choose, where there are very many bins, those whose error bars are drawn: the others lie below the markers.

    They are the highest and the lowest bin of each column, those whose error bars reach furthest, and one of each band
    in between; also the widest bin of each height.
    """
    if len(rows) <= MAX_DRAWN:
        return rows
    time, value = (np.array(numbers)[rows] for numbers in (dataset.time, dataset.value))
    lower, upper = np.array(_errors(dataset.value_neg, dataset.value_pos, rows))
    before, after = np.array(_errors(dataset.time_neg, dataset.time_pos, rows))
    column = _cells(time, COLUMNS, log=log_time)
    kept = [
        *(_last_of_each(column, key) for key in (value, -value, value + upper, lower - value)),
        _last_of_each(column * BANDS + _cells(value, BANDS, log=log_rate), value),
        _last_of_each(_cells(value, HEIGHTS, log=log_rate), before + after),
    ]
    return [rows[index] for index in np.unique(np.concatenate(kept))]


def _cells(numbers: np.ndarray, count: int, *, log: bool) -> np.ndarray:
    """Return in which of so many cells of an axis each number lies."""
    scaled = np.log(numbers) if log and numbers.min() > 0 else numbers
    low, high = scaled.min(), scaled.max()
    cells: np.ndarray = np.minimum((scaled - low) / ((high - low) or 1.0) * count, count - 1).astype(int)
    return cells


def _last_of_each(cell: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Return the index of the largest key in each cell."""
    order = np.lexsort((key, cell))
    return order[np.flatnonzero(np.diff(cell[order], append=-1))]


def _errors(lower: Sequence[float], upper: Sequence[float], rows: Sequence[int]) -> list[list[float]]:
    return [[abs(side[row]) if math.isfinite(side[row]) else 0.0 for row in rows] for side in (lower, upper)]


def _draw(
    axes: Axes,
    dataset: Dataset,
    *,
    log_time: bool,
    positive_only: bool = False,
    limits: bool = False,
    **style: Any,
) -> None:
    """Draw a dataset with its errors; upper limits as a bar as wide as the bin, with an arrow down."""
    rows = _rows_to_draw(dataset, positive_only=positive_only)
    colour = COLOURS.get(dataset.mode, OTHER_COLOUR)
    barred = _choose_barred(dataset, rows, log_time=log_time, log_rate=positive_only)
    if len(barred) < len(rows) and not limits:
        axes.plot(
            [dataset.time[row] for row in rows],
            [dataset.value[row] for row in rows],
            color=colour,
            linestyle="none",
            **MARKER,
        )
    rows = barred
    values = [dataset.value[row] for row in rows]
    arrows = [ARROW_LENGTH * abs(value) for value in values]
    axes.errorbar(
        [dataset.time[row] for row in rows],
        values,
        xerr=_errors(dataset.time_neg, dataset.time_pos, rows),
        yerr=arrows if limits else _errors(dataset.value_neg, dataset.value_pos, rows),
        uplims=limits,
        color=colour,
        linestyle="none",
        linewidth=1.1,
        **style,
    )


def _draw_limits(axes: Axes, dataset: Dataset, *, log_time: bool, positive_only: bool) -> None:
    _draw(axes, dataset, log_time=log_time, positive_only=positive_only, limits=True)
    colour, label = COLOURS.get(dataset.mode, OTHER_COLOUR), f"{_plain(dataset.mode)} upper limit (3 sigma)"
    axes.plot([], [], marker="v", color=colour, linestyle="none", label=label)


def _suits_log_axis(curve: LightCurveData, values: Sequence[float], positive: Sequence[float]) -> bool:
    if not positive or len(positive) < MIN_POSITIVE_FRACTION * len(values):
        return False
    return curve.time_unit != "d" or max(positive) > LOG_RATE_RATIO * min(positive)


def _suits_log_time(curve: LightCurveData, datasets: Sequence[Dataset]) -> bool:
    starts = [
        dataset.time[row] - before
        for dataset in datasets
        for rows in [_rows_to_draw(dataset)]
        for row, before in zip(rows, _errors(dataset.time_neg, dataset.time_pos, rows)[0], strict=True)
    ]
    return curve.time_unit != "d" and 0 < LOG_TIME_RATIO * min(starts) <= max(starts)


def _scale_time(axes: Axes, *, log: bool) -> None:
    if log:
        axes.set_xscale("log")
    else:
        axes.ticklabel_format(axis="x", style="plain", useOffset=False)
        axes.locator_params(axis="x", nbins=MAX_TICKS)

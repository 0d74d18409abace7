"""A light curve and its hardness ratio, drawn into axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ukssdc.plotting.style import COLOURS, MARKER, OTHER_COLOUR, grid, own_axes, plain_text
from ukssdc.results.energy_bands import band_text
from ukssdc.results.time_formats import TimeFormat

if TYPE_CHECKING:
    from ukssdc.results import Dataset, LightCurveData

LOG_RATE_RATIO = 10.0  # bright to faint bins, from which on an MJD light curve gets a logarithmic rate axis
MIN_LOG_BINS = 4  # for that: fewer show no shape
MIN_POSITIVE_FRACTION = 2 / 3  # part of the bins that must be above 0 for a logarithmic rate axis
LOG_TIME_RATIO = 10.0  # start of the last bin to that of the first, from which on the time axis is logarithmic
MAX_FACTOR_BELOW = 3.0  # times below the faintest bin: how far down a logarithmic rate axis follows error bars
HEADROOM = 0.15  # of a linear rate axis, above the highest error bar, for the legend
MOST = 0.95  # part of the bins whose error bars a hardness ratio's axis shows in full
RATIO_MARGIN = 0.08  # of that axis, above and below
ARROW_LENGTH = 0.4  # of an upper limit, as a part of the limit
MAX_TICKS = 8  # of a linear time axis: a time since 2001 in s has nine digits
MAX_DRAWN = 4000  # error bars of a dataset; of more, those are drawn that can be told from others: each takes 0.3 ms
COLUMNS, BANDS, HEIGHTS = 400, 12, 100  # of a panel, for that: a marker is as wide as three columns


def draw_light_curve(curve: LightCurveData, axes: Axes | None) -> Axes:
    """Draw rates and upper limits; see `LightCurveData.plot`.

    Raises
    ------
    ValueError
        Where there is no bin to draw.
    """
    rates, limits = drawn_datasets(curve)
    if not (rates or limits):
        raise ValueError("the light curve has no bin to draw")
    top = own_axes(axes)
    values = [dataset.value[row] for dataset in (*rates, *limits) for row in _rows_to_draw(dataset)]
    positive = [value for value in values if value > 0]
    log, log_time = _suits_log_axis(curve, values, positive), _suits_log_time(curve, (*rates, *limits))
    for dataset in rates:
        _draw(top, dataset, log_time=log_time, positive_only=log, label=plain_text(dataset.mode), **MARKER)
    for dataset in limits:
        _draw_limits(top, dataset, log_time=log_time, positive_only=log)
    if log:
        # An error bar may reach to 0, or below it.
        top.dataLim.y0 = max(top.dataLim.y0, min(positive) / MAX_FACTOR_BELOW)
        top.set_yscale("log", nonpositive="clip")
        if left_out := len(values) - len(positive):
            bins = "1 bin" if left_out == 1 else f"{left_out} bins"
            top.plot([], [], linestyle="none", label=f"{bins} at or below 0 not shown")
    _scale_time(top, log=log_time)
    grid(top)
    top.set_xlabel(time_label(curve))
    top.set_ylabel("Count rate (ct/s" + (f", {band_text(curve.bands.total)})" if curve.bands else ")"))
    if not log:  # error bars do not make way for the legend
        low, high = top.get_ylim()
        top.set_ylim(low, high + HEADROOM * (high - low))
    handles, labels = top.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda number: isinstance(handles[number], Line2D))  # limits, notes: last
    top.legend([handles[n] for n in order], [labels[n] for n in order], loc="best", framealpha=0.9)
    return top


def draw_hardness_ratio(curve: LightCurveData, axes: Axes | None) -> Axes:
    """Draw the hardness ratio; see `LightCurveData.plot_hardness_ratio`.

    Raises
    ------
    ValueError
        Where there is none.
    """
    ratios = _choose(curve.hardness_ratios)
    if not ratios:
        raise ValueError("the light curve has no hardness ratio to draw")
    panel = own_axes(axes)
    rates, limits = drawn_datasets(curve)
    log_time = _suits_log_time(curve, [*rates, *limits] or ratios)  # as the panel above it
    for dataset in ratios:
        _draw(panel, dataset, log_time=log_time, label=plain_text(dataset.mode), **MARKER)
    _scale_time(panel, log=log_time)
    panel.set_ylim(*_ratio_limits(ratios))
    hard, soft = (band_text(b) for b in (curve.bands.hard, curve.bands.soft)) if curve.bands else ("hard", "soft")
    panel.set_ylabel(f"Hardness ratio\n({hard}\n/ {soft})" if curve.bands else "Hardness ratio\n(hard/soft)")
    panel.set_xlabel(time_label(curve))
    grid(panel)
    return panel


def _ratio_limits(ratios: Sequence[Dataset]) -> tuple[float, float]:
    """Return limits with every bin between them, and the error bars of most: those of faint bins hide the rest."""
    values, errors = (
        np.array([numbers[row] for numbers, rows in pairs for row in rows])
        for pairs in (
            [(getattr(ratio, name), _rows_to_draw(ratio)) for ratio in ratios] for name in ("value", "value_pos")
        )
    )
    errors = np.nan_to_num(errors)
    low = min(values.min(), np.quantile(values - errors, 1 - MOST))
    high = max(values.max(), np.quantile(values + errors, MOST))
    margin = RATIO_MARGIN * ((high - low) or 1.0)
    return low - margin, high + margin


def drawn_datasets(curve: LightCurveData) -> tuple[list[Dataset], list[Dataset]]:
    """Return the datasets of rates and of upper limits that are drawn."""
    return _choose(curve.detections), _choose(curve.upper_limits)


def time_label(curve: LightCurveData) -> str:
    """Return the label of the time axis, with its unit and zero point."""
    if curve.time_unit == "d":
        return "MJD (UTC)" if curve.time_format == TimeFormat.MJD else f"{plain_text(curve.time_format or '')} (d)"
    if curve.time_unit is None:
        return "Time (the service does not say in what unit)"
    if curve.t0 is None:
        return "Time since 2001-01-01 UTC (s)"
    utc = f" (≈ {curve.t0_utc:%Y-%m-%d %H:%M} UTC)" if curve.t0_utc else ""
    return f"Time since T0 (s); T0 = MET {curve.t0:.3f} s{utc}"


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
    colour, label = COLOURS.get(dataset.mode, OTHER_COLOUR), f"{plain_text(dataset.mode)} upper limit (3 sigma)"
    axes.plot([], [], marker="v", color=colour, linestyle="none", label=label)


def _suits_log_axis(curve: LightCurveData, values: Sequence[float], positive: Sequence[float]) -> bool:
    if not positive or len(positive) < MIN_POSITIVE_FRACTION * len(values):
        return False
    if curve.time_unit != "d":
        return True
    ordered, extremes = sorted(positive), len(positive) // 10  # single bins that stand out are noise, or no reason
    return len(ordered) >= MIN_LOG_BINS and ordered[-1 - extremes] > LOG_RATE_RATIO * ordered[extremes]


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

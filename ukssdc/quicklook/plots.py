"""Light curve and positions drawn with matplotlib: its objects alone, so that several threads may draw at a time.

The ground is white: the Prefect UI's is dark. Needs matplotlib, so it is imported only where pictures are made.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from ukssdc.quicklook.formatting import count
from ukssdc.quicklook.quick_look import QuickLook
from ukssdc.quicklook.sky import offset
from ukssdc.results import Dataset, LightCurveData
from ukssdc.status import Product

COLOURS = {"WT": "#1f5fbf", "PC": "#c62828"}
OTHER_COLOUR = "#444444"
CIRCLES = {
    Product.StandardPos: ("#1f5fbf", "-"),
    Product.EnhancedPos: ("#c62828", "--"),
    Product.AstromPos: ("#2e7d32", "-."),
}
LARGEST = 200_000  # bytes of a picture
RESOLUTIONS = (110, 80, 55)  # dpi, the next one where a picture is too large
WIDE_RANGE = 10.0  # brightest bin against faintest, from which on an MJD light curve gets a logarithmic rate axis
MIN_POSITIVE_FRACTION = 2 / 3  # part of the bins that must be above 0 for a logarithmic rate axis
LONG = 10.0  # start of the last bin against that of the first, from which on a logarithmic time axis is of use
MAX_FACTOR_BELOW = 3.0  # times below the faintest bin: how far down a logarithmic rate axis follows error bars
ARROW = 0.4  # length of an upper limit's arrow, as a part of the limit
MAX_TICKS = 8  # of a linear time axis: a time since 2001 in s has nine digits
FAR = 4.0  # times the size of the frame: a requested position beyond it is left outside


def as_png(figure: Figure, largest: int = LARGEST) -> bytes:
    """Return a figure as PNG of at most `largest` bytes, coarser where that is needed.

    Raises
    ------
    ValueError
        Where even the coarsest one is larger.
    """
    for resolution in RESOLUTIONS:
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=resolution, facecolor="white")
        if picture.tell() <= largest:
            return picture.getvalue()
    raise ValueError(f"the picture is larger than {largest / 1000:.0f} kB")


def light_curve_figure(look: QuickLook) -> Figure | None:
    """Draw the light curve, and below it the hardness ratio where there is one; None where there is no bin.

    Seconds: both axes logarithmic, as afterglows fall; the time axis is linear where a bin starts at T0 or before, and
    where the last bin starts less than `LONG` times as late as the first, as all times since 2001 do. MJD: time linear.
    A logarithmic rate axis leaves out the few bins at or below 0, and says how many; where they are more than a few, it
    is linear.
    """
    curve = look.light_curve
    if curve is None:
        return None
    rates, limits, ratios = (_plain(d) for d in (curve.detections, curve.upper_limits, curve.hardness_ratios))
    if not (rates or limits):
        return None
    figure = _figure(8.0, 6.4 if ratios else 5.0)
    panels = figure.subplots(
        2 if ratios else 1, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": [3, 1][: 2 if ratios else 1]}
    )[:, 0]
    top: Axes = panels[0]
    values = [dataset.value[row] for dataset in (*rates, *limits) for row in _points(dataset)]
    positive = [value for value in values if value > 0]
    log = _suits_log_axis(curve, values, positive)
    for dataset in rates:
        _draw(top, dataset, positive_only=log, marker="o", label=f"{dataset.mode}")
    for dataset in limits:
        _draw_limits(top, dataset, positive_only=log)
    if log:
        top.dataLim.y0 = max(
            top.dataLim.y0, min(positive) / MAX_FACTOR_BELOW
        )  # an error bar may reach to 0, or below it
        top.set_yscale("log", nonpositive="clip")
        if left_out := len(values) - len(positive):
            top.plot([], [], linestyle="none", label=f"{count(left_out, 'bin')} at or below 0 not shown")
    _scale_time(top, curve, (*rates, *limits))
    top.grid(visible=True, alpha=0.25)
    top.set_ylabel(f"Count rate (ct/s, {look.energies})")
    top.set_title(_title(look, "XRT light curve"))
    top.legend(loc="best", framealpha=0.9)
    if ratios:
        for dataset in ratios:
            _draw(panels[1], dataset, marker="o", label=dataset.mode)
        panels[1].set_ylabel("Hardness ratio\n(hard/soft)")
        panels[1].grid(visible=True, alpha=0.25)
    panels[-1].set_xlabel(time_label(curve))
    return figure


def time_label(curve: LightCurveData) -> str:
    """Return the label of the time axis, with its unit and zero point."""
    if curve.time_unit == "d":
        return "MJD (UTC)" if curve.time_format == "MJD" else f"{curve.time_format} (d)"
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
    return wide if wide[2] <= FAR * tight[2] else tight


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _title(look: QuickLook, what: str) -> str:
    name = " ".join(look.job.name.split())[:60].replace("$", r"\$")  # a dollar would begin a formula
    return f"{name}: {what} (job {look.job.job_id})"


def _plain(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Pick what is drawn: not the same bins twice."""
    filled = [dataset for dataset in datasets if _points(dataset)]
    return [d for d in filled if not d.nosys and not d.incbad] or filled


def _points(dataset: Dataset, *, positive_only: bool = False) -> list[int]:
    pairs = zip(dataset.time, dataset.value, strict=True)
    finite = [row for row, pair in enumerate(pairs) if all(map(math.isfinite, pair))]
    return [row for row in finite if dataset.value[row] > 0 or not positive_only]


def _errors(lower: Sequence[float], upper: Sequence[float], rows: Sequence[int]) -> list[list[float]]:
    return [[abs(side[row]) if math.isfinite(side[row]) else 0.0 for row in rows] for side in (lower, upper)]


def _draw(axes: Axes, dataset: Dataset, *, positive_only: bool = False, **style: Any) -> None:
    rows = _points(dataset, positive_only=positive_only)
    axes.errorbar(
        [dataset.time[row] for row in rows],
        [dataset.value[row] for row in rows],
        xerr=_errors(dataset.time_neg, dataset.time_pos, rows),
        yerr=_errors(dataset.value_neg, dataset.value_pos, rows),
        color=COLOURS.get(dataset.mode, OTHER_COLOUR),
        linestyle="none",
        markersize=3.5,
        linewidth=1.1,
        **style,
    )


def _draw_limits(axes: Axes, dataset: Dataset, *, positive_only: bool) -> None:
    """Draw upper limits: a bar as wide as the bin, and an arrow that hangs from it."""
    rows, colour = _points(dataset, positive_only=positive_only), COLOURS.get(dataset.mode, OTHER_COLOUR)
    values = [dataset.value[row] for row in rows]
    axes.errorbar(
        [dataset.time[row] for row in rows],
        values,
        xerr=_errors(dataset.time_neg, dataset.time_pos, rows),
        yerr=[ARROW * abs(value) for value in values],
        uplims=True,
        color=colour,
        linestyle="none",
        linewidth=1.1,
    )
    axes.plot([], [], marker="v", color=colour, linestyle="none", label=f"{dataset.mode} upper limit (3 sigma)")


def _suits_log_axis(curve: LightCurveData, values: Sequence[float], positive: Sequence[float]) -> bool:
    if not positive or len(positive) < MIN_POSITIVE_FRACTION * len(values):
        return False
    return curve.time_unit != "d" or max(positive) > WIDE_RANGE * min(positive)


def _scale_time(axes: Axes, curve: LightCurveData, datasets: Sequence[Dataset]) -> None:
    bins = [(dataset, row) for dataset in datasets for row in _points(dataset)]
    starts = [dataset.time[row] - _errors(dataset.time_neg, dataset.time_pos, [row])[0][0] for dataset, row in bins]
    if curve.time_unit != "d" and 0 < LONG * min(starts) <= max(starts):
        axes.set_xscale("log")
    else:
        axes.ticklabel_format(axis="x", style="plain", useOffset=False)
        axes.locator_params(axis="x", nbins=MAX_TICKS)

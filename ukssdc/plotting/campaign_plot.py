"""The picture of a campaign: one target over many observations as flux and photon index against time, or light curves.

Made without pyplot, as the quick look's; of many targets, the first ones are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ukssdc.campaign.target_result import TargetResult
from ukssdc.campaign.target_science import CurveBin, Measurement, SpectrumPoint
from ukssdc.campaign.thumbnail import LOG_RATIO, suits_log_rate, suits_log_time
from ukssdc.plotting.style import COLOURS, MARKER, OTHER_COLOUR, grid, plain_text

MAX_PANELS = 30
MAX_COLUMNS = 5
PANEL = (2.7, 2.0)  # inches
MARGINS = {"left": 0.75, "right": 0.2, "bottom": 0.6, "top": 0.65}  # inches, around the panels
FLUX_LABEL = "Observed flux, 0.3$-$10 keV\n(erg cm$^{-2}$ s$^{-1}$)"
MIN_POINTS = 2  # of a picture against time


def campaign_figure(name: str, results: Sequence[TargetResult]) -> Figure | None:
    """Draw a campaign.

    Parameters
    ----------
    name : str
        The campaign's.
    results : sequence of TargetResult

    Returns
    -------
    Figure or None
        None where there is nothing to draw.
    """
    if is_one_target(results):
        spectra = [point for result in results for point in result.science.spectra if point.mjd is not None]
        if sum(point.flux is not None for point in spectra) >= MIN_POINTS:
            return _spectra_figure(name, spectra)
        rates = [result for result in results if result.science.mjd is not None]
        if len(rates) >= MIN_POINTS:
            return _rates_figure(name, rates)
    return _curves_figure(name, [result for result in results if result.science.curve])


def is_one_target(results: Sequence[TargetResult]) -> bool:
    """Tell whether all rows are about one target: the position that was asked for, or else the name, is the same."""
    places = {
        (request.ra, request.dec) if request.ra is not None else request.name
        for request in (result.row.request for result in results)
    }
    return len(places) == 1


def _spectra_figure(name: str, spectra: Sequence[SpectrumPoint]) -> Figure:
    figure = _figure(8.0, 6.0)
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 2]})
    _against_time(top, spectra, lambda point: point.flux)
    _against_time(bottom, spectra, lambda point: point.gamma)
    fluxes = [point.flux.value for point in spectra if point.flux]
    if min(fluxes) > 0 and max(fluxes) >= LOG_RATIO * min(fluxes):
        top.set_yscale("log", nonpositive="clip")
    top.set_ylabel(FLUX_LABEL)
    bottom.set_ylabel("Photon index")
    _mjd_axis(bottom)
    top.set_title(f"{plain_text(name)}: {len(spectra)} spectra")
    # Above the panel: among hundreds of points with errors there is no room for it.
    top.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, borderaxespad=0.2)
    return figure


def _against_time(
    axes: Axes, spectra: Sequence[SpectrumPoint], value_of: Callable[[SpectrumPoint], Measurement | None]
) -> None:
    for mode in dict.fromkeys(point.mode for point in spectra):
        found = [(point.mjd, value) for point in spectra if point.mode == mode and (value := value_of(point))]
        if found:
            times, values = zip(*found, strict=True)
            _errorbar(axes, times, values, mode)
    grid(axes)


def _rates_figure(name: str, results: Sequence[TargetResult]) -> Figure:
    figure = _figure(8.0, 4.0)
    axes = figure.subplots()
    found = [(r.science.mjd, r.science.rate) for r in results if r.science.mjd is not None and r.science.rate]
    limits = [(r.science.mjd, r.science.upper_limit) for r in results if r.science.upper_limit is not None]
    if found:
        times, values = zip(*found, strict=True)
        _errorbar(axes, times, values, "")
    if limits:
        axes.plot(
            *zip(*limits, strict=True), marker="v", color=OTHER_COLOUR, linestyle="none", label="upper limit (3 sigma)"
        )
        axes.legend(loc="best", framealpha=0.9)
    axes.set_ylabel("Mean count rate (ct/s)")
    axes.set_title(plain_text(name))
    _mjd_axis(axes)
    grid(axes)
    return figure


def _errorbar(axes: Axes, times: Sequence[float], values: Sequence[Measurement], mode: str) -> None:
    errors = [[abs(v.neg or 0.0) for v in values], [abs(v.pos or 0.0) for v in values]]
    axes.errorbar(
        times,
        [value.value for value in values],
        yerr=errors,
        color=COLOURS.get(mode, OTHER_COLOUR),
        linestyle="none",
        linewidth=1.0,
        label=plain_text(mode) or None,
        **MARKER,
    )


def _curves_figure(name: str, results: Sequence[TargetResult]) -> Figure | None:
    if not results:
        return None
    shown = results[:MAX_PANELS]
    columns = min(MAX_COLUMNS, math.ceil(math.sqrt(len(shown))))
    rows = math.ceil(len(shown) / columns)
    width, height = max(6.0, PANEL[0] * columns), max(3.6, PANEL[1] * rows + 0.8)
    figure = _figure(width, height, layout=None)  # to find the room for so many texts takes seconds
    left, right, bottom, top = MARGINS["left"], MARGINS["right"], MARGINS["bottom"], MARGINS["top"]
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height, wspace=0.3, hspace=0.45)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, result in zip(panels, shown, strict=False):
        _draw_curve(axes, result.science.curve, in_days=result.science.curve_in_days)
        axes.set_title(plain_text(result.row.name)[:30], fontsize=8)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    more = f"; the first {len(shown)} of {len(results)}" if len(results) > len(shown) else ""
    units = {result.science.curve_in_days for result in shown}
    time = "MJD (UTC)" if units == {True} else "time since T0 (s)" if units == {False} else "MJD (UTC), or s since T0"
    figure.suptitle(f"{plain_text(name)}: light curves{more}", fontsize=11, y=1 - 0.15 / height, va="top")
    figure.supxlabel(time[0].upper() + time[1:], fontsize=9, y=0.08 / height)
    figure.supylabel("Count rate (ct/s)", fontsize=9, x=0.08 / width)
    return figure


def _draw_curve(axes: Axes, bins: Sequence[CurveBin], *, in_days: bool) -> None:
    log_time, log_rate = suits_log_time(bins, in_days=in_days), suits_log_rate(bins)
    for mode in dict.fromkeys(b.mode for b in bins):
        colour = COLOURS.get(mode, OTHER_COLOUR)
        rates = [b for b in bins if b.mode == mode and not b.is_limit]
        limits = [b for b in bins if b.mode == mode and b.is_limit]
        axes.errorbar(
            [b.time for b in rates],
            [b.rate for b in rates],
            xerr=[[b.before for b in rates], [b.after for b in rates]],
            yerr=[[b.neg for b in rates], [b.pos for b in rates]],
            color=colour,
            linestyle="none",
            linewidth=0.8,
            marker="o",
            markersize=1.8,
        )
        axes.plot(
            [b.time for b in limits], [b.rate for b in limits], color=colour, linestyle="none", marker="v", markersize=3
        )
    if log_rate:
        lowest = min(b.rate for b in bins)
        axes.dataLim.y0 = max(axes.dataLim.y0, lowest / 3)
        axes.set_yscale("log", nonpositive="clip")
    if log_time:
        axes.set_xscale("log", nonpositive="clip")
    axes.minorticks_off()
    if log_time:
        axes.locator_params(axis="x", numticks=5)
    else:
        axes.ticklabel_format(axis="x", style="plain", useOffset=False)
        axes.locator_params(axis="x", nbins=3)
    if log_rate:
        axes.locator_params(axis="y", numticks=5)
    axes.tick_params(labelsize=7)
    grid(axes)


def _mjd_axis(axes: Axes) -> None:
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)
    axes.set_xlabel("MJD (UTC)")


def _figure(width: float, height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    figure = Figure(figsize=(width, height), facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure

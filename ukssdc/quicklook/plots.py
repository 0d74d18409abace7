"""The quick look's figures, made without pyplot, so that several threads may draw at a time.

The background is white, as the Prefect UI's is dark. Needs matplotlib, so it is imported only where pictures are made.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ukssdc.names import is_burst
from ukssdc.plotting.light_curve_plot import drawn_datasets
from ukssdc.plotting.style import plain_text
from ukssdc.quicklook.quick_look import QuickLook
from ukssdc.results import LightCurveData, TimeFormat
from ukssdc.sexagesimal import sexagesimal
from ukssdc.sky import offset
from ukssdc.status import Product

CIRCLES = {
    Product.StandardPos: ("#1f5fbf", "-"),
    Product.EnhancedPos: ("#c62828", "--"),
    Product.AstromPos: ("#2e7d32", "-."),
}
MAX_SIZE = 200_000  # bytes of a picture
RESOLUTIONS = (110, 80, 55)  # dpi, the next one where a picture is too large
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

    The time of a burst is that since the trigger; anything else is drawn against MJD. Axes: `LightCurveData.plot`.
    """
    curve = look.light_curve
    if curve is None or not any(drawn_datasets(curve)):
        return None
    curve = _with_suitable_times(curve, look.job.name)
    ratios = any(len(dataset) for dataset in curve.hardness_ratios)
    figure = _figure(8.0, 6.4 if ratios else 5.0)
    panels = figure.subplots(
        2 if ratios else 1, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": [3, 1][: 2 if ratios else 1]}
    )[:, 0]
    top: Axes = curve.plot(panels[0])
    top.set_title(_title(look, "XRT light curve"))
    if ratios:
        top.set_xlabel("")
        curve.plot_hardness_ratio(panels[1])
    return figure


def _with_suitable_times(curve: LightCurveData, name: str) -> LightCurveData:
    since_t0 = curve.time_format == TimeFormat.MET and curve.t0_utc is not None
    return curve.in_mjd() if since_t0 and not is_burst(name) else curve


def position_figure(look: QuickLook) -> Figure | None:
    """Draw the positions with their 90 % circles, offsets from the requested position; None where there is none."""
    centre, circles = look.centre, []
    found = {product: position for product, position in look.positions.items() if position.found}
    if not found or centre is None:
        return None
    figure = _figure(6.0, 6.0)
    axes = figure.subplots()
    for product, position in found.items():
        colour, line = CIRCLES[product]
        position.plot(axes, centre=centre, label=product.label, colour=colour, line=line)
        circles.append((*offset(position.ra or 0.0, position.dec or 0.0, centre), position.err90 or 0.0))
    place = ", ".join(sexagesimal(*centre))
    if look.requested:
        label = f"requested position, {place}"
        axes.plot([0], [0], marker="+", markersize=14, color="black", linestyle="none", label=label)
    x, y, half = _frame(circles)
    axes.set_xlim(x + half, x - half)  # east, where RA increases, is on the left
    axes.set_ylim(y - half, y + half)
    axes.set_title(_title(look, "positions with 90 % circles"))
    axes.legend().remove()
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=1, fontsize=9)
    return figure


def spectrum_figure(look: QuickLook, folder: Path) -> Figure | None:
    """Draw the spectra in the folder of the unpacked archive; None where there is none."""
    fits = look.spectral_fits
    if fits is None or not folder.is_dir() or not fits.with_files(folder).has_files:
        return None
    figure = _figure(8.0, 5.0)
    fits.plot(folder, figure.subplots()).set_title(_title(look, "XRT spectra"))
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
    return f"{plain_text(look.job.name)}: {what} (job {look.job.job_id})"

"""A light curve as a small picture in SVG, of a few kilobytes at most, made without matplotlib."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ukssdc.campaign.target_science import CurveBin

WIDTH, HEIGHT, MARGIN = 160.0, 44.0, 4.0  # px
CLASSES = {"WT": "wt", "PC": "pc"}  # of the page's style; other modes are "other"
LOG_RATIO = 10.0  # brightest to faintest bin, and latest to earliest time, from which on an axis is logarithmic


def suits_log_time(bins: Sequence[CurveBin], *, in_days: bool) -> bool:
    """Tell whether the times of a light curve suit a logarithmic axis: an afterglow's do, MJDs don't."""
    times = [found.time for found in bins]
    return not in_days and min(times) > 0 and max(times) >= LOG_RATIO * min(times)


def suits_log_rate(bins: Sequence[CurveBin]) -> bool:
    """Tell whether the rates of a light curve suit a logarithmic axis."""
    rates = [found.rate for found in bins]
    return min(rates) > 0 and max(rates) >= LOG_RATIO * min(rates)


def thumbnail(bins: Sequence[CurveBin], *, in_days: bool) -> str:
    """Return a light curve as SVG: 1-sigma errors, upper limits as triangles, WT blue, PC red; "" without a bin."""
    if not bins:
        return ""
    log_rate = suits_log_rate(bins)
    to_x = _axis([b.time for b in bins], MARGIN, WIDTH - MARGIN, log=suits_log_time(bins, in_days=in_days))
    ends = [end for b in bins for end in (b.rate - b.neg, b.rate + b.pos) if end > 0 or not log_rate]
    base = [] if log_rate else [0.0]  # a linear axis begins at 0: what changes little looks so
    to_y = _axis([*base, *ends, *(b.rate for b in bins)], HEIGHT - MARGIN, MARGIN, log=log_rate)
    floor = min(ends, default=0.0)
    parts: dict[str, list[list[str]]] = {}
    for b in bins:
        bars, dots, limits = parts.setdefault(CLASSES.get(b.mode, "other"), [[], [], []])
        x, y = to_x(b.time), to_y(b.rate)
        if b.is_limit:
            limits.append(f"M{x:.1f} {y + 3:.1f}l-2.5-4h5z")
        else:
            low = b.rate - b.neg if b.rate - b.neg > 0 or not log_rate else floor
            bars.append(f"M{x:.1f} {to_y(low):.1f}V{to_y(b.rate + b.pos):.1f}")
            dots.append(f"M{x:.1f} {y:.1f}h0")
    paths = [
        f'<path class="{kind} {name}" d="{"".join(lines)}"/>'
        for name, drawn in parts.items()
        for kind, lines in zip(("bar", "dot", "limit"), drawn, strict=True)
        if lines
    ]
    return f'<svg viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="light curve">{"".join(paths)}</svg>'


def _axis(values: Sequence[float], start: float, end: float, *, log: bool) -> Callable[[float], float]:
    """Return what turns a value into its place between `start` and `end`, px."""
    scale = math.log if log else float
    low, high = scale(min(values)), scale(max(values))
    span = high - low
    return lambda value: start + (end - start) * ((scale(value) - low) / span if span > 0 else 0.5)

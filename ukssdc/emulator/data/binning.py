"""Cutting the emulated source's snapshots into bins, and what is measured in each."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ukssdc.emulator.data.xray_source import (
    DAY,
    ResultJob,
    Snapshot,
    XraySource,
    in_time_order,
    number,
    rng_for,
    truthy,
)
from ukssdc.status import Product

BACKGROUND: Final = {"WT": 0.02, "PC": 0.0002}
"""Background in the source region, ct/s."""
UPPER_LIMIT_CONFIDENCE: Final = 0.9973
PILE_UP_RATE: Final = 0.6
"""Rate above which the core of a PC image is left out, ct/s."""
HARD_FRACTION: Final = 0.45
"""Part of the counts in the hard band."""
WT_SYSTEMATIC: Final = 0.05
"""Systematic error of a WT rate, as a part of the rate."""
MAX_BINS: Final = 1500
"""Per mode; shorter bins than that are made longer, as an emulator has other things to do."""
NO_CENTROID_EVERY: Final = 9
"""One bin in so many has no centroid."""

Pieces = list[tuple[float, float]]
"""Starts and stops of what a bin is put together from, s since T0."""


class BinSpan(NamedTuple):
    """Where a bin is, and how many counts are in it; None: as many as chance wants."""

    pieces: Pieces
    counts: int | None = None


@dataclass(frozen=True)
class Bin:
    """What was measured in one bin.

    Attributes
    ----------
    mode : str
    start, stop : float
        s since T0.
    exposure : float
        s.
    counts : int
        In the source region; `hard` of them in the hard band.
    hard : int
    background : float
        Counts expected in the source region, known to `background_error`.
    background_error : float
    correction : float
        Factor from counts in the region to all counts (PSF wings, pile-up, dead columns).
    reliable : bool
        False where there was no centroid.
    limit : bool
        True where it is too faint for a rate, and is an upper limit.
    """

    mode: str
    start: float
    stop: float
    exposure: float
    counts: int
    hard: int
    background: float
    background_error: float
    correction: float
    reliable: bool
    limit: bool

    @property
    def time(self) -> float:
        """A time within the bin, s since T0: the geometric mean where the bin is long, as afterglows fall."""
        return math.sqrt(self.start * self.stop) if self.start > 0 else (self.start + self.stop) / 2

    @property
    def scale(self) -> float:
        """Rate per count in the region, ct/s."""
        return self.correction / self.exposure

    @property
    def rate(self) -> float:
        """Rate, ct/s; of an upper limit, the limit."""
        if self.limit:
            return upper_limit(self.counts, self.background) * self.scale
        return (self.counts - self.background) * self.scale

    @property
    def sigma(self) -> float:
        """Significance of the source against the background's fluctuations."""
        return (self.counts - self.background) / math.sqrt(self.background)

    def error(self, *, systematic: bool) -> float:
        """Return the rate's error, ct/s; 0 for an upper limit."""
        if self.limit:
            return 0.0
        noise = math.sqrt(max(self.counts, 1) + self.background_error**2) * self.scale
        return math.hypot(noise, WT_SYSTEMATIC * self.rate) if systematic and self.mode == "WT" else noise

    def band(self, *, hard: bool) -> tuple[float, float]:
        """Return rate and error in the hard or the soft band, ct/s; rates of both add up to `rate`."""
        counts = self.hard if hard else self.counts - self.hard
        return (counts - self.background / 2) * self.scale, math.sqrt(counts + self.background_error**2) * self.scale


def upper_limit(counts: int, background: float) -> float:
    """Return the 3-sigma upper limit on the source counts (Kraft, Burrows & Nousek 1991)."""

    def tail(mean: float) -> float:
        term = total = math.exp(-mean)
        for k in range(1, counts + 1):
            term *= mean / k
            total += term
        return total

    low, high, beyond = 0.0, 50.0 + 10.0 * counts, tail(background) * (1 - UPPER_LIMIT_CONFIDENCE)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(background + middle) > beyond else (low, middle)
    return low


def light_curve_bins(job: ResultJob, mode: str, *, hardness: bool = False) -> list[Bin]:
    """Return the bins of a job's light curve in one mode, as its parameters want them.

    `hardness`: those of the hardness ratio, which differ only with time binning of its own.
    """
    source = XraySource(job)
    rng = rng_for(job, f"light curve, {mode}, {hardness}" if _own_hardness_bins(job) else f"light curve, {mode}")
    observed = source.snapshots(Product.LightCurve)
    snapshots = in_time_order(observed, mode)
    match str(job.pars.get("binMeth", "counts")):
        case "time":
            spans = _time_spans(snapshots, _bin_length(job, mode, hardness=hardness))
        case "snapshot":
            spans = (BinSpan([(s.start, s.stop)]) for s in snapshots)
        case "obsid":
            spans = (BinSpan([(s.start, s.stop) for s in part]) for part in _by_observation(observed, mode))
        case _:
            spans = _count_spans(job, source, snapshots, rng)
    return [_measure(job, source, mode, span, index, rng) for index, span in enumerate(spans)]


def _by_observation(observed: Sequence[Sequence[Snapshot]], mode: str) -> list[list[Snapshot]]:
    parts = [in_time_order([observation], mode) for observation in observed]
    return sorted({part[0]: part for part in parts if part}.values(), key=lambda part: part[0].start)


def _own_hardness_bins(job: ResultJob) -> bool:
    own = any(job.pars.get(key) is not None for key in ("pchrbin", "wthrbin"))
    return job.pars.get("binMeth") == "time" and own and not truthy(job.pars.get("hrbin"))


def _bin_length(job: ResultJob, mode: str, *, hardness: bool) -> float:
    default = {"WT": 0.5, "PC": 2.51}[mode]
    length = number(job.pars, f"{mode.lower()}bin", default)
    if hardness and _own_hardness_bins(job):
        length = number(job.pars, f"{mode.lower()}hrbin", default)
    return max(length, 0.1)


def _time_spans(snapshots: Sequence[Snapshot], length: float) -> Iterator[BinSpan]:
    length = max(length, sum(s.stop - s.start for s in snapshots) / MAX_BINS)
    for snapshot in snapshots:
        for step in range(math.ceil((snapshot.stop - snapshot.start) / length)):
            start = snapshot.start + step * length
            yield BinSpan([(start, min(start + length, snapshot.stop))])


def _count_spans(
    job: ResultJob, source: XraySource, snapshots: Sequence[Snapshot], rng: random.Random
) -> Iterator[BinSpan]:
    """Close a bin when it is full, at the end of a snapshot with enough in it, or before a long gap as it is."""
    minimum_in_bin = number(job.pars, "mincmin", 15.0)
    pieces: Pieces = []
    collected, target, fluctuation = 0.0, 0, 1.0
    minimum = math.ceil(sum(source.counts(s.start, s.stop) for s in snapshots) / MAX_BINS)
    for snapshot in snapshots:
        start = snapshot.start
        if pieces and start - pieces[-1][1] > min(number(job.pars, f"{snapshot.mode.lower()}maxgap", DAY), DAY):
            yield BinSpan(pieces)
            pieces, collected = [], 0.0
        while start < snapshot.stop:
            if not pieces:
                target = max(_counts_per_bin(job, source, snapshot.mode, start), minimum)
                fluctuation = max(
                    0.3, rng.gauss(1.0, 1.0 / math.sqrt(target))
                )  # counts that were expected per count that came
            per_count = fluctuation * _correction(source, snapshot.mode, start)
            stop = _time_of_counts(source, start, snapshot.stop, (target - collected) * per_count)
            pieces.append((start, stop))
            collected += source.counts(start, stop) / per_count
            if stop < snapshot.stop or collected >= minimum_in_bin:
                yield BinSpan(
                    pieces, max(round(collected), math.ceil(minimum_in_bin)) if stop == snapshot.stop else target
                )
                pieces, collected = [], 0.0
            start = stop
    if pieces:
        yield BinSpan(pieces)


def _counts_per_bin(job: ResultJob, source: XraySource, mode: str, time: float) -> int:
    """Return how many counts fill a bin that begins at a time; with dynamic binning, the brighter, the more."""
    target = number(job.pars, f"{mode.lower()}counts", {"WT": 30.0, "PC": 20.0}[mode])
    if truthy(job.pars.get("dynamic")):
        rate = max(source.counts(time, time + 1.0), 1e-9)
        step, factor = number(job.pars, "ratefact", 10.0), number(job.pars, "binfact", 1.5)
        target *= factor ** math.log(rate, step) if step > 1 else 1.0
    return math.ceil(max(target, number(job.pars, "mincmin", 15.0), 1.0))


def _time_of_counts(source: XraySource, start: float, stop: float, counts: float) -> float:
    """Return when `counts` have come since `start`; `stop` where that is later."""
    if source.counts(start, stop) <= counts:
        return stop
    low, high = start, stop
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if source.counts(start, middle) < counts else (low, middle)
    return min(max(high, start + 0.1), stop)


def _correction(source: XraySource, mode: str, time: float) -> float:
    """Return the correction factor; it rises where pile-up makes the core of the image useless."""
    piled_up = mode == "PC" and source.counts(time, time + 1.0) > PILE_UP_RATE
    return {"WT": 1.12, "PC": 1.35}[mode] + (0.9 if piled_up else 0.0)


def _measure(job: ResultJob, source: XraySource, mode: str, span: BinSpan, index: int, rng: random.Random) -> Bin:
    start = span.pieces[0][0]
    exposure = sum(end - begin for begin, end in span.pieces)
    correction = _correction(source, mode, start)
    background = BACKGROUND[mode] * exposure
    counts = span.counts
    if counts is None:
        expected = sum(source.counts(begin, end) for begin, end in span.pieces)
        counts = poisson(expected / correction + background, rng)
    significance = (counts - background) / math.sqrt(background)
    return Bin(
        mode=mode,
        start=start,
        stop=span.pieces[-1][1],
        exposure=exposure,
        counts=counts,
        hard=sum(rng.random() < HARD_FRACTION for _ in range(counts)),
        background=background,
        background_error=math.sqrt(background / 25.0),  # the background region is 25 times the source region
        correction=correction,
        reliable=index % NO_CENTROID_EVERY != NO_CENTROID_EVERY // 2,
        limit=significance < number(job.pars, "sigmin", 3.0)
        and str(job.pars.get("allowUL", "both")).lower() in ("both", mode.lower()),
    )


def poisson(mean: float, rng: random.Random) -> int:
    """Draw a number of counts."""
    if mean > 200.0:  # noqa: PLR2004 - a Gaussian will do
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    threshold, product, counts = math.exp(-mean), rng.random(), 0
    while product > threshold:
        product *= rng.random()
        counts += 1
    return counts

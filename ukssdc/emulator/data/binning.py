"""The bins of the emulated light curves: their spans in time, and what is measured in each."""

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
"""PC rate above which the core of the source region is excluded, ct/s."""
HARD_FRACTION: Final = 0.45
"""Fraction of the counts in the hard band."""
WT_SYSTEMATIC: Final = 0.05
"""Systematic error of a WT rate, as a fraction of the rate."""
MAX_BINS: Final = 1500
"""Per mode; bins are lengthened where there would be more."""
NO_CENTROID_EVERY: Final = 9
"""One bin in so many has no centroid."""

Intervals = list[tuple[float, float]]
"""Starts and stops, s since T0."""


class BinSpan(NamedTuple):
    """The intervals of a bin, and its counts; None: drawn at random."""

    intervals: Intervals
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
        """Return rate and error in the hard or the soft band, ct/s; the two rates add up to `rate`."""
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
    """Return the bins of a job's light curve in one mode, as its parameters say.

    With `hardness`, those of the hardness ratio, which differ only where it has time bins of its own.
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
    """Close a bin when it is full, at the end of a snapshot if it has the minimum, and before any long gap."""
    minimum_in_bin = number(job.pars, "mincmin", 15.0)
    intervals: Intervals = []
    collected, target, fluctuation = 0.0, 0, 1.0
    minimum = math.ceil(sum(source.counts(s.start, s.stop) for s in snapshots) / MAX_BINS)
    for snapshot in snapshots:
        start = snapshot.start
        if intervals and start - intervals[-1][1] > min(number(job.pars, f"{snapshot.mode.lower()}maxgap", DAY), DAY):
            yield BinSpan(intervals)
            intervals, collected = [], 0.0
        while start < snapshot.stop:
            if not intervals:
                target = max(_counts_per_bin(job, source, snapshot.mode, start), minimum)
                # expected counts per observed count
                fluctuation = max(0.3, rng.gauss(1.0, 1.0 / math.sqrt(target)))
            per_count = fluctuation * _correction(source, snapshot.mode, start)
            stop = _time_of_counts(source, start, snapshot.stop, (target - collected) * per_count)
            intervals.append((start, stop))
            collected += source.counts(start, stop) / per_count
            if stop < snapshot.stop or collected >= minimum_in_bin:
                full = max(round(collected), math.ceil(minimum_in_bin)) if stop == snapshot.stop else target
                yield BinSpan(intervals, full)
                intervals, collected = [], 0.0
            start = stop
    if intervals:
        yield BinSpan(intervals)


def _counts_per_bin(job: ResultJob, source: XraySource, mode: str, time: float) -> int:
    """Return how many counts fill a bin that begins at a time; more for a brighter source with dynamic binning."""
    target = number(job.pars, f"{mode.lower()}counts", {"WT": 30.0, "PC": 20.0}[mode])
    if truthy(job.pars.get("dynamic")):
        rate = max(source.counts(time, time + 1.0), 1e-9)
        step, factor = number(job.pars, "ratefact", 10.0), number(job.pars, "binfact", 1.5)
        target *= factor ** math.log(rate, step) if step > 1 else 1.0
    return math.ceil(max(target, number(job.pars, "mincmin", 15.0), 1.0))


def _time_of_counts(source: XraySource, start: float, stop: float, counts: float) -> float:
    """Return when `counts` are expected to have arrived since `start`, at most `stop`."""
    if source.counts(start, stop) <= counts:
        return stop
    low, high = start, stop
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if source.counts(start, middle) < counts else (low, middle)
    return min(max(high, start + 0.1), stop)


def _correction(source: XraySource, mode: str, time: float) -> float:
    """Return the correction factor; it is larger where pile-up excludes the core of the source region."""
    piled_up = mode == "PC" and source.counts(time, time + 1.0) > PILE_UP_RATE
    return {"WT": 1.12, "PC": 1.35}[mode] + (0.9 if piled_up else 0.0)


def _measure(job: ResultJob, source: XraySource, mode: str, span: BinSpan, index: int, rng: random.Random) -> Bin:
    start = span.intervals[0][0]
    exposure = sum(end - begin for begin, end in span.intervals)
    correction = _correction(source, mode, start)
    background = BACKGROUND[mode] * exposure
    counts = span.counts
    if counts is None:
        expected = sum(source.counts(begin, end) for begin, end in span.intervals)
        counts = poisson(expected / correction + background, rng)
    significance = (counts - background) / math.sqrt(background)
    return Bin(
        mode=mode,
        start=start,
        stop=span.intervals[-1][1],
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
    """Draw a number of counts from a Poisson distribution."""
    if mean > 200.0:  # noqa: PLR2004 - a Gaussian will do
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    threshold, product, counts = math.exp(-mean), rng.random(), 0
    while product > threshold:
        product *= rng.random()
        counts += 1
    return counts

"""The X-ray source of a job: when Swift observed it, in which mode, and at which count rate.

A GRB is an afterglow (steep decay in WT mode, then a broken power law in PC mode); anything else is a persistent source
that varies, in PC mode. Everything follows from the target's name, so the same target always gives the same data.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ukssdc.emulator.data.selection import observations
from ukssdc.emulator.data.targets import resolve_target
from ukssdc.status import Product

DAY: Final = 86400.0
ORBIT_PERIOD: Final = 5740.0
MJD_OF_MET_0: Final = 51910.0
SEGMENT_DAYS: Final = (0.0, 2.0, 25.0)
"""Start of a target's first observations, days after T0; later ones follow daily."""
OBSID: Final = re.compile(r"(?P<target>[0-9]{8})(?P<segment>[0-9]{3})")
MODES: Final = ("WT", "PC")


class ResultJob(Protocol):
    """What the results need to know about a job."""

    @property
    def name(self) -> str:
        """The target's name."""

    @property
    def pars(self) -> Mapping[str, Any]:
        """`jobPars`, in wire names."""

    @property
    def base_url(self) -> str:
        """Where the job's files are: `.../tprods/USERPROD_951`."""


@dataclass(frozen=True)
class Snapshot:
    """One continuous observation of the source in one mode.

    Attributes
    ----------
    mode : str
        "WT" or "PC".
    start, stop : float
        s since T0.
    """

    mode: str
    start: float
    stop: float

    def clipped(self, start: float, stop: float) -> Snapshot:
        """Return the part within an interval, which may be empty."""
        begin = max(self.start, start)
        return Snapshot(self.mode, begin, max(begin, min(self.stop, stop)))


class Afterglow:
    """A count rate that falls as a broken power law.

    Parameters
    ----------
    rate : float
        ct/s at 100 s after T0.
    segments : sequence of (float, float)
        Start (s after T0) and decay index of each segment; the first one also holds before its start.
    """

    def __init__(self, rate: float, segments: Sequence[tuple[float, float]]) -> None:
        self._segments: list[tuple[float, float, float]] = []  # start, index, rate at the start
        for number, (start, index) in enumerate(segments):
            if number:
                begin, before, at_begin = self._segments[-1]
                rate = at_begin * (start / begin) ** -before
            self._segments.append((start, index, rate))

    def counts(self, start: float, stop: float) -> float:
        """Return the counts expected between two times, s since T0."""
        total, ends = 0.0, [segment[0] for segment in self._segments[1:]] + [math.inf]
        for number, ((begin, index, rate), end) in enumerate(zip(self._segments, ends, strict=True)):
            low, high = max(start, begin if number else 1.0), min(stop, end)
            if high > low:
                power = 1.0 - index  # no index is exactly 1
                total += rate * begin / power * ((high / begin) ** power - (low / begin) ** power)
        return total


class PersistentSource:
    """A count rate that oscillates about a mean (ct/s) with a period (s)."""

    def __init__(self, mean: float, amplitude: float, period: float) -> None:
        self._mean, self._amplitude, self._omega = mean, amplitude, 2 * math.pi / period

    def counts(self, start: float, stop: float) -> float:
        """Return the counts expected between two times, s since T0."""
        oscillation = (math.cos(self._omega * start) - math.cos(self._omega * stop)) / self._omega
        return self._mean * (stop - start + self._amplitude * oscillation)


class XraySource:
    """The source of a job.

    Attributes
    ----------
    t0 : float
        Swift MET, s.
    ra, dec : float
        As the request gives them, deg J2000.
    is_grb : bool
    """

    def __init__(self, job: ResultJob) -> None:
        self._pars = job.pars
        target = resolve_target(job.name)
        self.t0 = number(job.pars, "Tstart", target.t0)
        self.ra = number(job.pars, "RA", target.ra) % 360.0
        self.dec = number(job.pars, "Dec", target.dec)
        self.is_grb = job.name.upper().startswith("GRB")
        rng = rng_for(job, "source")
        self._first_snapshot = rng.uniform(75.0, 110.0)
        self._mode_switch = self._first_snapshot + rng.uniform(120.0, 180.0)
        afterglow = Afterglow(rng.uniform(40.0, 70.0), ((100.0, 3.2), (self._mode_switch, 0.6), (6000.0, 1.35)))
        persistent = PersistentSource(rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.6), rng.uniform(1.0, 4.0) * DAY)
        self._count_rate: Afterglow | PersistentSource = afterglow if self.is_grb else persistent

    def counts(self, start: float, stop: float) -> float:
        """Return the counts, corrected to an infinite aperture, expected between two times, s since T0."""
        return self._count_rate.counts(start, stop)

    def snapshots(self, product: Product) -> list[list[Snapshot]]:
        """Return the snapshots of each observation that goes into a product, in the order of the request."""
        return [self.snapshots_of(name) for name in observations(self._pars, product)]

    def snapshots_of(self, observation: str) -> list[Snapshot]:
        """Return the snapshots of an observation; anything but an obsID counts as the target's first one."""
        parts = OBSID.fullmatch(observation)
        segment = int(parts["segment"]) if parts else 0
        targets = [name.strip() for name in str(self._pars.get("targ", "")).split(",")]
        shift = 0.5 * targets.index(parts["target"]) if parts and parts["target"] in targets else 0.0
        last = len(SEGMENT_DAYS) - 1
        day = SEGMENT_DAYS[segment] if segment <= last else SEGMENT_DAYS[last] + segment - last
        begin = (day + shift) * DAY + self._first_snapshot
        orbits = [
            (begin + orbit * ORBIT_PERIOD, begin + orbit * ORBIT_PERIOD + 1300.0 + 40.0 * (orbit % 5))
            for orbit in range(6)
        ]
        if not self.is_grb or day + shift > 0:
            return [Snapshot("PC", start, stop) for start, stop in orbits]
        first = [Snapshot("WT", orbits[0][0], self._mode_switch), Snapshot("PC", self._mode_switch, orbits[0][1])]
        return first + [Snapshot("PC", start, stop) for start, stop in orbits[1:]]

    def since_t0(self, time: float) -> float:
        """Return a time from the request (s since T0, MJD or MET, distinguished by magnitude) as s since T0."""
        if truthy(self._pars.get("SinceT0")):
            return time
        if 5e4 < time < 1e5:  # noqa: PLR2004 - between the years 1995 and 2132
            return (time - MJD_OF_MET_0) * DAY - self.t0
        return time - self.t0 if time > 1e8 else time  # noqa: PLR2004 - MET has nine digits since 2004


def in_time_order(snapshots: Sequence[Sequence[Snapshot]], mode: str) -> list[Snapshot]:
    """Return the snapshots of one mode in the order of time, each once."""
    return sorted({s for s in itertools.chain(*snapshots) if s.mode == mode}, key=lambda s: s.start)


def rng_for(job: ResultJob, purpose: str) -> random.Random:
    """Return a random generator seeded by the target's name and the purpose."""
    return random.Random(f"{job.name}/{purpose}")


def number(pars: Mapping[str, Any], key: str, default: float) -> float:
    """Return a parameter that may be missing, or come as a string."""
    try:
        value = float(pars[key])
    except (KeyError, TypeError, ValueError):
        return default
    return value if math.isfinite(value) else default


def truthy(value: Any) -> bool:
    """Return whether a parameter is set: 1, "1", True, "yes"."""
    return str(value).strip().lower() in {"1", "true", "yes"}

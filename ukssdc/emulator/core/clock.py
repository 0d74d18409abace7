"""Service time: runs `speed` times as fast as real time, can be frozen, and jumps ahead."""

from __future__ import annotations

import itertools
import math
import threading
import time
from typing import NamedTuple


class _ClockSegment(NamedTuple):
    """From `monotonic` on, service time runs from `service` at `rate` (service s per s)."""

    monotonic: float
    service: float
    rate: float


class ServiceClock:
    """The emulator's clock, in service seconds since it was made.

    Parameters
    ----------
    speed : float
        Service seconds per second; 60 makes a minute of the service's time pass in a second.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not (speed > 0 and math.isfinite(speed)):
            raise ValueError(f"speed is in service seconds per second, above 0, not {speed!r}")
        self._speed = speed
        self._lock = threading.Lock()
        self._segments = [_ClockSegment(time.monotonic(), 0.0, speed)]

    @property
    def frozen(self) -> bool:
        """True while service time is frozen."""
        return self._segments[-1].rate == 0

    def now(self) -> float:
        """Return the service time, s."""
        last = self._segments[-1]
        return last.service + (time.monotonic() - last.monotonic) * last.rate

    def freeze(self) -> None:
        """Freeze service time until `resume`."""
        self._add_segment(rate=0.0)

    def resume(self) -> None:
        """Let service time run again."""
        self._add_segment(rate=self._speed)

    def advance(self, seconds: float) -> None:
        """Jump ahead.

        Parameters
        ----------
        seconds : float
            Service seconds, not negative.
        """
        if not seconds >= 0:
            raise ValueError(f"service time only goes forward: advance by 0 seconds or more, not {seconds!r}")
        self._add_segment(jump=seconds)

    def monotonic_at(self, service: float) -> float:
        """Return when, on `time.monotonic`, the service time was (or, at the present rate, will be) `service`, s.

        A moment that `advance` skipped counts as the moment of the jump; one that the present rate never reaches
        is infinite.
        """
        with self._lock:
            segments = list(self._segments)
        for segment, following in itertools.pairwise(segments):
            if service < following.service:
                return self._monotonic_in(segment, service, latest=following.monotonic)
        return self._monotonic_in(segments[-1], service, latest=math.inf)

    @staticmethod
    def _monotonic_in(segment: _ClockSegment, service: float, latest: float) -> float:
        if service <= segment.service:
            return segment.monotonic
        if segment.rate == 0:
            return latest
        return min(segment.monotonic + (service - segment.service) / segment.rate, latest)

    def _add_segment(self, *, rate: float | None = None, jump: float = 0.0) -> None:
        with self._lock:
            last, at = self._segments[-1], time.monotonic()
            service = last.service + (at - last.monotonic) * last.rate + jump
            self._segments.append(_ClockSegment(at, service, last.rate if rate is None else rate))

"""Service time: runs faster than the wall's by `speed`, stands still, and jumps, as a test needs it."""

from __future__ import annotations

import itertools
import math
import threading
import time
from typing import NamedTuple


class _Stretch(NamedTuple):
    """From `monotonic` on, service time starts at `service` and runs at `rate`."""

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
            raise ValueError(f"speed is how many service seconds pass per second, a number above 0, not {speed!r}")
        self._speed = speed
        self._lock = threading.Lock()
        self._stretches = [_Stretch(time.monotonic(), 0.0, speed)]

    @property
    def frozen(self) -> bool:
        """True while service time stands still."""
        return self._stretches[-1].rate == 0

    def now(self) -> float:
        """Return the service time, s."""
        last = self._stretches[-1]
        return last.service + (time.monotonic() - last.monotonic) * last.rate

    def freeze(self) -> None:
        """Let service time stand still until `resume`."""
        self._turn(rate=0.0)

    def resume(self) -> None:
        """Let service time run again."""
        self._turn(rate=self._speed)

    def advance(self, seconds: float) -> None:
        """Jump ahead.

        Parameters
        ----------
        seconds : float
            Service seconds, not negative.
        """
        if not seconds >= 0:
            raise ValueError(f"service time only goes forward: advance by 0 seconds or more, not {seconds!r}")
        self._turn(jump=seconds)

    def monotonic_at(self, service: float) -> float:
        """Return when, on `time.monotonic`, the service time was (or, at the present rate, will be) `service`, s.

        A moment that a jump passed over happened at the jump. One that the present rate never reaches is infinitely
        far away.
        """
        with self._lock:
            stretches = list(self._stretches)
        for this, following in itertools.pairwise(stretches):
            if service < following.service:
                return self._within(this, service, latest=following.monotonic)
        return self._within(stretches[-1], service, latest=math.inf)

    @staticmethod
    def _within(stretch: _Stretch, service: float, latest: float) -> float:
        if service <= stretch.service:
            return stretch.monotonic
        if stretch.rate == 0:
            return latest
        return min(stretch.monotonic + (service - stretch.service) / stretch.rate, latest)

    def _turn(self, *, rate: float | None = None, jump: float = 0.0) -> None:
        with self._lock:
            last, at = self._stretches[-1], time.monotonic()
            service = last.service + (at - last.monotonic) * last.rate + jump
            self._stretches.append(_Stretch(at, service, last.rate if rate is None else rate))

"""The time of day, and a clock for waits, in one place."""

import time
from datetime import UTC, datetime

# A clock that nobody sets, and that goes on while the machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def utcnow() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def clock() -> float:
    """Return the seconds since some moment; they go on while the machine sleeps, and the time of day may be set."""
    return time.clock_gettime(_CLOCK)

"""The time of day, Swift's time, and a clock for waits, in one place."""

import time
from datetime import UTC, datetime, timedelta

# A clock that nobody sets, and that goes on while the machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

EPOCH_OF_MET = datetime(2001, 1, 1, tzinfo=UTC)
MJD_OF_EPOCH = 51910
LEAP_SECONDS = tuple(  # before these days, since 2001
    datetime(*day, tzinfo=UTC) for day in ((2006, 1, 1), (2009, 1, 1), (2012, 7, 1), (2015, 7, 1), (2017, 1, 1))
)


def utcnow() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def clock() -> float:
    """Return the seconds since some moment; they go on while the machine sleeps, and the time of day may be set."""
    return time.clock_gettime(_CLOCK)


def met_to_utc(met: float) -> datetime | None:
    """Return the UTC of a Swift MET (s since 2001-01-01 00:00 UTC, leap seconds included); None beyond the calendar.

    Swift's own clock runs up to some ten seconds off, and its correction (UTCF) is in no answer of the service: the
    result is good to about half a minute.
    """
    try:
        moment = EPOCH_OF_MET + timedelta(seconds=met)
    except (OverflowError, ValueError):
        return None
    return moment - timedelta(seconds=sum(moment > leap for leap in LEAP_SECONDS))


def modified_julian_date(moment: datetime) -> float:
    """Return the MJD of a moment; its scale is that of the moment, UTC as a rule."""
    return MJD_OF_EPOCH + (moment - EPOCH_OF_MET) / timedelta(days=1)

"""How often the service may be asked, and for how long."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from ukssdc.addresses import is_loopback
from ukssdc.errors import InvalidOptions, UKSSDCError
from ukssdc.service import POLL_INTERVAL

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = (10.0, 60.0)  # longest wait for a connection, and for an answer, s
FIRST_BYTE_TIMEOUT = 600.0  # s; large archives are packed on demand (protocol, section 7)
FIRST_BYTE_SETTING = "UKSSDC_FIRST_BYTE_TIMEOUT"
YEAR = 365.25 * 86400  # s
MAX_WAIT = 86400.0  # s; the longest wait, where none is given
MAX_YEARS = 30  # years; very much more is beyond the last date that Python knows


def validate_limits(
    *,
    interval: float,
    max_wait: float,
    no_status_polls: int = 1,
    base_url: str | None = None,
    name: Callable[[str], str] = str,
) -> None:
    """Refuse options that would annoy the service or make no sense, all at once.

    Parameters
    ----------
    interval : float
        Time between two polls, s.
    max_wait : float
        Longest wait, s.
    no_status_polls : int, optional
        How many polls in a row a product may go without a status.
    base_url : str, optional
        Where the service is; without it, an interval is not called too short.
    name : callable, optional
        Makes of an option's name what the user knows it by.

    Raises
    ------
    InvalidOptions
        With a line for each that is wrong.
    """
    problems = [
        f"{name(option)} is {value:g}: give a time in s, above 0 and at most {MAX_YEARS} years"
        for option, value in {"interval": interval, "max_wait": max_wait}.items()
        if not 0 < value <= MAX_YEARS * YEAR
    ]
    if 0 < interval < POLL_INTERVAL and base_url is not None and not is_loopback(base_url):
        problems.append(
            f"{name('interval')} is {interval:g} s, which is too short: the service asks not to be polled more "
            f"often than once a minute. Leave it at {POLL_INTERVAL:g} s or more; only an emulator on this machine may "
            "be polled faster"
        )
    if no_status_polls < 1:
        problems.append(f"{name('no_status_polls')} is {no_status_polls}: give a count, at least 1")
    if problems:
        raise InvalidOptions("\n".join(problems))


def read_timeouts() -> tuple[tuple[float, float], float]:
    """Read UKSSDC_TIMEOUT and UKSSDC_FIRST_BYTE_TIMEOUT, s, as `Client` takes them.

    Raises
    ------
    UKSSDCError
        Where one is no time.
    """
    answer = _read_seconds("UKSSDC_TIMEOUT", TIMEOUT[1])
    return (min(TIMEOUT[0], answer), answer), _read_seconds(FIRST_BYTE_SETTING, FIRST_BYTE_TIMEOUT)


def _read_seconds(setting: str, default: float) -> float:
    text = os.environ.get(setting, "")
    if not text:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise UKSSDCError(f"{setting} is {text!r}: it should be a number of seconds above 0, like {default:g}")
    return seconds

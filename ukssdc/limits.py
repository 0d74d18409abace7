"""How often the service may be asked, and for how long; no Prefect in here."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0  # s; the service asks not to be polled more often (protocol, section 1)
YEAR = 365.25 * 86400  # s
MAX_YEARS = 30  # years; very much more is beyond the last date that Python knows


class InvalidSettings(ValueError):  # noqa: N818 - as InvalidRequest
    """A flow's parameters that would annoy the service or make no sense; nothing has been sent."""


def check_settings(
    *,
    interval: float,
    max_wait: float,
    no_status_polls: int = 1,
    base_url: str | None = None,
    name: Callable[[str], str] = str,
) -> None:
    """Refuse settings that would annoy the service or make no sense, all at once.

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
        Makes of a setting's name what the user knows it by.

    Raises
    ------
    InvalidSettings
        With a line for each setting that is wrong.
    """
    problems = [
        f"{name(setting)} is {value:g}: give a time in s, above 0 and at most {MAX_YEARS} years"
        for setting, value in {"interval": interval, "max_wait": max_wait}.items()
        if not 0 < value <= MAX_YEARS * YEAR
    ]
    if 0 < interval < MINUTE and base_url is not None and not is_loopback(base_url):
        problems.append(
            f"{name('interval')} is {interval:g} s, which is too short: the service asks not to be polled more often "
            f"than once a minute. Leave it at {MINUTE:g} s or more; only an emulator on this machine may be polled "
            "faster"
        )
    if no_status_polls < 1:
        problems.append(f"{name('no_status_polls')} is {no_status_polls}: give a count, at least 1")
    if problems:
        raise InvalidSettings("\n".join(problems))


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False

"""`Retry-After`: how long a server asks to be left alone (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from ukssdc.times import utcnow

MAX_RETRY_AFTER = 365 * 86400.0  # s; more is no answer, and beyond what dates can hold


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how long a server asks to wait.

    Parameters
    ----------
    headers : mapping
        Of its answer; keys in any case, as `requests` has them. A date is compared with the answer's own `Date`, where
        it has one: the two clocks may differ.

    Returns
    -------
    float or None
        From now, s; None where it does not say, or nothing that can be read.
    """
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return min(float(text), MAX_RETRY_AFTER)
    until = _read_date(text)
    if until is None:
        return None
    now = _read_date(headers.get("Date", "")) or utcnow()
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER)


def retry_after_text(seconds: float) -> str:
    """Say until when the service asks to wait: "the service asks to wait until 12:40 UTC"."""
    now = utcnow()
    until = now + timedelta(seconds=seconds + 59)  # the minute that is full by then
    return f"the service asks to wait until {until:{'%H:%M' if until.date() == now.date() else '%Y-%m-%d %H:%M'}} UTC"


def _read_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None

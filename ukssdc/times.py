"""The time of day, in one place."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)

"""Spare a command the second in which Prefect joins its heartbeat thread at a flow's end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Run the flows of the body without heartbeats: they are for a server that looks for dead runs of its workers.

    It is a setting for the time being, as the environment's variable takes numbers only and cannot switch them off.
    """
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: PLC0415 - heavy

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield

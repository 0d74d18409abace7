"""Notice that the run was cancelled in Prefect where Prefect's own watch may be over: after an outage of its server.

What watches a deployed run for its cancellation gives up when the server has been away for some 40 s, and does not come
back; from then on a cancellation in the UI stops nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from ukssdc.errors import UKSSDCError
from ukssdc.times import clock

# Prefect's loggers of what watches a run; each warning of theirs is about a server that is away.
_WATCHERS = ("prefect.FlowRunCancellingObserver", "prefect.FlowRunSuspendingObserver")


class RunCancelled(UKSSDCError):  # noqa: N818 - what happened
    """The run was cancelled in Prefect, and nothing has stopped it."""


class CancellationWatch(logging.Handler):
    """Reads a run's state, once an interval, from when the Prefect server has been away.

    Parameters
    ----------
    run : UUID
        The deployed run: the one that a person cancels in the UI.
    interval : float
        s.
    """

    def __init__(self, run: UUID, interval: float) -> None:
        super().__init__(logging.WARNING)
        self.run = run
        self._interval = interval
        self._next: float | None = None  # None: the server has not been away

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - whatever it says
        """Take note that Prefect's watch says that the server is away."""
        self.note_outage()

    def note_outage(self) -> None:
        """Take note that the server was away: from now on, the state is read."""
        if self._next is None:
            self._next = 0.0

    def raise_if_cancelled(self) -> None:
        """Read the run's state where it is time to; a server that is still away is asked again an interval later.

        Raises
        ------
        RunCancelled
        """
        if self._next is None or clock() < self._next:
            return
        self._next = clock() + self._interval
        try:
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
                state = client.read_flow_run(self.run).state
        except (httpx.HTTPError, PrefectException):
            return
        if state is not None and (state.is_cancelling() or state.is_cancelled()):
            raise RunCancelled("the run was cancelled in Prefect while its server was away, or since")


_watch: ContextVar[CancellationWatch | None] = ContextVar("watch", default=None)


@contextmanager
def watch_cancellation(run: UUID | None, interval: float) -> Iterator[None]:
    """Have a deployed run's cancellation noticed within the body, by `raise_if_cancelled`.

    Parameters
    ----------
    run : UUID or None
        The deployed run; None where nobody can cancel it in the UI.
    interval : float
        How often the run's state is read, at most, s.
    """
    if run is None:
        yield
        return
    watch = CancellationWatch(run, interval)
    loggers = [logging.getLogger(name) for name in _WATCHERS]
    for logger in loggers:
        logger.addHandler(watch)
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
        for logger in loggers:
            logger.removeHandler(watch)


def note_outage() -> None:
    """Take note that a call to the Prefect server has failed."""
    if watch := _watch.get():
        watch.note_outage()


def raise_if_cancelled() -> None:
    """End what runs, if the Prefect server has been away and the run was cancelled there.

    Raises
    ------
    RunCancelled
    """
    if watch := _watch.get():
        watch.raise_if_cancelled()

"""How long a task goes on: growing pauses, few tries for what is spoilt, the longest wait, the life of its run."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import TerminationSignal
from prefect.tasks import Task

from ukssdc import DownloadError, UKSSDCError
from ukssdc.times import utcnow

INTERVAL = 60.0  # s; the service asks not to be polled more often (protocol, section 1)
MAX_WAIT = 86400.0  # s
MAX_CORRUPT = 5  # that are made in any case, after the first one

# The task run, and how many of its tries brought what is spoilt: all of them are made in one context.
_corrupt: ContextVar[tuple[str | None, int]] = ContextVar("corrupt", default=(None, 0))
# Set where the run is stopped; the threads of its tasks have a copy of the context, and so the same event.
_stop: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


class Interrupted(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """The run was stopped in the middle of this."""


class RetriesExhausted(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """What time might have mended has not been mended for as long as the caller was willing to wait."""


def backoff_delays(interval: float) -> list[float]:
    """Return growing pauses between tries, s: 5, 10, 20, 40 for an interval of a minute, then a minute each."""
    return [min(interval / 12 * 2**n, interval) for n in range(MAX_CORRUPT)]


def max_retries(max_wait: float, interval: float) -> int:
    """Return how many tries, at most, fit into a wait; the clock may end it sooner."""
    return math.ceil(max_wait / interval) + MAX_CORRUPT


def is_retryable(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's signature
    """Decide whether a failed task is tried again: only where time can mend it.

    It must be a plain function: Prefect silently never retries for anything else.
    """
    try:
        state.result()
    except Exception as error:  # noqa: BLE001 - whatever it is, the log must say why there is no retry
        if getattr(error, "retryable", False):
            return True
        what = str(error) if isinstance(error, UKSSDCError) else repr(error)
        get_run_logger().error("%s ends, because time cannot mend this: %s", task.name.capitalize(), what)
    return False


@contextmanager
def give_up_after(deadline: datetime | None, *, tries: int = 0) -> Iterator[None]:
    """End the tries of the current task run when there have been enough.

    A service that is away is waited for until the deadline. An archive that is spoilt at the service is fetched again
    only `TRIES` times: each may be gigabytes. Tries that the service was away for do not count among these.

    Parameters
    ----------
    deadline : datetime or None
        UTC; None leaves it to the task's own number of retries.
    tries : int, optional
        How many more tries than the first are made even after the deadline, by a run that goes on late.

    Raises
    ------
    GivenUp
        In the place of an error that may pass.
    """
    try:
        yield
    except UKSSDCError as error:
        tried = runtime.task_run.run_count or 1
        over = deadline is not None and utcnow() >= deadline and tried > tries
        corrupt = isinstance(error, DownloadError) and error.corrupt and _corrupt_so_far() > MAX_CORRUPT
        if not error.retryable or not (over or corrupt):
            raise
        why = ", because the longest wait is over" if over else ""
        raise RetriesExhausted(f"{error}. Given up after {tried} tries{why}") from error


def _corrupt_so_far() -> int:
    """Count one more spoilt answer of the current task run, and return how many there were."""
    run = runtime.task_run.id
    before, count = _corrupt.get()
    count = count + 1 if run == before else 1
    _corrupt.set((run, count))
    return count


@contextmanager
def interruptible() -> Iterator[None]:
    """End what the tasks of other threads are doing, if the body is stopped: Prefect waits for them otherwise."""
    stop = threading.Event()
    token = _stop.set(stop)
    try:
        yield
    except (KeyboardInterrupt, TerminationSignal):
        stop.set()
        raise
    finally:
        _stop.reset(token)


def raise_if_interrupted() -> None:
    """End the current task, if its run has been stopped.

    Raises
    ------
    Stopped
    """
    stop = _stop.get()
    if stop is not None and stop.is_set():
        raise Interrupted("the run was stopped; what has come is kept, and the download goes on from there")

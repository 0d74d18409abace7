"""When and how often something is tried again: growing delays, few tries for what is corrupt, a longest wait."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import TerminationSignal
from prefect.tasks import Task

from ukssdc import DownloadError, UKSSDCError
from ukssdc.errors import NoSlot
from ukssdc.limits import MAX_WAIT
from ukssdc.service import POLL_INTERVAL
from ukssdc.times import clock, utcnow
from xrt_products.tasks.observe.display import show

P = ParamSpec("P")
R = TypeVar("R")

TO_THE_DEADLINE = sys.maxsize  # tries
MAX_CORRUPT = 5  # tries, after the first one, at what comes corrupt; as many are made in any case after the deadline

# The task run, and how many of its tries brought what is corrupt: all of them are made in one context.
_corrupt: ContextVar[tuple[str | None, int]] = ContextVar("corrupt", default=(None, 0))
# The task run that the service has asked to wait, until when on `clock`, and the error that said so.
_asked_to_wait: ContextVar[tuple[str | None, float, UKSSDCError]] = ContextVar(
    "asked_to_wait", default=(None, 0.0, UKSSDCError())
)
# Set where the run is interrupted; the threads of its tasks have a copy of the context, and so the same event.
_interrupt: ContextVar[threading.Event | None] = ContextVar("interrupt", default=None)


class Interrupted(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """The run was interrupted in the middle of this."""


class RetriesExhausted(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """What may pass has not passed for as long as the caller was willing to wait."""


def backoff_delays(interval: float) -> list[float]:
    """Return growing delays between tries, s: 5, 10, 20, 40 for an interval of a minute, then a minute each."""
    return [min(interval / 12 * 2**n, interval) for n in range(MAX_CORRUPT)]


def max_retries(max_wait: float, interval: float) -> int:
    """Return how many retries, at most, fit into a wait; the clock may end it sooner."""
    return math.ceil(max_wait / interval) + MAX_CORRUPT


def is_retryable(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:
    """Decide whether a failed task is tried again: only where the error says that it may pass.

    It must be a plain function: Prefect silently never retries for anything else.
    """
    try:
        state.result()
    except Exception as error:  # noqa: BLE001 - whatever it is, the log must say why there is no retry
        if getattr(error, "retryable", False):
            failed, delay = error, _retry_delay(task, task_run)
            show(lambda display: display.retry(task_run.name, failed, delay))
            return True
        if isinstance(error, Interrupted):
            return False
        what = str(error) if isinstance(error, UKSSDCError) else repr(error)
        get_run_logger().error("Not retrying %s: %s", task.name, what)
    return False


def _retry_delay(task: Task[Any, Any], task_run: TaskRun) -> float:
    """Return how long Prefect waits after a failed try, s."""
    delays = task.retry_delay_seconds
    if isinstance(delays, list):
        return float(delays[min(max(task_run.run_count, 1), len(delays)) - 1]) if delays else 0.0
    return float(delays or 0.0) if not callable(delays) else 0.0


def retried_task(
    *, name: str, task_run_name: str | Callable[[], str], description: str, backoff: bool = True
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task that is tried again for a day by default, once an interval; nothing of it is cached or persisted.

    Parameters
    ----------
    name, task_run_name, description : str
        As for `prefect.task`.
    backoff : bool, optional
        Whether the delays grow up to the interval, or are the interval from the beginning.
    """
    return task(
        name=name,
        task_run_name=task_run_name,
        description=description,
        retries=max_retries(MAX_WAIT, POLL_INTERVAL),
        retry_delay_seconds=backoff_delays(POLL_INTERVAL) if backoff else POLL_INTERVAL,
        retry_condition_fn=is_retryable,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


@contextmanager
def give_up_after(deadline: datetime | None, *, tries: int = 0, refused_tries: int = 1) -> Iterator[None]:
    """End the tries of the current task run when there have been enough.

    A service that is away is waited for until the deadline. An archive that is corrupt at the service is fetched again
    only `MAX_CORRUPT` times: each may be gigabytes. Tries that the service was away for do not count among these.

    Parameters
    ----------
    deadline : datetime or None
        UTC; None leaves it to the task's own number of retries.
    tries : int, optional
        How many more tries than the first are made even after the deadline, by a run that goes on late.
    refused_tries : int, optional
        How many tries are made where the service refuses; more than one for a deployed run's first call, which may meet
        the service's maintenance, and `TO_THE_DEADLINE` where it has answered before: then it is the service's trouble.

    Raises
    ------
    RetriesExhausted
        In the place of an error that is retryable.
    """
    try:
        _wait_as_asked()
        yield
    except UKSSDCError as error:
        tried = runtime.task_run.run_count or 1
        if error is not _asked_to_wait.get()[2]:  # which has been noted
            _note_wait(error)
        if error.refusal and tried < refused_tries:
            error.retryable = True
        over = deadline is not None and utcnow() >= deadline and tried > tries
        corrupt = isinstance(error, DownloadError) and error.corrupt and _corrupt_so_far() > MAX_CORRUPT
        if not error.retryable or not (over or corrupt) or isinstance(error, NoSlot):  # which says so itself
            raise
        why = ", because the longest wait is over" if over else ""
        raise RetriesExhausted(f"{error}. Given up after {tried} tries{why}") from error


def _wait_as_asked() -> None:
    """Let a try pass that would come sooner than the service has asked for (Retry-After), without a call."""
    run, until, error = _asked_to_wait.get()
    if run is not None and run == runtime.task_run.id and clock() < until:
        raise error


def _note_wait(error: UKSSDCError) -> None:
    seconds = error.retry_after
    if error.retryable and seconds:
        _asked_to_wait.set((runtime.task_run.id, clock() + seconds, error))


def _corrupt_so_far() -> int:
    """Count one more corrupt answer of the current task run, and return how many there were."""
    run = runtime.task_run.id
    before, count = _corrupt.get()
    count = count + 1 if run == before else 1
    _corrupt.set((run, count))
    return count


@contextmanager
def interruptible() -> Iterator[None]:
    """End what the tasks of other threads are doing, if the body is interrupted: Prefect waits for them otherwise."""
    interrupt = threading.Event()
    token = _interrupt.set(interrupt)
    try:
        yield
    except (KeyboardInterrupt, TerminationSignal):
        interrupt.set()
        raise
    finally:
        _interrupt.reset(token)


def raise_if_interrupted() -> None:
    """End the current task, if its run has been interrupted.

    Raises
    ------
    Interrupted
    """
    interrupt = _interrupt.get()
    if interrupt is not None and interrupt.is_set():
        raise Interrupted("the run was interrupted; what has come is kept, and the download goes on from there")

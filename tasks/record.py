"""Put something on record: where there is no room at the moment, it is waited for as for everything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from ukssdc import UKSSDCError
from xrt_products.tasks.retry import MAX_CORRUPT, backoff_delays, give_up_after, max_retries, retried_task

R = TypeVar("R")


def put_on_record(write: Callable[[], R], deadline: datetime, max_wait: float, interval: float) -> R:
    """Write now, or, where the file system says that it may pass, by a task that is tried again.

    Parameters
    ----------
    write : callable
        Writes, and may be called again.
    deadline : datetime
        When to give up, UTC; some tries are made even after it.
    max_wait, interval : float
        As for `xrt_products.request_products`, s.

    Raises
    ------
    UKSSDCError
        What is not to be mended by waiting.
    RetriesExhausted
        The deadline is over.
    """
    try:
        return write()
    except UKSSDCError as error:
        if not error.retryable:
            raise
    again = _write_again.with_options(
        retries=max_retries(max_wait, interval), retry_delay_seconds=backoff_delays(interval)
    )
    return again(write, deadline)


@retried_task(
    name="write record",
    task_run_name="write record",
    description="Write to the job's folder once there is room.",
)
def _write_again(write: Callable[[], R], deadline: datetime) -> R:
    with give_up_after(deadline, tries=MAX_CORRUPT):
        return write()

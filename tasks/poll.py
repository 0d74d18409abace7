"""Poll a job's status: Prefect's retries are the loop, one minute apart."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from tasks.account import Account, client_for
from tasks.watch import Watch
from ukssdc import JobStatus, UKSSDCError

INTERVAL = 60.0  # s; the service asks not to be polled more often (protocol, section 1)
MAX_WAIT = 86400.0  # s


class ProductsPending(Exception):  # noqa: N818 - no error: it tells Prefect to ask again later
    """Nothing new yet; its text is the state of the job, because Prefect logs it at each retry."""


def time_can_mend(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's signature
    """Decide whether a failed poll is tried again: only what time can mend.

    It must be a plain function: Prefect silently never retries for anything else.
    """
    try:
        state.result()
    except ProductsPending:
        return True
    except UKSSDCError as error:
        if not error.may_pass:
            get_run_logger().error("Polling ends, because time cannot mend this: %s", error)
        return error.may_pass
    except Exception as error:  # noqa: BLE001 - whatever it is, the log must say why there is no retry
        get_run_logger().error("Polling ends: %r", error)
        return False
    return False


@task(
    name="poll status",
    task_run_name="poll job {watch.job.job_id}",
    description="Ask once a minute, in one call, where all pending products stand; retries are the loop.",
    retries=int(MAX_WAIT / INTERVAL),
    retry_delay_seconds=INTERVAL,
    retry_condition_fn=time_can_mend,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def poll_status(watch: Watch, account: Account = None) -> JobStatus:
    """Make one status call for all pending products.

    Parameters
    ----------
    watch : Watch
        The job, what is pending, and the deadline; the answer is noted in it and in `job.json`.
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.

    Returns
    -------
    JobStatus
        When something has settled, or when the longest wait is over; then perhaps with nothing settled.

    Raises
    ------
    ProductsPending
        Nothing has settled yet: Prefect asks again after the interval.
    ServiceError, TransportError, ProtocolError
    """
    if watch.expired:
        return watch.status
    if watch.too_early:
        raise ProductsPending(str(watch))
    try:
        with client_for(account) as client:
            watch.poll(lambda pending: client.status(watch.job, pending))
    except UKSSDCError as error:
        if error.may_pass and watch.expired:
            return watch.status
        raise
    watch.board.show(watch.status)
    if watch.settled or watch.expired:
        return watch.status
    raise ProductsPending(str(watch))

"""Poll a job's status: Prefect's retries are the loop, one minute apart."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from ukssdc import Job, JobStatus, Product, StatusCode, UKSSDCError
from ukssdc.record.record import open_record
from ukssdc.times import utcnow
from ukssdc.tracker import JobTracker
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.observe.display import show
from xrt_products.tasks.retry import INTERVAL, MAX_WAIT, give_up_after, is_retryable


class ProductsPending(Exception):  # noqa: N818 - no error: it tells Prefect to ask again later
    """Nothing new yet; its text is the state of the job, because Prefect logs it at each retry."""

    retryable = True


@task(
    name="poll status",
    task_run_name="poll job {watch.job.job_id}",
    description="Ask once a minute, in one call, where all pending products stand; retries are the loop.",
    retries=int(MAX_WAIT / INTERVAL),
    retry_delay_seconds=INTERVAL,
    retry_condition_fn=is_retryable,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def poll_status(watch: JobTracker, account: Account = None) -> JobStatus:
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
    if watch.deadline_passed:
        return watch.status
    if watch.poll_too_soon:
        raise ProductsPending(str(watch))
    try:
        with client_for(account) as client:
            watch.poll(lambda pending: client.status(watch.job, pending))
    except UKSSDCError as error:
        if error.retryable and watch.deadline_passed:
            return watch.status
        raise
    watch.board.show(watch.status)
    show(lambda display: display.status(watch.job, watch.status))
    if watch.settled or watch.deadline_passed:
        return watch.status
    raise ProductsPending(str(watch))


@task(
    name="look at job",
    task_run_name="look at job {job.job_id}",
    description="See whether anything is left to wait for, or to fetch, of a job that an earlier run left unfinished.",
    retries=int(MAX_WAIT / INTERVAL),
    retry_delay_seconds=INTERVAL,
    retry_condition_fn=is_retryable,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def can_resume(
    job: Job, directory: Path, account: Account = None, interval: float = INTERVAL, deadline: datetime | None = None
) -> bool:
    """Tell whether a job has products to wait for or to fetch; put it on record where all the rest was cancelled.

    Parameters
    ----------
    job : Job
    directory : Path
        The job's folder.
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.
    interval : float, optional
        Shortest time between two polls, s; a job that was polled only just now is not asked about.
    deadline : datetime, optional
        When to give up on a service that is away, UTC.

    Raises
    ------
    ServiceError, TransportError, ProtocolError
    GivenUp
        The service stays away.
    """
    with open_record(directory, job) as record:
        if record.last_poll is not None and (utcnow() - record.last_poll).total_seconds() < interval:
            return True
    with give_up_after(deadline), client_for(account) as client:
        status = client.status(job)
    with open_record(directory, job) as record:
        record.last_poll = utcnow()
        cancelled = {Product(p) for p, s in status.items() if s.status_code == StatusCode.CANCELLED}
        if not cancelled.issuperset(set(job.products) - set(record.files)):
            return True
        record.outcomes |= dict.fromkeys(record.files, "downloaded") | dict.fromkeys(cancelled, "cancelled")
    return False

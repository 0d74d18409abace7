"""collect_products: take up a job that exists already; cancel_products: let go of one."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from datetime import datetime, timedelta
from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.follow import OnFailure, Plan, follow, run_began
from flows.polite import check_settings
from flows.stopping import PATIENCE, cancel_job_with_run
from tasks import Account, JobReport, cancel_job
from tasks.account import client_for
from tasks.labels import label_flow_run
from tasks.notify import Notify
from tasks.patience import INTERVAL, MAX_WAIT, patience, pauses, time_can_mend, tries_within
from ukssdc import ArchiveFormat, CancelReport, IfExists, Job, Products


@task(
    name="find job",
    task_run_name="find job {job_id}",
    description="Look a job up at the service by its number.",
    retries=int(MAX_WAIT / INTERVAL),
    retry_delay_seconds=pauses(INTERVAL),
    retry_condition_fn=time_can_mend,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def find_job(job_id: int, account: Account = None, deadline: datetime | None = None) -> Job:
    """Look a job up at the service by its number; until the deadline, where the service is away."""
    with patience(deadline):
        return client_for(account).attach(job_id)


@flow(
    name="collect products",
    flow_run_name="collect job {job_id}",
    description="Take up a job by its number: poll what is pending, download, report or pass over each product.",
    on_cancellation=[cancel_job_with_run],
)
def collect_products(
    job_id: int,
    destination: Path = Path("products"),
    account: Account = None,
    interval: float = INTERVAL,
    max_wait: float = MAX_WAIT,
    no_status_polls: int = 3,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    on_failure: OnFailure = "raise",
    cancel_with_run: bool = True,
    extract: bool = False,
    notify: Notify | None = None,
    quicklook: bool = True,
) -> JobReport:
    """Take up a job that exists already, and bring each of its products to its end.

    Parameters
    ----------
    job_id : int
        The service's number for the job.
    destination, account, interval, max_wait, no_status_polls, format, if_exists, on_failure
        As for `request_products`.
    cancel_with_run, extract, notify, quicklook
        As for `request_products`.

    Returns
    -------
    JobReport

    Raises
    ------
    ProductsFailed
        A product failed or timed out; its `.report` holds the whole.
    ServiceError
        There is no such job, or it is someone else's.
    TransportError, ProtocolError
    """
    plan = Plan(
        destination,
        account,
        interval,
        max_wait,
        no_status_polls,
        format,
        if_exists,
        on_failure,
        cancel_with_run,
        extract,
        notify,
        quicklook,
    )
    plan.check()
    find = find_job.with_options(retries=plan.tries, retry_delay_seconds=pauses(interval))
    job = find(job_id, account, run_began() + timedelta(seconds=max_wait))
    label_flow_run(job)
    return follow(job, plan)


@flow(
    name="cancel products",
    flow_run_name="cancel job {job_id}",
    description="Tell the UKSSDC that a job's products are not wanted any more.",
)
def cancel_products(
    job_id: int,
    products: Products = "all",
    account: Account = None,
    interval: float = INTERVAL,
    max_wait: float = PATIENCE.total_seconds(),
) -> CancelReport:
    """Cancel a job's products at the service.

    Parameters
    ----------
    job_id : int
    products : "all" or list of str, optional
        "all", or a list of product names.
    account : str, UKSSDCAccount or None, optional
    interval : float, optional
        Longest pause between two tries where the service cannot be reached, s.
    max_wait : float, optional
        How long to try, s.

    Returns
    -------
    CancelReport
        What became of each; that some could not be cancelled is no error.

    Raises
    ------
    InvalidSettings
        For a pause or a wait that makes no sense, or would annoy the service.
    ServiceError
        There is no such job, or it is someone else's.
    TransportError, ProtocolError
    """
    check_settings(interval=interval, max_wait=max_wait, base_url=client_for(account).base_url)
    tries, delays = tries_within(max_wait, interval), pauses(interval)
    deadline = run_began() + timedelta(seconds=max_wait)
    find = find_job.with_options(retries=tries, retry_delay_seconds=delays)
    cancel = cancel_job.with_options(retries=tries, retry_delay_seconds=delays)
    return cancel(find(job_id, account, deadline), products, account, deadline)

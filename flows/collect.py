"""collect_products: take up a job that exists already; cancel_products: let go of one."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.follow import OnFailure, Plan, follow
from flows.hooks import cancel_job_with_run
from tasks import Account, JobReport, cancel_job
from tasks.account import client_for
from tasks.download import TRIES, another_try_may_help, pauses
from tasks.labels import label_flow_run
from tasks.notify import Notify
from tasks.poll import INTERVAL, MAX_WAIT
from ukssdc import ArchiveFormat, CancelReport, IfExists, Job, Products


@task(
    name="find job",
    task_run_name="find job {job_id}",
    description="Look a job up at the service by its number.",
    retries=TRIES,
    retry_delay_seconds=pauses(INTERVAL),
    retry_condition_fn=another_try_may_help,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def find_job(job_id: int, account: Account = None) -> Job:
    """Look a job up at the service by its number."""
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
    job = find_job.with_options(retry_delay_seconds=pauses(interval))(job_id, account)
    label_flow_run(job)
    return follow(job, plan)


@flow(
    name="cancel products",
    flow_run_name="cancel job {job_id}",
    description="Tell the UKSSDC that a job's products are not wanted any more.",
)
def cancel_products(
    job_id: int, products: Products = "all", account: Account = None, interval: float = INTERVAL
) -> CancelReport:
    """Cancel a job's products at the service.

    Parameters
    ----------
    job_id : int
    products : "all" or list of str, optional
        "all", or a list of product names.
    account : str, UKSSDCAccount or None, optional
    interval : float, optional
        What the pauses are measured by where the service cannot be reached, s.

    Returns
    -------
    CancelReport
        What became of each; that some could not be cancelled is no error.

    Raises
    ------
    ServiceError
        There is no such job, or it is someone else's.
    TransportError, ProtocolError
    """
    delays = pauses(interval)
    job = find_job.with_options(retry_delay_seconds=delays)(job_id, account)
    return cancel_job.with_options(retry_delay_seconds=delays)(job, products, account)

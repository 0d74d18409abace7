"""collect_products: take up a job that exists already."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from datetime import timedelta
from pathlib import Path

from prefect import flow

from ukssdc import ArchiveFormat, IfExists
from ukssdc.outcomes import JobReport
from xrt_products.flows.cancel import cancel_job_with_run
from xrt_products.flows.follow import OnFailure, Plan, follow
from xrt_products.tasks.account import Account
from xrt_products.tasks.find import find_job
from xrt_products.tasks.flow_run import label_flow_run, run_began
from xrt_products.tasks.observe.notifications import Notify
from xrt_products.tasks.retry import INTERVAL, MAX_WAIT, backoff_delays


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
    find = find_job.with_options(retries=plan.tries, retry_delay_seconds=backoff_delays(interval))
    job = find(job_id, account, run_began() + timedelta(seconds=max_wait))
    label_flow_run(job)
    return follow(job, plan)

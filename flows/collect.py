"""collect_products: take up a job that exists already."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from datetime import timedelta
from pathlib import Path

from prefect import flow

from ukssdc import ArchiveFormat, IfExists
from ukssdc.limits import MAX_WAIT
from ukssdc.outcomes import JobReport
from ukssdc.service import POLL_INTERVAL
from ukssdc.tracker import NO_STATUS_POLLS
from xrt_products.flows.cancel import cancel_job_with_run
from xrt_products.flows.follow import SOFTWARE, OnFailure, end_without_report, follow, products_folder
from xrt_products.flows.interrupt import commands, handle_interrupt
from xrt_products.flows.options import FollowOptions
from xrt_products.tasks.account import Account
from xrt_products.tasks.cancellation import RunCancelled, watch_cancellation
from xrt_products.tasks.find import find_job
from xrt_products.tasks.flow_run import DEPLOYED_TRIES, deployed_run, is_deployed, label_flow_run, run_began
from xrt_products.tasks.observe.notifications import Notify
from xrt_products.tasks.results import RESULTS
from xrt_products.tasks.retry import backoff_delays, max_retries


@flow(
    name="collect products",
    flow_run_name="collect job {job_id}",
    description="Take up a job by its number: poll what is pending, download, report or pass over each product.",
    on_cancellation=[cancel_job_with_run],
    persist_result=True,
    result_serializer=RESULTS,
)
def collect_products(
    job_id: int,
    destination: Path = Path("products"),
    account: Account = None,
    interval: float = POLL_INTERVAL,
    max_wait: float = MAX_WAIT,
    no_status_polls: int = NO_STATUS_POLLS,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    on_failure: OnFailure = "raise",
    cancel_with_run: bool = False,
    extract: bool = False,
    notify: Notify | None = None,
    quicklook: bool = True,
) -> JobReport:
    """Take up a job that exists already, and bring each of its products to its end.

    Args:
        job_id: The service's number for the job.
        destination: Files go to `{destination}/{target}/{job number}/`.
        account: A block's name, a block, or, by default, the environment: UKSSDC_USER, UKSSDC_URL.
        interval: Time between two polls, s; 60 or more, except against an emulator on this machine.
        max_wait: Longest wait, s; what is still pending then is reported, and the job goes on at the service.
        no_status_polls: How many polls in a row a product may go without a status before it counts as failed.
        format: Archive format: tar.gz, tar or zip.
        if_exists: What to do about a file that is there already: skip, replace or error.
        on_failure: Whether failed products fail the flow ("raise"), after everything else is on disk, or only stand in
            the report ("return").
        cancel_with_run: Whether cancelling the flow run cancels the job at the service as well, products already
            complete excepted; not by default, as this run has not submitted it.
        extract: Whether to unpack the archives as well, each into a folder beside it: `lc/` beside `lc.tar.gz`.
        notify: Notify on failure: a Prefect notification block (`slack-webhook/ops`), or an Apprise URL, in a SecretStr
            where it holds a password.
        quicklook: Whether to show the results as pictures and tables, in the job's folder and in the Prefect UI.

    Returns
    -------
        The job, and one outcome per product.

    Raises
    ------
        ProductsFailed: A product failed or timed out; its `.report` holds the whole.
        InvalidOptions: An option is wrong; nothing was sent.
        ServiceError: There is no such job, or it is someone else's.
        RetriesExhausted: The service could not be reached.
    """
    options = FollowOptions(
        destination=destination,
        account=account,
        interval=interval,
        max_wait=max_wait,
        no_status_polls=no_status_polls,
        format=format,
        if_exists=if_exists,
        cancel_with_run=cancel_with_run,
        extract=extract,
        notify=notify,
        quicklook=quicklook,
    )
    products = products_folder(options)
    find = find_job.with_options(retries=max_retries(max_wait, interval), retry_delay_seconds=backoff_delays(interval))
    with handle_interrupt(lambda: f"job {job_id} goes on at the service\n{commands(job_id, options)}"):
        folder = products.folder_of(
            find(job_id, account, run_began() + timedelta(seconds=max_wait), DEPLOYED_TRIES if is_deployed() else 1)
        )
    label_flow_run(folder.job)
    try:
        with watch_cancellation(deployed_run(), interval):
            [report] = follow([folder.begin(None, SOFTWARE)], options)
    except RunCancelled as error:
        return end_without_report(error)  # type: ignore[no-any-return]  # a state is the end of a run
    return report if on_failure == "return" else report.raise_for_failures()

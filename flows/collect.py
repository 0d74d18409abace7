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
from xrt_products.flows.followed_job import on_record
from xrt_products.flows.form import AccountField, NotifyField, PublishField
from xrt_products.flows.interrupt import call_interrupted, commands, handle_interrupt
from xrt_products.flows.options import FollowOptions
from xrt_products.flows.publish import fetch_records
from xrt_products.tasks.cancellation import RunCancelled, watch_cancellation
from xrt_products.tasks.find import find_job
from xrt_products.tasks.flow_run import DEPLOYED_TRIES, deployed_run, is_deployed, label_flow_run, run_began
from xrt_products.tasks.results import RESULTS
from xrt_products.tasks.retry import backoff_delays, max_retries


@flow(
    name="collect products",
    flow_run_name="collect job {job_id}",
    description="Take up a job by its number: poll what is pending, download, report or pass over each product.",
    on_cancellation=[cancel_job_with_run],
    on_crashed=[call_interrupted],
    persist_result=True,
    result_serializer=RESULTS,
)
def collect_products(
    job_id: int,
    destination: Path = Path("products"),
    account: AccountField = None,
    interval: float = POLL_INTERVAL,
    max_wait: float = MAX_WAIT,
    no_status_polls: int = NO_STATUS_POLLS,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    on_failure: OnFailure = "raise",
    cancel_with_run: bool = False,
    extract: bool = False,
    notify: NotifyField = None,
    quicklook: bool = True,
    publish: PublishField = None,
) -> JobReport:
    """Take up a job that exists already, and bring each of its products to its end.

    Args:
        job_id: The service's number for the job. Example: 951.
        destination: Folder on the worker for the files, which go to `DESTINATION/TARGET/JOB/`. Where it is relative, it
            begins where the flow was deployed. Example: products.
        account: Whose job it is: the registered address that the worker has in UKSSDC_USER, or a block of the type
            UKSSDC account, by name (example: leicester) or chosen. Never an e-mail address: Prefect's server stores and
            shows what is given here.
        interval: Time between two polls, at least 60; less only against an emulator on the same machine. Unit: s.
        max_wait: Longest wait; what is still pending then is reported, and goes on at the service. Unit: s. Example:
            86400, a day.
        no_status_polls: How many polls in a row may bring no status of a product before it counts as failed. Example:
            3.
        format: Format of the archives.
        if_exists: What to do about a file that is there already: keep it (skip), fetch it anew (replace), or fail
            (error).
        on_failure: What failed products lead to once all others are on disk: the flow fails (raise), or they only stand
            in its report (return).
        cancel_with_run: Cancel the job at the service when the run is cancelled; what is complete by then stays. Off,
            because this run did not submit the job.
        extract: Unpack the archives as well, each into a folder beside it: `lc/` beside `lc.tar.gz`.
        notify: Whom to tell of a failure: a notification block (example: slack-webhook/ops), or an Apprise URL. A URL
            with a password belongs into a block: Prefect's server stores and shows what is given here.
        quicklook: Show the results as pictures and tables, in the job's folder and in the run's artifacts.
        publish: Where to copy products, quick look and `job.json` as well, each whole or not at all; a URL of fsspec.
            What is there already is not downloaded again. Example: s3://bucket/xrt. Credentials come from the worker's
            environment; they are never part of the URL.

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
        publish=publish,
        notify=notify,
        quicklook=quicklook,
    )
    products = products_folder(options)
    find = find_job.with_options(retries=max_retries(max_wait, interval), retry_delay_seconds=backoff_delays(interval))
    with handle_interrupt(lambda: f"job {job_id} goes on at the service\n{commands(job_id, options)}"):
        fetch_records(products, job_id, options)
        folder = products.folder_of(
            find(job_id, account, run_began() + timedelta(seconds=max_wait), DEPLOYED_TRIES if is_deployed() else 1)
        )
    label_flow_run([folder.job])
    try:
        with watch_cancellation(deployed_run(), interval):
            [report] = follow([on_record(lambda: folder.begin(None, SOFTWARE), options)], options)
    except RunCancelled as error:
        return end_without_report(error)  # type: ignore[no-any-return]  # a state is the end of a run
    return report if on_failure == "return" else report.raise_for_failures()

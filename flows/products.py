"""request_products: submit -> poll -> branch, the reusable flow."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from prefect import flow, get_run_logger

from ukssdc import ArchiveFormat, IfExists, ProductRequest
from ukssdc.errors import InvalidOptions, JobInProgress
from ukssdc.limits import MAX_WAIT
from ukssdc.outcomes import JobReport
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.slots import MAX_ACTIVE, SubmissionSlot
from ukssdc.tracker import NO_STATUS_POLLS, JobTracker
from xrt_products.flows.cancel import cancel_job_with_run, submitted_by
from xrt_products.flows.follow import SOFTWARE, OnFailure, end_without_report, follow, products_folder
from xrt_products.flows.followed_job import on_record
from xrt_products.flows.form import AccountField, NotifyField, PublishField
from xrt_products.flows.interrupt import call_interrupted, handle_interrupt, job_goes_on
from xrt_products.flows.options import FollowOptions
from xrt_products.flows.publish import fetch_records, publish_pending, resolve_submission
from xrt_products.flows.request import Request, log_refused_request
from xrt_products.tasks.account import client_for
from xrt_products.tasks.cancellation import RunCancelled, watch_cancellation
from xrt_products.tasks.flow_run import (
    DEPLOYED_TRIES,
    deployed_run,
    flow_run,
    is_deployed,
    label_flow_run,
    labelled_urls,
    run_began,
)
from xrt_products.tasks.results import RESULTS
from xrt_products.tasks.resume import can_resume
from xrt_products.tasks.retry import max_retries
from xrt_products.tasks.shared_limit import SharedLimit
from xrt_products.tasks.slot import wait_for_slot
from xrt_products.tasks.submit import PriorSubmissions, submit_request

FOLDER = "{name}"
UNKNOWN_IF_SENT = (
    "whether the service has the request, `xrt-products jobs` shows. The same request, run again, looks for its job "
    "before it submits one"
)


@flow(
    name="request products",
    flow_run_name="{request.name}",
    description="Ask the UKSSDC for Swift-XRT products, poll once a minute, and download, report or pass over each.",
    on_cancellation=[cancel_job_with_run],
    on_crashed=[call_interrupted],
    persist_result=True,
    result_serializer=RESULTS,
    on_failure=[log_refused_request],
)
def request_products(
    request: Request,
    destination: Path = Path("products"),
    account: AccountField = None,
    interval: float = POLL_INTERVAL,
    max_wait: float = MAX_WAIT,
    no_status_polls: int = NO_STATUS_POLLS,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    on_failure: OnFailure = "raise",
    fresh: bool = False,
    cancel_with_run: bool = True,
    extract: bool = False,
    notify: NotifyField = None,
    quicklook: bool = True,
    max_active: int = MAX_ACTIVE,
    folder: str = FOLDER,
    publish: PublishField = None,
) -> JobReport:
    """Ask for products, wait for them, and bring each to its end.

    Args:
        request: What to build, of which target. Fill in the form; or give a YAML or JSON file on the worker, by name,
            or its text. Python may give a ProductRequest or a dict.
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
        fresh: Submit a new job even where an earlier run with the same request and destination has left one unfinished.
        cancel_with_run: Cancel the job at the service when the run is cancelled; what is complete by then stays.
        extract: Unpack the archives as well, each into a folder beside it: `lc/` beside `lc.tar.gz`.
        notify: Whom to tell of a failure: a notification block (example: slack-webhook/ops), or an Apprise URL. A URL
            with a password belongs into a block: Prefect's server stores and shows what is given here.
        quicklook: Show the results as pictures and tables, in the job's folder and in the run's artifacts.
        max_active: How many of the account's jobs may be active at the service at once; where as many are, the request
            waits. The service asks for 5.
        folder: The target's folder below the destination, with parameters in braces. Example: M82/{Spectrum.useObs}.
        publish: Where to copy products, quick look and `job.json` as well, each whole or not at all; a URL of fsspec.
            What is there already is not downloaded again. Example: s3://bucket/xrt. Credentials come from the worker's
            environment; they are never part of the URL.

    Returns
    -------
        The job, and one outcome per product.

    Raises
    ------
        ProductsFailed: A product failed or timed out; its `.report` holds the whole.
        InvalidRequest: The request is wrong; nothing was sent.
        InvalidOptions: An option is wrong; nothing was sent.
        JobInProgress: Another run that is still going has the same request and destination. A deployment's own run ends
            as *Skipped* instead, without a report.
        NoSlot: As many jobs are active as may be, until the longest wait was over; nothing was sent.
        SubmissionRefused: The service refused the request.
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
    if max_active < 1:
        raise InvalidOptions(f"max_active is {max_active}: give a count, at least 1")
    products = replace(products_folder(options), target=_target_folder(request, folder))
    run, body, service = flow_run(), request.body, client_for(account).base_url
    try:
        with (
            handle_interrupt(lambda: "nothing has been submitted"),
            products.claim(request.name, body, service, f"the run {run.name!r}") as claim,
            closing(SubmissionSlot(service, max_active, SharedLimit(service).hold)) as slot,
            watch_cancellation(deployed_run(), interval),
        ):
            fetch_records(products, request.name, options)
            job_folder = (
                _job_of_this_run(request, products)
                or _unfinished_job(request, products, options, fresh=fresh)
                or _submit(request, products, options, slot, fresh=fresh)
            )
            claim.note_job(job_folder.job.job_id)
            begun = on_record(lambda: job_folder.begin(body, SOFTWARE), options)
            [report] = follow([begun], options, slot)
    except (JobInProgress, RunCancelled) as error:
        return end_without_report(error)  # type: ignore[no-any-return]  # a state is the end of a run
    return report if on_failure == "return" else report.raise_for_failures()


def _target_folder(request: ProductRequest, folder: str) -> str | None:
    """Return the target's folder below the destination; None where it is called as the target.

    Raises
    ------
    InvalidOptions
        Where the pattern is none, or names what the request does not have.
    """
    if folder == FOLDER:
        return None
    from ukssdc.campaign import InvalidCampaign, check_rows, flatten_request  # noqa: PLC0415 - it takes its time

    try:
        [row] = check_rows([flatten_request(request)], None, folder)
    except InvalidCampaign as error:
        raise InvalidOptions("; ".join(mistake.problem for mistake in error.mistakes)) from None
    return row.folder


def _job_of_this_run(request: ProductRequest, products: ProductsFolder) -> JobFolder | None:
    """Find the job that this very flow run had before it was interrupted; None where it had none on record."""
    return next((found for url in labelled_urls(flow_run()) if (found := products.find(request.name, url))), None)


def _unfinished_job(
    request: ProductRequest, products: ProductsFolder, options: FollowOptions, *, fresh: bool
) -> JobFolder | None:
    """Find the job that an earlier run with the same request and destination has left; None where there is none."""
    log = get_run_logger()
    service = client_for(options.account).base_url
    folder = products.find_unfinished(request.name, request.body, service)
    if folder is None or fresh:
        return None
    check = can_resume.with_options(
        retries=max_retries(options.max_wait, options.interval), retry_delay_seconds=options.interval
    )
    deadline = run_began() + timedelta(seconds=options.max_wait)
    tracker = JobTracker(folder.job, folder, interval=options.interval, max_wait=options.max_wait)
    with handle_interrupt(lambda: job_goes_on([folder], pending=True, options=options)):
        resumable = check(folder, tracker, options.account, deadline)
    if not resumable:
        over = "is gone at the service" if tracker.gone else "was cancelled"
        log.warning("What an earlier run left unfinished of %s %s: submitting a new job", folder.job, over)
        return None
    log.warning("Resuming %s, which an earlier run left unfinished; fresh=True submits a new job", folder.job)
    label_flow_run([folder.job])
    return folder


def _submit(
    request: ProductRequest, products: ProductsFolder, options: FollowOptions, slot: SubmissionSlot, *, fresh: bool
) -> JobFolder:
    """Submit a request; from before it is sent until its job is on record, the submission is in the journal."""
    run, body = flow_run(), request.body
    retries, delay = max_retries(options.max_wait, options.interval), options.interval
    deadline = run_began() + timedelta(seconds=options.max_wait)
    journal = products.journal(request.name, body, run=str(run.id), since=run_began(), until=deadline)
    sent = False
    with (
        journal as pending,
        handle_interrupt(
            lambda: UNKNOWN_IF_SENT if sent else "nothing has been submitted",
            submitted_by(request, run),
            options.account,
            then=pending.resolve,
        ),
    ):
        prior = PriorSubmissions(() if fresh else pending.orphaned, products)
        if not prior.orphaned and run.run_count <= 1:  # otherwise the job may be there, and have its slot
            tries = DEPLOYED_TRIES if is_deployed() else 1
            wait = wait_for_slot.with_options(retries=retries, retry_delay_seconds=delay)
            wait(slot, options.account, deadline, tries)
        submit = submit_request.with_options(retries=retries, retry_delay_seconds=delay)
        publish_pending(pending, options)
        sent = True
        folder = products.folder_of(submit(request, options.account, deadline, prior, slot))
        begun = on_record(lambda: folder.begin(body, SOFTWARE), options)
        resolve_submission(pending, begun, options)
    return begun

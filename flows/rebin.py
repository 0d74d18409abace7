"""rebin_light_curve: bin a job's complete light curve anew; and the hook that cancels a rebinning with its run."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
from prefect import Flow, State, flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectException
from prefect.logging.loggers import flow_run_logger
from prefect.settings import PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW, temporary_settings
from pydantic import BeforeValidator

from ukssdc import Job, Product, Rebin, UKSSDCError
from ukssdc.limits import MAX_WAIT
from ukssdc.outcomes import Outcome
from ukssdc.rebin import check_rebinnable, read_binning
from ukssdc.rebin_outcomes import (
    TAKE_UP,
    RebinReport,
    rebin_failed,
    rebin_timed_out,
    rebin_unavailable,
    rebinned_curve_failed,
)
from ukssdc.rebin_tracker import RebinTracker
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.record.rebin_folder import RebinFolder
from ukssdc.request.parameters import LightCurveBinning
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action
from ukssdc.times import utcnow
from ukssdc.tracker import NO_STATUS_POLLS
from xrt_products.flows.cancel import MAX_CANCEL_WAIT, parameter, stored_account
from xrt_products.flows.follow import OnFailure, end_without_report, products_folder
from xrt_products.flows.followed_job import on_record
from xrt_products.flows.form import AccountField, FormOrJson, NotifyField
from xrt_products.flows.interrupt import call_interrupted, cancels_on_interrupt, handle_interrupt
from xrt_products.flows.notebook import shown_in_notebook
from xrt_products.flows.options import WaitOptions
from xrt_products.flows.request import log_refused_request
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.cancellation import RunCancelled, watch_cancellation
from xrt_products.tasks.find import find_job
from xrt_products.tasks.flow_run import (
    DEPLOYED_TRIES,
    REBIN_LABEL,
    deployed_run,
    flow_run,
    is_deployed,
    label_rebin,
    run_began,
)
from xrt_products.tasks.poll import poll_status
from xrt_products.tasks.rebin import (
    cancel_rebin,
    download_rebin,
    rebin_cancelled,
    report_rebin_failure,
    submit_rebin,
)
from xrt_products.tasks.results import RESULTS
from xrt_products.tasks.retry import backoff_delays, interruptible, max_retries

BinningField = Annotated[
    LightCurveBinning, BeforeValidator(read_binning), FormOrJson("How to bin the light curve, as a JSON object.")
]


def cancel_rebin_with_run(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect calls it by these names
    """Cancel the rebinning of a cancelled flow run at the service; see `cancel_job_with_run`."""
    log = flow_run_logger(flow_run, flow)
    if not parameter(flow, flow_run, "cancel_with_run"):
        log.info("The rebinning goes on at the service, as cancel_with_run=False asks")
        return
    try:
        account = stored_account(parameter(flow, flow_run, "account"))
        with get_client(sync_client=True) as client:
            number = client.read_flow_run(flow_run.id).labels.get(REBIN_LABEL)
        if number is None:
            log.info("No rebinning of this run is known: there is nothing to cancel")
            return
        rebin = Rebin.of_number(int(str(number)), int(flow_run.parameters["job_id"]))
        retries = max_retries(MAX_CANCEL_WAIT, POLL_INTERVAL)
        cancel = cancel_rebin.with_options(retries=retries, retry_delay_seconds=backoff_delays(POLL_INTERVAL))
        with temporary_settings(
            {PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore"}
        ):  # this hook is outside of the run
            cancelled = cancel(rebin, account, utcnow() + timedelta(seconds=MAX_CANCEL_WAIT))
    except (UKSSDCError, ValueError, KeyError, httpx.HTTPError, PrefectException) as error:
        log.error("Could not cancel the rebinning at the service: %s. It ends by itself", error)
    else:
        log.info("The flow run was cancelled; %s %s", rebin, "as well" if cancelled else "had ended before")


@flow(
    name="rebin light curve",
    flow_run_name="rebin job {job_id}",
    description="Bin a job's light curve anew, without a new job: ask, poll, and fetch it.",
    on_cancellation=[cancel_rebin_with_run],
    on_crashed=[call_interrupted],
    on_failure=[log_refused_request],
    persist_result=True,
    result_serializer=RESULTS,
)
def rebin_light_curve(
    job_id: int,
    binning: BinningField,
    destination: Path = Path("products"),
    account: AccountField = None,
    interval: float = POLL_INTERVAL,
    max_wait: float = MAX_WAIT,
    no_status_polls: int = NO_STATUS_POLLS,
    on_failure: OnFailure = "raise",
    fresh: bool = False,
    cancel_with_run: bool = True,
    notify: NotifyField = None,
    quicklook: bool = True,
) -> RebinReport:
    """Have a job's complete light curve binned anew, wait for it, and bring it to its end.

    Args:
        job_id: The service's number for the job whose light curve it is. Example: 951.
        binning: How to bin. Python may give a dict with the names of the service (`{"binMeth": "snapshot"}`).
        destination: Folder on the worker for the files, which go to `DESTINATION/TARGET/JOB/rebin-NUMBER/`. Where it is
            relative, it begins where the flow was deployed. Example: products.
        account: Whose job it is: the registered address that the worker has in UKSSDC_USER, or a block of the type
            UKSSDC account, by name (example: leicester) or chosen. Never an e-mail address: Prefect's server stores and
            shows what is given here.
        interval: Time between two polls, at least 60; less only against an emulator on the same machine. Unit: s.
        max_wait: Longest wait; a rebinning takes minutes. Unit: s. Example: 3600, an hour.
        no_status_polls: How many polls in a row may bring no status before the rebinning counts as failed. Example: 3.
        on_failure: What a rebinning that failed leads to: the flow fails (raise), or it only stands in the report
            (return).
        fresh: Ask for a new rebinning even where an earlier run with the same parameters and destination has left one
            unfinished.
        cancel_with_run: Cancel the rebinning at the service when the run is cancelled.
        notify: Whom to tell of a failure: a notification block (example: slack-webhook/ops), or an Apprise URL. A URL
            with a password belongs into a block: Prefect's server stores and shows what is given here.
        quicklook: Show the light curve as a picture and tables, in the rebinning's folder and in the run's artifacts.

    Returns
    -------
        The rebinning, and its outcome.

    Raises
    ------
        ProductsFailed: The rebinning failed or timed out; its `.report` holds the whole.
        InvalidRequest: The binning is wrong, or the job has no light curve; nothing was sent.
        InvalidOptions: An option is wrong; nothing was sent.
        ServiceError: There is no such job, it is someone else's, or its light curve is not complete.
        RetriesExhausted: The service could not be reached.
    """
    options = WaitOptions(
        destination=destination,
        account=account,
        interval=interval,
        max_wait=max_wait,
        no_status_polls=no_status_polls,
        cancel_with_run=cancel_with_run,
        notify=notify,
        quicklook=quicklook,
    )
    products = products_folder(options)
    try:
        with watch_cancellation(deployed_run(), interval):
            job_folder = _job_folder(job_id, products, options)
            folder = _unfinished_rebin(job_folder, binning, fresh=fresh) or _submit(job_folder, binning, options)
            outcome = _follow(folder, options)
    except RunCancelled as error:
        return end_without_report(error)  # type: ignore[no-any-return]  # a state is the end of a run
    report = RebinReport(
        job=folder.rebin.job, outcomes={Product.LightCurve: outcome}, directory=folder.path, rebin=folder.rebin
    )
    return report if on_failure == "return" else report.raise_for_failures()


def _job_folder(job_id: int, products: ProductsFolder, options: WaitOptions) -> JobFolder:
    """Look the job up, and refuse one that has no light curve."""
    retries, delays = max_retries(options.max_wait, options.interval), backoff_delays(options.interval)
    find = find_job.with_options(retries=retries, retry_delay_seconds=delays)
    with handle_interrupt(lambda: "nothing has been submitted"):
        job: Job = find(job_id, options.account, _deadline(options), DEPLOYED_TRIES if is_deployed() else 1)
    check_rebinnable(job)
    return products.folder_of(job)


def _unfinished_rebin(job_folder: JobFolder, binning: LightCurveBinning, *, fresh: bool) -> RebinFolder | None:
    """Find the rebinning that this run had before it was interrupted, or that an earlier one has left."""
    label = flow_run().labels.get(REBIN_LABEL)
    own = None if label is None else int(str(label))
    if fresh and own is None:
        return None
    folder = RebinFolder.find_unfinished(job_folder, binning.named_values(), own)
    if folder is not None:
        get_run_logger().warning(
            "Resuming %s, which an earlier run left unfinished; fresh=True asks anew", folder.rebin
        )
        label_rebin(folder.rebin)
    return folder


def _submit(job_folder: JobFolder, binning: LightCurveBinning, options: WaitOptions) -> RebinFolder:
    submit = submit_rebin.with_options(
        retries=max_retries(options.max_wait, options.interval), retry_delay_seconds=options.interval
    )
    with handle_interrupt(lambda: "the rebinning may have been submitted; if so, it ends by itself"):
        folder = RebinFolder.of(job_folder, submit(job_folder.job, binning, options.account, _deadline(options)))
        on_record(lambda: folder.note_outcome(None), options)
    return folder


def _follow(folder: RebinFolder, options: WaitOptions) -> Outcome:
    """Poll a rebinning, send it down its branch, and put its outcome on record."""
    tracker = RebinTracker(
        folder.rebin,
        interval=options.interval,
        start=_wait_start(folder.rebin),
        max_wait=options.max_wait,
        no_status_polls=options.no_status_polls,
    )
    poll = poll_status.with_options(
        name="poll rebinning",
        task_run_name=f"poll rebinning {folder.rebin.rebin_id}",
        description="Ask once a minute where a rebinning is; retries are the loop.",
        retries=max_retries(options.max_wait, options.interval),
        retry_delay_seconds=options.interval,
    )
    with handle_interrupt(lambda: _last_words(folder.rebin, options.account)), interruptible(), shown_in_notebook():
        poll([tracker], options.account)
        outcome = _branch(tracker, folder, options)
        on_record(lambda: folder.note_outcome(outcome.outcome), options)
    return outcome


def _wait_start(rebin: Rebin) -> datetime:
    """Return when the wait began: with this run, where it has taken a rebinning up."""
    return max(rebin.submitted, run_began()) if rebin.submitted is not None else run_began()


def _branch(tracker: RebinTracker, folder: RebinFolder, options: WaitOptions) -> Outcome:
    """Send a rebinning down the branch that its status calls for (`ukssdc.status.StatusCode`)."""
    status = tracker.status[Product.LightCurve]
    action = tracker.action(Product.LightCurve) if tracker.settled else None
    match action:
        case Action.DOWNLOAD:
            download = download_rebin.with_options(
                retries=max_retries(options.max_wait, options.interval),
                retry_delay_seconds=backoff_delays(options.interval),
            )
            try:
                return download(folder, options.account, tracker.deadline, options.quicklook)
            except UKSSDCError as error:
                return report_rebin_failure(folder, rebinned_curve_failed(error), options.notify)
        case Action.CANCELLED:
            return rebin_cancelled(folder.rebin, status)
        case None if tracker.poll_failed and tracker.poll_error is not None:
            return report_rebin_failure(folder, rebin_unavailable(status, tracker.poll_error), options.notify)
        case None:
            return report_rebin_failure(folder, rebin_timed_out(status, tracker.elapsed), options.notify)
        case _:
            return report_rebin_failure(folder, rebin_failed(status), options.notify)


def _last_words(rebin: Rebin, account: Account) -> str:
    """Say what becomes of a rebinning after Ctrl-C, which cancels it where that was asked for."""
    if not cancels_on_interrupt():
        return f"{rebin} goes on at the service\n{TAKE_UP}"
    try:
        with client_for(account) as client:
            cancelled = client.cancel_rebin(rebin)
    except (UKSSDCError, ValueError) as error:
        return f"{rebin} was perhaps not cancelled at the service: {error}. It ends by itself"
    return f"{rebin} is cancelled at the service" if cancelled else f"{rebin} had ended before"


def _deadline(options: WaitOptions) -> datetime:
    return run_began() + timedelta(seconds=options.max_wait)

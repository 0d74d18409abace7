"""Follow jobs to their end: poll, send each settled product down its branch, sum up. What all flows share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Literal, TypeVar

from prefect import get_run_logger
from prefect.futures import PrefectFuture
from prefect.states import Completed

from ukssdc import Job, Product
from ukssdc.errors import JobInProgress
from ukssdc.outcomes import (
    JobReport,
    Outcome,
    build_failed,
    download_failed,
    publish_failed,
    status_unavailable,
    timed_out,
)
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.status import Action
from ukssdc.tracker import JobTracker
from xrt_products.flows.cancel import end_cancelled
from xrt_products.flows.interrupt import handle_interrupt, job_goes_on
from xrt_products.flows.options import FollowOptions, WaitOptions
from xrt_products.flows.publish import publish_files, retries_of
from xrt_products.tasks.account import client_for
from xrt_products.tasks.cancel import user_cancelled
from xrt_products.tasks.cancellation import RunCancelled
from xrt_products.tasks.download import download_product
from xrt_products.tasks.flow_run import flow_run, is_deployed, is_deployments_own, run_began
from xrt_products.tasks.observe.artifacts import ProgressArtifacts
from xrt_products.tasks.observe.events import emit_job
from xrt_products.tasks.poll import poll_status
from xrt_products.tasks.publish import publish_product
from xrt_products.tasks.quicklook import quicklook
from xrt_products.tasks.record import put_on_record
from xrt_products.tasks.report import report_failure, summarise
from xrt_products.tasks.retry import interruptible, max_retries

R = TypeVar("R")
OnFailure = Literal["raise", "return"]
SOFTWARE = {name: version(name) for name in ("xrt-products", "prefect")}
Branches = dict[Product, list[PrefectFuture[Any]]]  # of each branch, the steps


def products_folder(options: WaitOptions) -> ProductsFolder:
    """Check the options and return the destination, before anything is sent.

    Raises
    ------
    InvalidOptions
        For an interval under a minute against the real service, or a wait or count that makes no sense.
    UKSSDCError
        Where there is no account, or the destination cannot be written.
    """
    options.validate(client_for(options.account).base_url)
    # Who waits for a deployed run, and reads its report, is somewhere else.
    destination = ProductsFolder(
        options.destination.absolute() if is_deployed() else options.destination,
        options.remote if isinstance(options, FollowOptions) else None,
    )
    destination.require_writable()
    return destination


def follow(
    folders: Sequence[JobFolder], options: FollowOptions, ended: Callable[[int], object] | None = None
) -> list[JobReport]:
    """Poll jobs until every product has had its branch; must be called within a flow.

    Parameters
    ----------
    folders : sequence of JobFolder
        The jobs, each with its folder; they are on record.
    options : FollowOptions
    ended : callable, optional
        Is told a job's number when the service has ended it, before its downloads have.

    Returns
    -------
    list of JobReport
        One for each job, in their order.
    """
    trackers: list[JobTracker] = []
    with handle_interrupt(
        lambda: job_goes_on(folders, not trackers or any(t.pending for t in trackers), options),
        lambda _: [(tracker.job, tracker.pending) for tracker in trackers],
        options.account,
        then=lambda: _note_cancelled(trackers),
    ):
        with ExitStack() as stack:
            for folder in folders:
                if not stack.enter_context(folder.lock()):
                    number = folder.job.job_id
                    get_run_logger().warning("Another run on this machine is following job %d as well", number)
            trackers += [_track(folder, options) for folder in folders]
            artifacts = {
                tracker.job.job_id: ProgressArtifacts(tracker.job, shown_before=_shown_before(tracker.job))
                for tracker in trackers
            }
            stack.enter_context(interruptible())
            outcomes = _poll_and_branch(trackers, artifacts, options, ended)
        return [_report(folder, outcomes[(n := folder.job.job_id)], artifacts[n], options) for folder in folders]


def end_without_report(error: JobInProgress | RunCancelled) -> Any:
    """Return the state of a run that ends before it has a report: cancelled, or, for a deployment's own run, skipped.

    Raises
    ------
    JobInProgress
        Where the flow was called by its caller, who wants to know: only a deployment's run is skipped.
    """
    if isinstance(error, RunCancelled):
        return end_cancelled(error)
    if not is_deployments_own():
        raise error
    return Completed(name="Skipped", message=f"Skipped, without a report: {error}")


def on_record(write: Callable[[], R], options: WaitOptions) -> R:
    """Write to a job's folder; where there is no room, that is waited for."""
    deadline = run_began() + timedelta(seconds=options.max_wait)
    return put_on_record(write, deadline, options.max_wait, options.interval)


def _note_cancelled(trackers: Sequence[JobTracker]) -> None:
    """Put on record that what was pending has been cancelled from here: it is over, and nobody resumes it."""
    for tracker in trackers:
        _folder(tracker).note_cancelled(tracker.pending)


def _track(folder: JobFolder, options: FollowOptions) -> JobTracker:
    return JobTracker(
        folder.job,
        folder,
        interval=options.interval,
        start=_wait_start(folder),
        max_wait=options.max_wait,
        no_status_polls=options.no_status_polls,
    )


def _shown_before(job: Job) -> bool:
    """Tell whether an earlier process, or another run, may have shown a job's progress."""
    return flow_run().run_count > 1 or job.submitted is None or job.submitted < run_began()


def _wait_start(folder: JobFolder) -> datetime:
    """Return when the wait began: with the submission, or anew with this run where an earlier wait is over."""
    record = folder.read()
    if folder.job.submitted is None or (record is not None and "timed_out" in record.outcomes.values()):
        return run_began()
    return folder.job.submitted


def _poll_and_branch(
    trackers: Sequence[JobTracker],
    artifacts: dict[int, ProgressArtifacts],
    options: FollowOptions,
    ended: Callable[[int], object] | None,
) -> dict[int, dict[Product, Outcome]]:
    """Poll; hand each product to its branch as it settles; wait for the branches."""
    retries = max_retries(options.max_wait, options.interval)
    poll = poll_status.with_options(retries=retries, retry_delay_seconds=options.interval)
    branches: dict[int, Branches] = {tracker.job.job_id: {} for tracker in trackers}
    active = list(trackers)
    while active:
        poll(active, options.account, artifacts)
        for tracker in active:
            settled = tracker.settled
            branches[tracker.job.job_id] |= {product: _branch(product, tracker, options) for product in settled}
            tracker.mark_dispatched(settled)
            if ended is not None and not tracker.pending:
                ended(tracker.job.job_id)
        active = [t for t in active if t.pending and not t.deadline_passed and not t.poll_failed]
    return {tracker.job.job_id: _outcomes(tracker, branches[tracker.job.job_id], options) for tracker in trackers}


def _branch(product: Product, tracker: JobTracker, options: FollowOptions) -> list[PrefectFuture[Any]]:
    """Send a settled product down the branch that its status calls for (`ukssdc.status.StatusCode`)."""
    folder, status = _folder(tracker), tracker.status[product]
    match tracker.action(product):
        case Action.DOWNLOAD:
            downloaded = download_product.with_options(**retries_of(options)).submit(
                folder,
                product,
                options.account,
                options.format,
                "skip" if _downloaded_by_this_run(product, folder) else options.if_exists,
                options.extract,
                tracker.deadline,
            )
            if folder.remote is None:
                return [downloaded]
            publish = publish_product.with_options(**retries_of(options))
            published = publish.submit(folder, downloaded, tracker.deadline)  # type: ignore[call-overload]  # a future will do
            return [downloaded, published]
        case Action.CANCELLED:
            return [user_cancelled.submit(folder.job, product, status)]
        case _:
            return [report_failure.submit(folder, build_failed(product, status), options.notify)]


def _outcomes(tracker: JobTracker, branches: Branches, options: FollowOptions) -> dict[Product, Outcome]:
    """Wait for a job's branches, and put on record what became of its products."""
    outcomes = {p: _outcome(p, branches.get(p, []), tracker, options) for p in tracker.job.products}
    # A product whose status the service would not tell has not come to its end.
    ended = {p: o.outcome for p, o in outcomes.items() if p in branches or not tracker.poll_failed}
    on_record(lambda: _folder(tracker).note_outcomes(ended), options)
    return outcomes


def _outcome(
    product: Product, branch: Sequence[PrefectFuture[Any]], tracker: JobTracker, options: FollowOptions
) -> Outcome:
    """Wait for a branch's end; a product that never settled, or could not be fetched, is reported here."""
    folder, status = _folder(tracker), tracker.status[product]
    if not branch:
        if tracker.poll_failed and tracker.poll_error is not None:
            failure = status_unavailable(tracker.job, product, status, tracker.poll_error)
            return report_failure(folder, failure, options.notify)
        return report_failure(folder, timed_out(tracker.job, product, status, tracker.elapsed), options.notify)
    result: Outcome | BaseException = branch[0].result(raise_on_failure=False)
    if isinstance(result, BaseException):
        return report_failure(folder, download_failed(tracker.job, product, result), options.notify)
    for step in branch[1:]:
        result = step.result(raise_on_failure=False)
        if isinstance(result, BaseException):
            failure = publish_failed(tracker.job, product, result, str(options.publish))
            return report_failure(folder, failure, options.notify)
    return result


def _report(
    folder: JobFolder, outcomes: dict[Product, Outcome], artifacts: ProgressArtifacts, options: FollowOptions
) -> JobReport:
    """Sum a job up: its outcomes in the UI, the quick look, and the event that it is over."""
    report = JobReport(job=folder.job, outcomes=outcomes, directory=folder.path)
    artifacts.close({p: o.outcome for p, o in outcomes.items()})
    summarise(report)
    if options.quicklook:
        quicklook(folder, report, options.account, options.interval)
    publish_files(folder, options)
    emit_job(report)
    on_record(folder.note_end, options)
    publish_files(folder, options, record_only=True)
    return report


def _downloaded_by_this_run(product: Product, folder: JobFolder) -> bool:
    """Tell whether this flow run had fetched a product before it was interrupted: then it is not in its own way."""
    record = folder.read()
    file = record.files.get(product) if record is not None else None
    return file is not None and file.at >= run_began()


def _folder(tracker: JobTracker) -> JobFolder:
    if tracker.folder is None:
        raise RuntimeError("a flow follows only jobs that have a folder")
    return tracker.folder

"""One job on its way through a flow: its polls, the branch of each product, and the report at its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from ukssdc import Job, Product
from ukssdc.outcomes import (
    JobReport,
    Outcome,
    build_failed,
    download_failed,
    publish_failed,
    status_unavailable,
    timed_out,
)
from ukssdc.record import JobFolder
from ukssdc.status import Action
from ukssdc.tracker import JobTracker
from xrt_products.flows.options import FollowOptions, WaitOptions
from xrt_products.flows.publish import publish_files, retries_of
from xrt_products.tasks.cancel import user_cancelled
from xrt_products.tasks.download import download_product
from xrt_products.tasks.flow_run import flow_run, run_began
from xrt_products.tasks.observe.artifacts import ProgressArtifacts
from xrt_products.tasks.observe.events import emit_job
from xrt_products.tasks.publish import publish_product
from xrt_products.tasks.quicklook import quicklook
from xrt_products.tasks.record import put_on_record
from xrt_products.tasks.report import report_failure, summarise

R = TypeVar("R")


class FollowedJob:
    """A job, its place on disk, and what has been set going for its products; must be used within a flow.

    Parameters
    ----------
    folder : JobFolder
        The job is on record; its folder is held until `close`.
    options : FollowOptions
    one_of_many : bool, optional
        Whether the flow has many jobs: then the Prefect UI shows their sum, and not each of them.
    """

    def __init__(self, folder: JobFolder, options: FollowOptions, *, one_of_many: bool = False) -> None:
        self.folder = folder
        self._options = replace(options, notify=None) if one_of_many else options  # one notification is enough
        self._one_of_many = one_of_many
        self._lock = ExitStack()
        if not self._lock.enter_context(folder.lock()):
            get_run_logger().warning("Another run on this machine is following job %d as well", self.number)
        self.tracker = JobTracker(
            folder.job,
            folder,
            interval=options.interval,
            start=_wait_start(folder),
            max_wait=options.max_wait,
            no_status_polls=options.no_status_polls,
        )
        self.artifacts = None if one_of_many else ProgressArtifacts(folder.job, shown_before=_shown_before(folder.job))
        self._branches: dict[Product, list[PrefectFuture[Any]]] = {}  # of each branch, the steps
        self._ended: set[Product] = set()

    @property
    def number(self) -> int:
        """The job's number."""
        return self.folder.job.job_id

    @property
    def active(self) -> bool:
        """True while the job is to be polled."""
        return bool(self.tracker.pending) and not self.tracker.deadline_passed and not self.tracker.poll_failed

    @property
    def finished(self) -> bool:
        """True where the polls are over, and every branch."""
        return not self.active and len(self._ended) == len(self._branches)

    @property
    def failed(self) -> bool:
        """True where the service has failed to build a product."""
        return any(self.tracker.action(product) is Action.FAILED for product in self.folder.job.products)

    def dispatch(self) -> None:
        """Hand each product that has settled to its branch."""
        settled = self.tracker.settled
        for product in settled:
            self._branches[product] = self._branch(product)
            self._branches[product][-1].add_done_callback(partial(self._note_end, product))
        self.tracker.mark_dispatched(settled)

    def report(self) -> JobReport:
        """Wait for the branches, and sum the job up: outcomes in the UI, quick look, and the event that it is over."""
        outcomes = {product: self._outcome(product) for product in self.folder.job.products}
        # A product whose status the service would not tell has not come to its end.
        ended = {p: o.outcome for p, o in outcomes.items() if p in self._branches or not self.tracker.poll_failed}
        on_record(lambda: self.folder.note_outcomes(ended), self._options)
        self.close()
        report = JobReport(job=self.folder.job, outcomes=outcomes, directory=self.folder.path)
        if self.artifacts is not None:
            self.artifacts.close({p: o.outcome for p, o in outcomes.items()})
            summarise(report)
        show_job(self.folder, report, self._options, in_ui=not self._one_of_many)
        return report

    def close(self) -> None:
        """Let others have the job's folder."""
        self._lock.close()

    def note_cancelled(self) -> None:
        """Put on record that what was pending has been cancelled from here: it is over, and nobody resumes it."""
        self.folder.note_cancelled(self.tracker.pending)

    def _note_end(self, product: Product, branch: PrefectFuture[Any]) -> None:  # noqa: ARG002 - a future's callback
        self._ended.add(product)

    def _branch(self, product: Product) -> list[PrefectFuture[Any]]:
        """Send a settled product down the branch that its status calls for (`ukssdc.status.StatusCode`)."""
        options, folder, status = self._options, self.folder, self.tracker.status[product]
        match self.tracker.action(product):
            case Action.DOWNLOAD:
                downloaded = download_product.with_options(**retries_of(options)).submit(
                    folder,
                    product,
                    options.account,
                    options.format,
                    "skip" if _downloaded_by_this_run(product, folder) else options.if_exists,
                    options.extract,
                    self.tracker.deadline,
                )
                if folder.remote is None:
                    return [downloaded]
                publish = publish_product.with_options(**retries_of(options))
                published = publish.submit(folder, downloaded, self.tracker.deadline)  # type: ignore[call-overload]  # a future will do
                return [downloaded, published]
            case Action.CANCELLED:
                return [user_cancelled.submit(folder.job, product, status)]
            case _:
                return [report_failure.submit(folder, build_failed(product, status), options.notify)]

    def _outcome(self, product: Product) -> Outcome:
        """Wait for a branch's end; a product that never settled, or could not be fetched, is reported here."""
        folder, tracker, notify = self.folder, self.tracker, self._options.notify
        status, branch = tracker.status[product], self._branches.get(product, [])
        if not branch:
            if tracker.poll_failed and tracker.poll_error is not None:
                failure = status_unavailable(folder.job, product, status, tracker.poll_error)
                return report_failure(folder, failure, notify)
            return report_failure(folder, timed_out(folder.job, product, status, tracker.elapsed), notify)
        result: Outcome | BaseException = branch[0].result(raise_on_failure=False)
        if isinstance(result, BaseException):
            return report_failure(folder, download_failed(folder.job, product, result), notify)
        for step in branch[1:]:
            result = step.result(raise_on_failure=False)
            if isinstance(result, BaseException):
                failure = publish_failed(folder.job, product, result, str(self._options.publish))
                return report_failure(folder, failure, notify)
        return result


def show_job(folder: JobFolder, report: JobReport, options: FollowOptions, *, in_ui: bool) -> None:
    """Make the quick look, copy all to where it is published, and tell that the job is over."""
    if options.quicklook:
        quicklook(folder, report, options.account, options.interval, in_ui)
    publish_files(folder, options)
    emit_job(report)
    on_record(folder.note_end, options)
    publish_files(folder, options, record_only=True)


def on_record(write: Callable[[], R], options: WaitOptions) -> R:
    """Write to a job's folder; where there is no room, that is waited for."""
    deadline = run_began() + timedelta(seconds=options.max_wait)
    return put_on_record(write, deadline, options.max_wait, options.interval)


def _shown_before(job: Job) -> bool:
    """Tell whether an earlier process, or another run, may have shown a job's progress."""
    return flow_run().run_count > 1 or job.submitted is None or job.submitted < run_began()


def _wait_start(folder: JobFolder) -> datetime:
    """Return when the wait began: with the submission, or anew with this run where an earlier wait is over."""
    record = folder.read()
    if folder.job.submitted is None or (record is not None and "timed_out" in record.outcomes.values()):
        return run_began()
    return folder.job.submitted


def _downloaded_by_this_run(product: Product, folder: JobFolder) -> bool:
    """Tell whether this flow run had fetched a product before it was interrupted: then it is not in its own way."""
    record = folder.read()
    file = record.files.get(product) if record is not None else None
    return file is not None and file.at >= run_began()

"""Follow a job to its end: poll, send each settled product down its branch, sum up. What all flows share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from ukssdc import ArchiveFormat, IfExists, Job, Product, ProductRequest, StatusCode, UKSSDCError
from ukssdc.job import NOT_PARAMETERS
from ukssdc.limits import check_settings
from ukssdc.outcomes import (
    JobReport,
    Outcome,
    ProductsFailed,
    build_failed,
    download_failed,
    status_unavailable,
    timed_out,
)
from ukssdc.record.record import JobRecord, job_directory, lock_job, open_record
from ukssdc.tracker import JobTracker
from xrt_products.flows.cancel import cancel_on_interrupt
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.cancel import user_cancelled
from xrt_products.tasks.download import download_product
from xrt_products.tasks.flow_run import run_began
from xrt_products.tasks.observe.events import emit_job
from xrt_products.tasks.observe.notifications import Notify
from xrt_products.tasks.poll import poll_status
from xrt_products.tasks.quicklook import quicklook
from xrt_products.tasks.report import report_failure, summarise
from xrt_products.tasks.retry import INTERVAL, MAX_WAIT, backoff_delays, interruptible, max_retries

OnFailure = Literal["raise", "return"]


@dataclass(frozen=True)
class Plan:
    """How a job is followed; the meaning of each field is that of the flows' parameters."""

    destination: Path
    account: Account = None
    interval: float = INTERVAL
    max_wait: float = MAX_WAIT
    no_status_polls: int = 3
    format: ArchiveFormat = "tar.gz"
    if_exists: IfExists = "skip"
    on_failure: OnFailure = "raise"
    cancel_with_run: bool = True
    extract: bool = False
    notify: Notify | None = None
    quicklook: bool = True

    @property
    def tries(self) -> int:
        """How many tries, of anything, fit into the longest wait; the clock may end it sooner."""
        return max_retries(self.max_wait, self.interval)

    def check(self) -> None:
        """Refuse what would annoy the service or fail later, before anything is sent.

        Raises
        ------
        InvalidSettings
            For an interval under a minute against the real service, or a wait or count that makes no sense.
        UKSSDCError
            Where there is no account, or the destination cannot be written.
        """
        check_settings(
            interval=self.interval,
            max_wait=self.max_wait,
            no_status_polls=self.no_status_polls,
            base_url=client_for(self.account).base_url,
        )
        require_writable(self.destination)


def follow(job: Job, plan: Plan, request: ProductRequest | None = None) -> JobReport:
    """Poll a job until every product has had its branch; must be called within a flow.

    Parameters
    ----------
    job : Job
    plan : Plan
    request : ProductRequest, optional
        What was asked for, for the record.

    Returns
    -------
    JobReport

    Raises
    ------
    ProductsFailed
        Where a product failed or timed out and `plan.on_failure` is "raise".
    """
    directory = begin_record(job, plan, request)
    with lock_job(directory) as alone:
        if not alone:
            get_run_logger().warning("Another run on this machine is following job %d as well", job.job_id)
        watch = JobTracker(
            job,
            directory,
            began=_wait_start(job, directory),
            interval=plan.interval,
            max_wait=plan.max_wait,
            no_status_polls=plan.no_status_polls,
        )
        with (
            cancel_on_interrupt(lambda _: [(job, watch.pending)], plan.account, cancel_with_run=plan.cancel_with_run),
            interruptible(),
        ):
            outcomes = _outcomes(watch, plan)
    report = JobReport(job=job, outcomes=outcomes, directory=directory)
    watch.board.close({p: o.outcome for p, o in outcomes.items()})
    summarise(report)
    if plan.quicklook:
        quicklook(job, report, directory, plan.account, plan.interval)
    emit_job(report)
    if report.failures and plan.on_failure == "raise":
        raise ProductsFailed(report)
    return report


def _wait_start(job: Job, directory: Path) -> datetime:
    """Return when the wait began: with the submission, or anew with this run where an earlier wait is over."""
    record = JobRecord.load(directory)
    if job.submitted is None or (record is not None and "timed_out" in record.outcomes.values()):
        return run_began()
    return job.submitted


def _outcomes(watch: JobTracker, plan: Plan) -> dict[Product, Outcome]:
    """Poll; hand each product to its branch as it settles; wait for the branches."""
    poll = poll_status.with_options(retries=plan.tries, retry_delay_seconds=plan.interval)
    branches: dict[Product, PrefectFuture[Any]] = {}
    poll_error: UKSSDCError | None = None
    while watch.pending:
        try:
            poll(watch, plan.account)
        except UKSSDCError as error:  # time cannot mend it; what is complete is fetched, and reported, all the same
            poll_error = error
            break
        settled = watch.settled
        if not settled:  # the longest wait is over
            break
        branches |= {product: _branch(product, watch, plan) for product in settled}
        watch.done(settled)
    outcomes = {p: _result(p, branches.get(p), watch, plan, poll_error) for p in watch.job.products}
    with open_record(watch.directory, watch.job) as record:
        # What the service will not speak of has not come to its end.
        record.outcomes = {p: o.outcome for p, o in outcomes.items() if p in branches or poll_error is None}
    return outcomes


def _branch(product: Product, watch: JobTracker, plan: Plan) -> PrefectFuture[Any]:
    """Send a settled product down its branch (the table in design.md)."""
    status = watch.status[product]
    match status.status_code:
        case StatusCode.COMPLETE:
            download = download_product.with_options(
                retries=plan.tries, retry_delay_seconds=backoff_delays(plan.interval)
            )
            return download.submit(
                watch.job,
                product,
                watch.directory,
                plan.account,
                plan.format,
                "skip" if _fetched_by_this_run(product, watch.directory) else plan.if_exists,
                plan.extract,
                watch.deadline,
            )
        case StatusCode.CANCELLED:
            return user_cancelled.submit(watch.job, product, status)
        case _:
            return report_failure.submit(watch.job, build_failed(product, status), plan.notify, watch.directory)


def _result(
    product: Product, branch: PrefectFuture[Any] | None, watch: JobTracker, plan: Plan, poll_error: UKSSDCError | None
) -> Outcome:
    """Wait for a branch's end; a product that never settled, or could not be fetched, is reported here."""
    if branch is None and poll_error is not None:
        lost = status_unavailable(watch.job, product, watch.status[product], poll_error)
        return report_failure(watch.job, lost, plan.notify, watch.directory)
    if branch is None:
        late = timed_out(watch.job, product, watch.status[product], watch.elapsed)
        return report_failure(watch.job, late, plan.notify, watch.directory)
    result: Outcome | BaseException = branch.result(raise_on_failure=False)
    if isinstance(result, BaseException):
        return report_failure(watch.job, download_failed(watch.job, product, str(result)), plan.notify, watch.directory)
    return result


def _fetched_by_this_run(product: Product, directory: Path) -> bool:
    """Tell whether this flow run had fetched a product before it was interrupted: then it is not in its own way."""
    record = JobRecord.load(directory)
    file = record.files.get(product) if record is not None else None
    return file is not None and file.at >= run_began()


def begin_record(job: Job, plan: Plan, request: ProductRequest | None) -> Path:
    """Put a job on record, and return its folder."""
    directory = job_directory(plan.destination, job)
    with open_record(directory, job) as record:
        record.submitted = record.submitted or job.submitted
        record.software = {name: version(name) for name in ("xrt-products", "prefect")}
        if request is not None:
            record.request = request_body(request)
    return directory


def request_body(request: ProductRequest) -> dict[str, Any]:
    """Return what a request sends, without the account."""
    return {key: value for key, value in request.to_wire("").items() if key not in NOT_PARAMETERS}


def require_writable(destination: Path) -> None:
    """Make the destination, and see that a file can be written there, before a job is submitted for it."""
    import tempfile  # noqa: PLC0415

    from ukssdc.record.record import write_error  # noqa: PLC0415

    try:
        destination.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=destination):
            pass
    except OSError as error:
        raise write_error(destination, error) from None

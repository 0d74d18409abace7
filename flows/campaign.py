"""The rows of a campaign on their way: which wait, which are active, which are over, and what is tried once more."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from prefect import get_run_logger

from ukssdc import Job
from ukssdc.campaign.batch_report import RowReport, recorded_report
from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.campaign.campaign_rows import Row
from ukssdc.campaign.recorded_jobs import CANCELLED, needs_job, recorded_jobs
from ukssdc.errors import JobInProgress, NoSlot, SubmissionRefused, UKSSDCError
from ukssdc.outcomes import JobReport
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.slots import SubmissionSlot
from ukssdc.times import clock
from xrt_products.flows.followed_job import FollowedJob, show_job
from xrt_products.flows.options import FollowOptions
from xrt_products.flows.row_submissions import RowSubmissions
from xrt_products.tasks.account import client_for
from xrt_products.tasks.cancellation import RunCancelled
from xrt_products.tasks.flow_run import label_flow_run

MAX_NAMED = 10  # jobs in a message


class CampaignDisplay(Protocol):
    """What shows a campaign while it runs."""

    def note(self, row: Row, report: RowReport) -> None:
        """Take note of a row's end."""

    def show(self, progress: CampaignProgress) -> None:
        """Show how far the campaign is."""


class RowQueue:
    """The rows of a campaign: a `xrt_products.flows.follow.JobQueue`; must be used within a flow.

    Parameters
    ----------
    rows : sequence of Row
    products : ProductsFolder
        The campaign's destination.
    options : FollowOptions
    slot : SubmissionSlot
    display : CampaignDisplay
    redo : str or None
        "failed" or "all": what is submitted anew although an earlier run has brought it to its end.
    max_failures : int or None
        After how many rows that failed nothing more is submitted.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        products: ProductsFolder,
        options: FollowOptions,
        slot: SubmissionSlot,
        display: CampaignDisplay,
        *,
        redo: str | None = None,
        max_failures: int | None = None,
    ) -> None:
        self.slot = slot
        self.reports: dict[str, RowReport] = {}
        self._rows = rows
        self._products = products
        self._options = options
        self._display = display
        self._redo = redo
        self._max_failures = max_failures
        self._service = client_for(options.account).base_url
        self._began = clock()
        self._earlier = 0  # rows that were over when this run began
        self._queued: deque[Row] = deque()
        self._once_more: list[Row] = []
        self._tried_again: set[str] = set()
        self._failed: set[str] = set()  # keys of rows
        self._submissions = RowSubmissions(products, options, self._service, slot)
        self._active: dict[int, Row] = {}
        self._labelled: set[int] = set()
        self._restored: set[int] = set()  # jobs that earlier runs have left unfinished

    def restore(self) -> list[JobFolder]:
        """See what earlier runs have done, and show it; return the jobs that they have left unfinished."""
        unfinished = []
        found = recorded_jobs(self._rows, self._products, self._service)
        for row in self._rows:
            jobs = found.get(row.key, [])
            self._submissions.note_earlier(row, len(jobs))
            if needs_job(jobs):
                self._queued.append(row)
                continue
            folder, record = jobs[-1]
            if not (record.finished or record.all_ended):
                self._begin(row, folder)
                self._restored.add(folder.job.job_id)
                unfinished.append(folder)
                continue
            recorded = recorded_report(folder, record)
            report = _row_report(row, recorded)
            if not record.finished:  # killed before its quick look
                show_job(folder, recorded, self._options, in_ui=False)
            if self._redo == "all" or (self._redo == "failed" and not report.ok):
                self._queued.append(row)
            else:
                self._note(row, report)
                self._earlier += 1
        self._failed.clear()  # what failed in earlier runs does not end this one
        self._display.show(self.progress(len(unfinished)))
        return unfinished

    @property
    def waiting(self) -> bool:
        """True while rows wait for their submission."""
        return bool(self._queued)

    def submit_next(self, active: Sequence[Job]) -> JobFolder | None:
        """Submit the first of the rows that wait; one that has to be tried later stays the first."""
        row = self._queued.popleft()
        try:
            folder = self._submissions.submit(row, active)
        except RunCancelled:
            raise
        except UKSSDCError as error:
            self._not_submitted(row, error)
            return None
        finally:
            self.slot.release()
        self._begin(row, folder)
        self._labelled = {folder.job.job_id, *(job.job_id for job in active)}
        return folder

    def stop(self, error: NoSlot) -> None:
        """Give up on what waits."""
        self._give_up(str(error))

    def end(self, job: FollowedJob) -> None:
        """Take note that the service has ended a job: there is room for another, unless too many have failed."""
        self.slot.job_ended(job.number)
        if job.failed:
            self._failed.add(self._active[job.number].key)
            self._stop_after_failures()

    def finish(self, job: FollowedJob, report: JobReport | UKSSDCError) -> None:
        """Take the report of a job, or why there is none."""
        row = self._active.pop(job.number)
        self._submissions.end(job.number)
        was_cancelled = job.number in self._restored and isinstance(report, JobReport) and _any_cancelled(report)
        if job.tracker.gone or was_cancelled:
            what = "is gone at the service" if job.tracker.gone else "was cancelled with an earlier run"
            get_run_logger().warning("Row %d: %s %s: submitting a new job", row.number, job.folder.job, what)
            self._queued.append(row)
            return
        if isinstance(report, UKSSDCError):
            self._end(row, RowReport(number=row.number, name=row.name, key=row.key, problem=str(report)))
            return
        ended = _row_report(row, report)
        self._end(row, ended, transient=ended.transient)

    def update(self, jobs: Sequence[FollowedJob]) -> None:
        """Bring the labels and the display up to date."""
        active = [job.folder.job for job in jobs if job.active]
        numbers = {job.job_id for job in active}
        if numbers != self._labelled:
            label_flow_run(active)
            self._labelled = numbers
        self._display.show(self.progress(len(active)))

    def progress(self, active: int) -> CampaignProgress:
        """Return how far the campaign is."""
        waiting = len(self._queued) + len(self._once_more)
        ended = [report for report in self.reports.values() if report.key not in self._open]
        return CampaignProgress(
            total=len(self._rows),
            queued=waiting,
            active=active,
            succeeded=sum(report.ok for report in ended),
            failed=sum(not report.ok for report in ended),
            ended_here=len(ended) - self._earlier,
            elapsed=clock() - self._began,
        )

    def describe_interrupt(self, jobs: Sequence[FollowedJob]) -> str:
        """Say what goes on, and how to go on."""
        numbers = [str(job.number) for job in jobs if job.tracker.pending]
        named = ", ".join(numbers[:MAX_NAMED]) + (" ..." if len(numbers) > MAX_NAMED else "")
        goes_on = f"{len(numbers)} jobs go on at the service ({named})" if numbers else "no job is active"
        left = len(self._queued) + len(self._once_more)
        return (
            f"{goes_on}, {left} of {len(self._rows)} rows not submitted yet.\n"
            f"Done so far: {self._products.path}/campaign.csv. The same campaign again goes on from here;\n"
            "`xrt-products cancel JOB` cancels what is not wanted any more"
        )

    def close(self) -> None:
        """Let others have the requests of all rows."""
        self._submissions.close()

    def row_reports(self) -> tuple[RowReport, ...]:
        """Return what became of each row, in the order of the table."""
        return tuple(self.reports.get(row.key) or _not_submitted(row, "") for row in self._rows)

    @property
    def _open(self) -> set[str]:
        return {row.key for row in (*self._queued, *self._once_more, *self._active.values())}

    def _begin(self, row: Row, folder: JobFolder) -> None:
        self._active[folder.job.job_id] = row
        self.slot.job_submitted(folder.job.job_id)

    def _not_submitted(self, row: Row, error: UKSSDCError) -> None:
        """Try a row's submission again later, where that makes sense; others wait meanwhile, as the service is away."""
        self.slot.pause(max(self._options.interval, error.retry_after or 0.0))
        if self._submissions.may_be_tried_again(row, error):
            get_run_logger().warning("Row %d (%s): %s. Trying again", row.number, row.name, error)
            # Another run that follows the same request may take long: the others need not wait for it.
            (self._queued.append if isinstance(error, JobInProgress) else self._queued.appendleft)(row)
            return
        get_run_logger().error("Row %d (%s) is not submitted: %s", row.number, row.name, error)
        refused = isinstance(error, SubmissionRefused) or error.refusal
        self._end(row, _not_submitted(row, str(error)), transient=refused)

    def _end(self, row: Row, report: RowReport, *, transient: bool = False) -> None:
        """Note a row's end; what failed for a reason that may pass is tried once more when all others are over."""
        if transient and row.key not in self._tried_again:
            self._tried_again.add(row.key)
            self._once_more.append(row)
        self._note(row, report)
        self._stop_after_failures()
        if not self._queued and not self._active:
            self._queued.extend(self._once_more)
            self._once_more.clear()

    def _stop_after_failures(self) -> None:
        if self._max_failures is not None and len(self._failed) >= self._max_failures:
            failed = len(self._failed)
            self._give_up(f"not submitted, because {failed} others have failed: max_failures is {self._max_failures}")

    def _give_up(self, problem: str) -> None:
        """Submit nothing more."""
        self.slot.release()
        rows = [*self._queued]
        self._queued.clear()
        self._once_more.clear()
        for row in rows:
            if row.key not in self.reports:
                self._note(row, _not_submitted(row, problem))

    def _note(self, row: Row, report: RowReport) -> None:
        self.reports[row.key] = report
        (self._failed.discard if report.ok else self._failed.add)(row.key)
        self._display.note(row, report)


def _any_cancelled(report: JobReport) -> bool:
    return any(outcome.outcome == CANCELLED for outcome in report.outcomes.values())


def _row_report(row: Row, report: JobReport) -> RowReport:
    return RowReport(number=row.number, name=row.name, key=row.key, report=report)


def _not_submitted(row: Row, problem: str) -> RowReport:
    return RowReport(number=row.number, name=row.name, key=row.key, problem=problem)

"""Follow jobs to their end: poll, send each settled product down its branch, sum up. What all flows share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from typing import Any, Literal, Protocol

from prefect.states import Completed

from ukssdc import Job
from ukssdc.errors import JobInProgress, NoSlot, UKSSDCError
from ukssdc.outcomes import JobReport
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.slots import SubmissionSlot
from xrt_products.flows.cancel import end_cancelled
from xrt_products.flows.followed_job import FollowedJob
from xrt_products.flows.interrupt import handle_interrupt, job_goes_on
from xrt_products.flows.notebook import shown_in_notebook
from xrt_products.flows.options import FollowOptions, WaitOptions
from xrt_products.tasks.account import client_for
from xrt_products.tasks.cancellation import RunCancelled
from xrt_products.tasks.flow_run import is_deployed, is_deployments_own
from xrt_products.tasks.poll import poll_status
from xrt_products.tasks.retry import interruptible, max_retries

OnFailure = Literal["raise", "return"]
SOFTWARE = {name: version(name) for name in ("xrt-products", "prefect")}


class JobQueue(Protocol):
    """Where a flow's jobs come from, and where their reports go."""

    @property
    def waiting(self) -> bool:
        """True while there is something to be submitted as soon as there is a slot."""

    @property
    def slot(self) -> SubmissionSlot | None:
        """What there must be room in for what waits."""

    def submit_next(self, active: Sequence[Job]) -> JobFolder | None:
        """Submit what is next, in the slot, which is held; None where that failed, which the queue has noted.

        Parameters
        ----------
        active : sequence of Job
            The jobs that are active already.
        """

    def stop(self, error: NoSlot) -> None:
        """Take note that there will be no slot: nothing waits any more."""

    def end(self, job: FollowedJob) -> None:
        """Take note that a job is not active any more; its downloads, and its report, are still to come."""

    def update(self, jobs: Sequence[FollowedJob]) -> None:
        """Take note of what there is, after each poll that brought something."""

    def finish(self, job: FollowedJob, report: JobReport | UKSSDCError) -> None:
        """Take a job's report, or why there is none."""

    def describe_interrupt(self, jobs: Sequence[FollowedJob]) -> str:
        """Say what goes on, what is on disk, and what to do, for the last words of a run that is interrupted."""


class _GivenJobs:
    """Jobs that were submitted before."""

    waiting = False

    def __init__(self, folders: Sequence[JobFolder], options: FollowOptions, slot: SubmissionSlot | None) -> None:
        self.slot = slot
        self.reports: dict[int, JobReport] = {}
        self._folders = folders
        self._options = options

    def submit_next(self, active: Sequence[Job]) -> JobFolder | None:
        raise NotImplementedError

    def stop(self, error: NoSlot) -> None:
        raise error

    def end(self, job: FollowedJob) -> None:
        if self.slot is not None:
            self.slot.job_ended(job.number)

    def update(self, jobs: Sequence[FollowedJob]) -> None:
        pass

    def finish(self, job: FollowedJob, report: JobReport | UKSSDCError) -> None:
        if isinstance(report, UKSSDCError):
            raise report
        self.reports[job.number] = report

    def describe_interrupt(self, jobs: Sequence[FollowedJob]) -> str:
        pending = len(self.reports) < len(self._folders) and (not jobs or any(job.tracker.pending for job in jobs))
        return job_goes_on(self._folders, pending, self._options)


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
        remote=options.remote if isinstance(options, FollowOptions) else None,
    )
    destination.require_writable()
    return destination


def follow(folders: Sequence[JobFolder], options: FollowOptions, slot: SubmissionSlot | None = None) -> list[JobReport]:
    """Poll jobs until every product has had its branch; must be called within a flow.

    Parameters
    ----------
    folders : sequence of JobFolder
        The jobs, each with its folder; they are on record.
    options : FollowOptions
    slot : SubmissionSlot, optional
        Is told which jobs the service has ended, before their downloads have.

    Returns
    -------
    list of JobReport
        One for each job, in their order.
    """
    given = _GivenJobs(folders, options, slot)
    follow_queue(given, folders, options)
    return [given.reports[folder.job.job_id] for folder in folders]


def follow_queue(
    queue: JobQueue, folders: Sequence[JobFolder], options: FollowOptions, *, one_of_many: bool = False
) -> None:
    """Follow jobs, and submit what waits in a queue as soon as there is room, until there is nothing left.

    One task polls all jobs, and counts the active ones while something waits; a job's report is made when its last
    branch has come to its end.

    Parameters
    ----------
    queue : JobQueue
    folders : sequence of JobFolder
        The jobs that are there already; they are on record.
    options : FollowOptions
    one_of_many : bool, optional
        As for `FollowedJob`.
    """
    jobs: list[FollowedJob] = []
    retries = max_retries(options.max_wait, options.interval)
    poll = poll_status.with_options(retries=retries, retry_delay_seconds=options.interval)
    with (
        handle_interrupt(
            lambda: queue.describe_interrupt(jobs),
            lambda _: [(job.folder.job, job.tracker.pending) for job in jobs],
            options.account,
            then=lambda: _each(jobs, FollowedJob.note_cancelled),
        ),
        ExitStack() as stack,
        interruptible(),
        shown_in_notebook(),
    ):
        stack.callback(_each, jobs, FollowedJob.close)
        jobs += [FollowedJob(folder, options, one_of_many=one_of_many) for folder in folders]
        while jobs or queue.waiting:
            active = [job for job in jobs if job.active]
            if active or queue.waiting:
                _poll(poll, active, jobs, queue, options)
            while queue.waiting and queue.slot is not None and queue.slot.held:
                folder = queue.submit_next([job.folder.job for job in jobs if job.active])
                jobs += [FollowedJob(folder, options, one_of_many=one_of_many)] if folder is not None else []
            nothing_else = not queue.waiting and not any(job.active for job in jobs)
            # One, as its quick look takes its time; and none before what waits has all the room that there is.
            room = queue.waiting and queue.slot is not None and queue.slot.may_have_room
            for job in [] if room else [job for job in jobs if job.finished or nothing_else][:1]:
                report = _report(job)
                jobs.remove(job)
                queue.finish(job, report)
            queue.update(jobs)


def _poll(
    poll: Callable[..., Any],
    active: Sequence[FollowedJob],
    jobs: Sequence[FollowedJob],
    queue: JobQueue,
    options: FollowOptions,
) -> None:
    """Poll until something has settled, or there is a slot; hand what has settled to its branches."""
    artifacts = {job.number: job.artifacts for job in active if job.artifacts is not None}
    try:
        poll(
            [job.tracker for job in active],
            options.account,
            artifacts,
            queue.slot if queue.waiting else None,
            lambda: any(job.finished for job in jobs),
            options.max_wait,
            options.interval,
        )
    except NoSlot as error:
        queue.stop(error)
    for job in active:
        job.dispatch()
        if not job.active:
            queue.end(job)


def _report(job: FollowedJob) -> JobReport | UKSSDCError:
    try:
        return job.report()
    except UKSSDCError as error:
        return error
    finally:
        job.close()


def _each(jobs: Sequence[FollowedJob], act: Callable[[FollowedJob], None]) -> None:
    for job in jobs:
        act(job)


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

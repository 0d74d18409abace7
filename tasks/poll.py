"""Poll jobs' statuses: Prefect's retries are the loop, one interval apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prefect import get_run_logger, runtime

from ukssdc import Client, JobStatus, UKSSDCError
from ukssdc.errors import NoSlot
from ukssdc.limits import MAX_WAIT
from ukssdc.service import POLL_INTERVAL
from ukssdc.slots import SubmissionSlot
from ukssdc.tracker import JobTracker
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.cancellation import raise_if_cancelled
from xrt_products.tasks.flow_run import DEPLOYED_TRIES, is_deployed
from xrt_products.tasks.observe.artifacts import ProgressArtifacts
from xrt_products.tasks.observe.display import show
from xrt_products.tasks.retry import retried_task

MAX_NAMED = 3  # jobs in a task run's name


class ProductsPending(Exception):  # noqa: N818 - no error: it tells Prefect to ask again later
    """Nothing new yet; its text is the state of the jobs, because Prefect logs it at each retry.

    Parameters
    ----------
    message : str
    trackers : sequence of JobTracker, optional
        Of the jobs that were asked about.
    no_slot : UKSSDCError, optional
        Why there is no slot, where one was wanted.
    """

    retryable = True

    def __init__(self, message: str, trackers: Sequence[JobTracker] = (), no_slot: UKSSDCError | None = None) -> None:
        super().__init__(message)
        self.trackers = trackers
        self.no_slot = no_slot


def _task_run_name() -> str:
    """Name the jobs: `poll job 951`."""
    numbers = [str(tracker.job.job_id) for tracker in runtime.task_run.parameters["trackers"]]
    if not numbers:
        return "wait for slot"
    if len(numbers) > MAX_NAMED:
        return f"poll {len(numbers)} jobs"
    return f"poll job {', '.join(numbers)}"


@retried_task(
    name="poll status",
    task_run_name=_task_run_name,
    description="Ask once a minute, in one call for each job, where all pending products are; retries are the loop.",
    backoff=False,
)
def poll_status(
    trackers: Sequence[JobTracker],
    account: Account = None,
    artifacts: Mapping[int, ProgressArtifacts] | None = None,
    slot: SubmissionSlot | None = None,
    wake: Callable[[], bool] | None = None,
    max_wait: float = MAX_WAIT,
    interval: float = POLL_INTERVAL,
) -> dict[int, JobStatus]:
    """Make one status call for each job that is due, for all its pending products.

    Parameters
    ----------
    trackers : sequence of JobTracker
        The jobs, what is pending, and the deadlines; the answers are noted in them and in each `job.json`. One whose
        interval is not over yet is skipped without a call.
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.
    artifacts : mapping, optional
        Job number -> what shows its progress in the Prefect UI.
    slot : SubmissionSlot, optional
        A slot that something waits for: it is taken as soon as the service's count, asked for in the same attempt,
        leaves room.
    wake : callable, optional
        Tells whether there is something else to be done, which ends the task as well.
    max_wait : float, optional
        How long a slot is waited for while the count does not change, s.
    interval : float, optional
        Time between two counts, s.

    Returns
    -------
    dict
        Job number -> status, of each job of which something has settled, whose longest wait is over (then perhaps with
        nothing settled), or whose poll failed for good (`JobTracker.poll_error`).

    Raises
    ------
    ProductsPending
        Nothing of this has happened yet: Prefect asks again after the interval.
    NoSlot
        There was none for longer than `max_wait`.
    ServiceError
        The service refuses the account.
    RunCancelled
        The run was cancelled in Prefect, which nothing else has noticed.
    """
    raise_if_cancelled()
    with client_for(account) as client:
        for tracker in trackers:
            if not tracker.deadline_passed and not tracker.poll_too_soon:
                _poll(tracker, client)
                if tracker.poll_error is None:
                    _show(tracker, (artifacts or {}).get(tracker.job.job_id))
        no_slot = _take(slot, trackers, client, max_wait, interval) if slot is not None else None
    ready = {t.job.job_id: t.status for t in trackers if t.settled or t.deadline_passed or t.poll_failed}
    if ready or (slot is not None and slot.held) or (wake is not None and wake()):
        return ready
    raise ProductsPending("; ".join([*map(str, trackers), *([str(no_slot)] if no_slot else [])]), trackers, no_slot)


def _take(
    slot: SubmissionSlot, trackers: Sequence[JobTracker], client: Client, max_wait: float, interval: float
) -> UKSSDCError | None:
    """Take a slot if there is one; return why there is none."""
    for tracker in trackers:
        if tracker.complete:  # what has come to its end at the service leaves room
            slot.job_ended(tracker.job.job_id)
    if not slot.may_have_room:
        return None
    try:
        slot.take(client.count_active_jobs)
    except UKSSDCError as error:
        # A schedule may meet the service's maintenance.
        late = is_deployed() and error.refusal and (runtime.task_run.run_count or 1) < DEPLOYED_TRIES
        if not (error.retryable or slot.counted or late):
            raise
        slot.pause(max(interval, error.retry_after or 0.0))
        if slot.stalled_for > max_wait:
            raise NoSlot(
                f"no slot for {max_wait:g} s, in which the number of active jobs has not changed: {error}. See "
                "`xrt-products jobs`, and cancel what is not wanted any more",
                active=getattr(error, "active", 0),
                retryable=False,
            ) from None
        return error
    return None


def _poll(tracker: JobTracker, client: Client) -> None:
    """Make a call; one job's error does not stop the others' polls."""
    try:
        tracker.poll_with(client)
    except UKSSDCError as error:
        if tracker.poll_failed:
            get_run_logger().error("Not retrying the poll of %s: %s", tracker.subject, error)


def _show(tracker: JobTracker, artifacts: ProgressArtifacts | None) -> None:
    if artifacts is not None:
        artifacts.update(tracker.status)
    show(lambda display: display.status(tracker.job, tracker.status))

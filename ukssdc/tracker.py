"""Follow one job from poll to poll: what is pending, what has settled, when to ask again, when to give up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ukssdc.errors import JobGone, UKSSDCError
from ukssdc.job import Job, OldJob
from ukssdc.limits import MAX_WAIT
from ukssdc.record import JobFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action, JobStatus, Product, ProductStatus
from ukssdc.times import clock, utcnow

if TYPE_CHECKING:
    from ukssdc.client import Client

NO_STATUS_POLLS = 3  # in a row, after which a product without a status has failed
GONE_LISTS = 2  # lists that must say that a job is gone
MAX_PAUSE = 900.0  # s between two polls of a job that the service refuses to tell of
MAX_AGE = timedelta(days=1)  # after which a job without products that is refused is gone


class JobTracker:
    """One job, as it is polled.

    Prefect hands the same object to every attempt of a task, so it survives the retries; what must survive the process
    is in `job.json`. The job has been heard of: its submission was accepted, or it was found. So a refusal is the
    service's trouble, and no verdict, until the service's own list has said twice that the job is gone.

    Parameters
    ----------
    job : Job
    folder : JobFolder, optional
        Where each answer is put on record; without it, nothing is written.
    interval : float, optional
        Shortest time between two polls, s; also across processes, where there is a record.
    start : datetime, optional
        Since when the job is being waited for, UTC; by default, now.
    max_wait : float, optional
        Longest wait, s.
    no_status_polls : int, optional
        How many polls in a row a product may go without a status before it has failed.

    Attributes
    ----------
    status : JobStatus
        The last known status of each product.
    next_poll : float
        When the job may be asked about again, on `ukssdc.times.clock`, s.
    poll_error : UKSSDCError or None
        Why the last poll failed, if it did.
    """

    def __init__(
        self,
        job: Job,
        folder: JobFolder | None = None,
        *,
        interval: float = POLL_INTERVAL,
        start: datetime | None = None,
        max_wait: float = MAX_WAIT,
        no_status_polls: int = NO_STATUS_POLLS,
    ) -> None:
        self.job = job
        self.folder = folder
        self.interval = interval
        self.start = start or utcnow()
        self.deadline = self.start + timedelta(seconds=max_wait)
        self.status = JobStatus({p: ProductStatus.missing() for p in job.products})
        self.next_poll = clock() + self._seconds_to_wait()
        self.poll_error: UKSSDCError | None = None
        self._end = clock() + (self.deadline - utcnow()).total_seconds()
        self._no_status_polls = no_status_polls
        self._last_poll: float | None = None
        self._missing: Counter[Product] = Counter()
        self._dispatched: set[Product] = set()
        self._refusals = 0  # in a row
        self._ask_list = False
        self._gone_lists = 0  # in a row

    def action(self, product: Product) -> Action:
        """Return what a product's status calls for; one that was missing too often in a row has failed."""
        action = self.status[product].action
        if action is Action.MISSING and self._missing[product] >= self._no_status_polls:
            return Action.FAILED
        return action

    @property
    def pending(self) -> tuple[Product, ...]:
        """The products that have not been handed to their branch yet."""
        return tuple(p for p in self.job.products if p not in self._dispatched)

    @property
    def settled(self) -> tuple[Product, ...]:
        """The products that can go to their branch now."""
        return tuple(p for p in self.pending if self.action(p).is_final)

    @property
    def complete(self) -> bool:
        """True when every product has come to its end, or has failed for want of a status."""
        return len(self.settled) == len(self.pending)

    @property
    def deadline_passed(self) -> bool:
        """True when the longest wait is over, and the job has been asked about once more since."""
        return self._last_poll is not None and self._last_poll >= self._end

    @property
    def poll_failed(self) -> bool:
        """True where asking again makes no sense."""
        return self.poll_error is not None and not self._may_pass(self.poll_error)

    @property
    def gone(self) -> bool:
        """True where the service has removed the job."""
        return self._gone_lists >= GONE_LISTS

    @property
    def refused(self) -> bool:
        """True while the service refuses to tell of the job, which its list knows, or has not been asked for."""
        return self._refusals > 0 and not self.gone

    @property
    def elapsed(self) -> float:
        """How long the job has been waited for, s."""
        return (utcnow() - self.start).total_seconds()

    @property
    def poll_too_soon(self) -> bool:
        """True until the interval since the last poll, or the longer pause that was asked for, is over."""
        return clock() < self.next_poll

    def poll(self, ask: Callable[[tuple[Product, ...]], JobStatus], list_jobs: Callable[[], Sequence[OldJob]]) -> None:
        """Make one call, and put the answer on record.

        Parameters
        ----------
        ask : callable
            Makes the status call for these products.
        list_jobs : callable
            Lists the user's jobs at the service: asked in the place of a poll, after one that was refused or empty.

        Raises
        ------
        UKSSDCError
            Why the call failed, which is kept in `poll_error`; `JobGone` where the job is; or the record cannot be
            written.
        """
        try:
            if self._ask_list:
                self._note_list(list_jobs())
            else:
                self._note(ask(self.pending))
        except UKSSDCError as error:
            self._note_error(error)
            raise
        else:
            self.poll_error = None
        finally:
            self._last_poll = clock()  # the end: the call itself may have been slow
            self.next_poll = self._last_poll + self._pause()

    def poll_with(self, client: Client) -> None:
        """Make the call that is due; where the job is gone, that is put on record. Errors as for `poll`."""
        try:
            self.poll(lambda pending: client.status(self.job, pending), client.jobs)
        except JobGone:
            if self.folder is not None:
                self.folder.note_gone()
            raise

    def mark_dispatched(self, products: tuple[Product, ...]) -> None:
        """Take note that these products have been handed to their branch: they are not asked for again."""
        self._dispatched.update(products)

    def _seconds_to_wait(self) -> float:
        """Return for how long the job may not be asked about, after the poll of a process before this one, s."""
        last = self.folder.last_poll if self.folder is not None else None
        since = (utcnow() - last).total_seconds() if last is not None else self.interval
        return self.interval - min(max(since, 0.0), self.interval)

    def _pause(self) -> float:
        """Return the time to the next poll, s: longer where the service refuses, or asks for more."""
        asked_for = (self.poll_error.retry_after if self.poll_error is not None else None) or 0.0
        refused = self.interval * 2.0 ** min(max(self._refusals - 1, 0), 10)
        return max(self.interval, min(refused, MAX_PAUSE), asked_for)

    def _may_pass(self, error: UKSSDCError) -> bool:
        return error.retryable or (error.refusal and not self.gone)

    def _note_error(self, error: UKSSDCError) -> None:
        self.poll_error = error
        if not error.retryable and error.refusal and not self._ask_list:
            self._refusals += 1
            self._ask_list = True

    def _note_list(self, jobs: Sequence[OldJob]) -> None:
        """Look whether the service's list of jobs still has this one."""
        entry = next((old for old in jobs if old.job_id == self.job.job_id), None)
        if entry is None and getattr(jobs, "unreadable", False):
            return  # it may be among those: this list decides nothing
        if entry is None or (not entry.available and self._has_ended(entry)):
            self._gone_lists += 1
        else:
            self._gone_lists, self._ask_list = 0, False
        if self.gone:
            raise JobGone(
                f"the service has no job {self.job.job_id} any more: its list says so"
                + ("" if entry is None else ", it has no products left")
                + ". Request the products again"
            )

    def _has_ended(self, entry: OldJob) -> bool:
        """Tell whether a job without products, that the service does not tell of, was complete, or is old."""
        record = self.folder.read() if self.folder is not None else None
        complete = record is not None and record.was_complete
        submitted = entry.submitted or self.job.submitted
        return complete or (submitted is not None and utcnow() - submitted > MAX_AGE)

    def _note(self, answer: JobStatus) -> None:
        empty = all(status.action is Action.MISSING for status in answer.values())
        if not empty:
            self._refusals, self._gone_lists = 0, 0
        elif not any(self._missing.values()):
            self._ask_list = True  # once, in a row of empty answers
        for name, status in answer.items():
            product = Product(name)
            missing = status.action is Action.MISSING
            self._missing[product] = self._missing[product] + 1 if missing else 0
        self.status = JobStatus({p: answer.get(p, self.status[p]) for p in self.job.products})
        if self.folder is not None:
            self.folder.note_statuses(answer, utcnow())

    @property
    def subject(self) -> str:
        """What is followed, in words."""
        return f"job {self.job.job_id}"

    def __str__(self) -> str:
        text = f"{self.subject}: {self.status.only(self.pending)}"
        return text if self.poll_error is None else f"{text} ({self.poll_error})"

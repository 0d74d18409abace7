"""Follow one job from poll to poll: what is pending, what has settled, when to ask again, when to give up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from ukssdc.errors import UKSSDCError
from ukssdc.job import Job
from ukssdc.limits import MAX_WAIT
from ukssdc.record import JobFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action, JobStatus, Product, ProductStatus
from ukssdc.times import utcnow

NO_STATUS_POLLS = 3  # in a row, after which a product without a status has failed


class JobTracker:
    """One job, as it is polled.

    Prefect hands the same object to every attempt of a task, so it survives the retries; what must survive the process
    is in `job.json`.

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
        When the job may be asked about again, on `time.monotonic`, s.
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
        self.next_poll = time.monotonic() + self._seconds_to_wait()
        self._no_status_polls = no_status_polls
        self.poll_error: UKSSDCError | None = None
        self._polled = False
        self._missing: Counter[Product] = Counter()
        self._dispatched: set[Product] = set()

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
        """True when the longest wait is over; not before the job has been asked about once, however late that is."""
        return self._polled and utcnow() >= self.deadline

    @property
    def poll_failed(self) -> bool:
        """True where the last poll failed for good: asking again makes no sense."""
        return self.poll_error is not None and not self.poll_error.retryable

    @property
    def elapsed(self) -> float:
        """How long the job has been waited for, s."""
        return (utcnow() - self.start).total_seconds()

    @property
    def poll_too_soon(self) -> bool:
        """True until the interval since the last poll is over."""
        return time.monotonic() < self.next_poll

    def poll(self, ask: Callable[[tuple[Product, ...]], JobStatus]) -> None:
        """Ask for all pending products in one call, and put the answer on record.

        Raises
        ------
        UKSSDCError
            What `ask` raises, which is kept in `poll_error`; or the record cannot be written.
        """
        self._polled = True
        try:
            self._note(ask(self.pending))
        except UKSSDCError as error:
            self.poll_error = error
            raise
        else:
            self.poll_error = None
        finally:
            self.next_poll = time.monotonic() + self.interval  # from the end: the call itself may have been slow

    def mark_dispatched(self, products: tuple[Product, ...]) -> None:
        """Take note that these products have been handed to their branch: they are not asked for again."""
        self._dispatched.update(products)

    def _seconds_to_wait(self) -> float:
        """Return for how long the job may not be asked about, after the poll of a process before this one, s."""
        last = self.folder.last_poll if self.folder is not None else None
        return 0.0 if last is None else self.interval - max((utcnow() - last).total_seconds(), 0.0)

    def _note(self, answer: JobStatus) -> None:
        for name, status in answer.items():
            product = Product(name)
            missing = status.action is Action.MISSING
            self._missing[product] = self._missing[product] + 1 if missing else 0
        self.status = JobStatus({p: answer.get(p, self.status[p]) for p in self.job.products})
        if self.folder is not None:
            self.folder.note_statuses(answer, utcnow())

    def __str__(self) -> str:
        text = f"job {self.job.job_id}: {self.status.only(self.pending)}"
        return text if self.poll_error is None else f"{text} ({self.poll_error})"

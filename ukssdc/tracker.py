"""What one run knows of a job's life between two polls: who is pending, when it last asked, when to give up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from ukssdc.job import Job
from ukssdc.record.record import open_record
from ukssdc.status import JobStatus, Product, ProductStatus, StatusCode
from ukssdc.times import utcnow
from xrt_products.tasks.observe.artifacts import ProgressArtifacts


class JobTracker:
    """The memory of the poll loop.

    Prefect hands the same object to every attempt of a task, so it survives the retries; what must survive the
    process stands in `job.json`.

    Parameters
    ----------
    job : Job
    directory : Path
        The job's folder, whose `job.json` keeps the history.
    interval : float
        Shortest time between two polls, s.
    began : datetime
        Since when the job is being waited for, UTC.
    max_wait : float
        Longest wait, s.
    no_status_polls : int
        How many polls in a row a product may go without a status.
    """

    def __init__(
        self,
        job: Job,
        directory: Path,
        *,
        began: datetime,
        interval: float,
        max_wait: float,
        no_status_polls: int,
    ) -> None:
        self.job = job
        self.directory = directory
        self.board = ProgressArtifacts(job)
        self.interval = interval
        self.began = began
        self.deadline = self.began + timedelta(seconds=max_wait)
        self.status = JobStatus({p: ProductStatus.missing() for p in job.products})
        self._no_status_polls = no_status_polls
        self._asked = False
        self._without_status: Counter[Product] = Counter()
        self._last_poll = self._last_poll_on_record()
        self._done: set[Product] = set()

    @property
    def pending(self) -> tuple[Product, ...]:
        """The products that have not been handed to their branch yet."""
        return tuple(p for p in self.job.products if p not in self._done)

    @property
    def settled(self) -> tuple[Product, ...]:
        """The products that can go to their branch now."""
        return tuple(
            p for p in self.pending if self.status[p].settled or self._without_status[p] >= self._no_status_polls
        )

    @property
    def deadline_passed(self) -> bool:
        """True when the longest wait is over; not before it has been asked once, however late that is."""
        return self._asked and utcnow() >= self.deadline

    @property
    def elapsed(self) -> float:
        """How long it has been, s."""
        return (utcnow() - self.began).total_seconds()

    @property
    def poll_too_soon(self) -> bool:
        """True while the next poll would come sooner than the interval after the last one."""
        return time.monotonic() - self._last_poll < self.interval

    def poll(self, ask: Callable[[tuple[Product, ...]], JobStatus]) -> None:
        """Ask for all pending products in one call, and take note of the answer."""
        self._asked = True
        try:
            answer = ask(self.pending)
        finally:
            self._last_poll = time.monotonic()  # from the end: the call itself may have been slow on its way
        self._note(answer, utcnow())

    def done(self, products: tuple[Product, ...]) -> None:
        """Take note that these products have been handed to their branch: they are not asked for again."""
        self._done.update(products)

    def _last_poll_on_record(self) -> float:
        """Return when the job was last polled, perhaps by a process before this one, on `time.monotonic`, s."""
        with open_record(self.directory, self.job) as record:
            ago = (utcnow() - record.last_poll).total_seconds() if record.last_poll else float("inf")
        return time.monotonic() - max(ago, 0)

    def _note(self, answer: JobStatus, at: datetime) -> None:
        statuses = {p: self.status[p] for p in self.job.products}
        with open_record(self.directory, self.job) as record:
            record.last_poll = at
            for name, status in answer.items():
                product = Product(name)
                if status.status_code == StatusCode.NO_STATUS:
                    self._without_status[product] += 1
                else:
                    self._without_status[product] = 0
                statuses[product] = status
                record.note_status(product, status.status_code, status.status_text, at)
        self.status = JobStatus(statuses)

    def __str__(self) -> str:
        return f"job {self.job.job_id}: {self.status.only(self.pending)}"

"""One submission at a time, and no more active jobs than may be: for all processes of a user on a machine.

The service asks for few active jobs (protocol, section 1) and counts them itself. Between the count and the submission
no other process may submit: both are made under a lock in the user's state folder, named after the service's host and
port.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ukssdc.addresses import origin
from ukssdc.errors import NoSlot, UKSSDCError
from ukssdc.record.locks import file_lock, is_locked
from ukssdc.times import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    SharedTurn = Callable[[], AbstractContextManager[bool]]

MAX_ACTIVE = 5  # jobs; the service's own figure


def state_folder() -> Path:
    """Return the folder for what this user's processes share: `$XDG_STATE_HOME/xrt-products`, made where missing."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(home) / "xrt-products"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


class SubmissionSlot:
    """The right to submit one job: taken with the count, given back with the submission's answer.

    What counts is the larger of the service's count and the number of jobs that this user's processes know to be
    active: a job that was just submitted may not be in the service's count yet.

    Parameters
    ----------
    base_url : str
        Where the service is.
    max_active : int, optional
        How many jobs may be active at once.
    shared : callable, optional
        Makes a context that is entered under the lock and left with it; it yields False where it is somebody else's
        turn: what holds for several machines.

    Attributes
    ----------
    counted : bool
        Whether the service has answered how many jobs are active: it knows the account.
    refused_at : int or None
        How many jobs were active when the service refused a submission for their number: fewer must be active now.
    """

    def __init__(self, base_url: str, max_active: int = MAX_ACTIVE, shared: SharedTurn | None = None) -> None:
        where = origin(base_url)
        self._service = f"{re.sub(r'[^a-z0-9.-]', '_', where.host)}-{where.port}"
        self._folder = state_folder()
        self._shared = shared
        self.max_active = max_active
        self.counted = False
        self.refused_at: int | None = None
        self._held: ExitStack | None = None
        self._jobs: dict[int, ExitStack] = {}
        self._next_count = clock()
        self._last_count: int | None = None
        self._changed_at = clock()

    @property
    def held(self) -> bool:
        """True between a count that left room and the submission."""
        return self._held is not None

    @property
    def may_have_room(self) -> bool:
        """False while as many of one's own jobs are active as may be, or within a pause."""
        return len(self._jobs) < self.max_active and clock() >= self._next_count

    @property
    def stalled_for(self) -> float:
        """Time since the service's count last changed, or left room, s."""
        return clock() - self._changed_at

    def pause(self, seconds: float) -> None:
        """Let no count be asked for during this time, s; or until one of one's own jobs ends."""
        self._next_count = clock() + seconds

    def take(self, count: Callable[[], int]) -> bool:
        """Take the slot, if there is one; False where another process is submitting at this moment.

        Parameters
        ----------
        count : callable
            Asks the service how many jobs are active.

        Raises
        ------
        NoSlot
            As many jobs are active as may be; retryable.
        UKSSDCError
            What `count` raises.
        """
        if self.held:
            return True
        with ExitStack() as stack:
            if not stack.enter_context(file_lock(self._folder / f"submit-{self._service}.lock")):
                return False
            if self._shared is not None and not stack.enter_context(self._shared()):
                return False
            active = count()
            self.counted = True
            if active != self._last_count:
                self._last_count, self._changed_at = active, clock()
            active = max(active, self._known_active())
            limit = self.max_active if self.refused_at is None else min(self.max_active, self.refused_at)
            if active >= limit:
                raise NoSlot(f"waiting for a slot: {active} of {limit} active", active=active)
            self._held = stack.pop_all()
            self._changed_at = clock()
        return True

    def release(self) -> None:
        """Give the slot back: the next process may count and submit."""
        if self._held is not None:
            held, self._held = self._held, None
            held.close()

    def job_submitted(self, job_id: int) -> None:
        """Let all processes of this user know that a job is active, until it ends or this process does.

        Never raises: the job is there, and the service counts it as well.
        """
        if job_id in self._jobs:
            return
        with suppress(UKSSDCError), ExitStack() as stack:
            if stack.enter_context(file_lock(self._job_file(job_id), wait=True)):
                self._jobs[job_id] = stack.pop_all()

    def job_ended(self, job_id: int) -> None:
        """Let them know that it is active no more."""
        if (held := self._jobs.pop(job_id, None)) is not None:
            held.close()
            self._next_count = clock()

    def close(self) -> None:
        """Give back all that is held."""
        self.release()
        for job_id in list(self._jobs):
            self.job_ended(job_id)

    def _known_active(self) -> int:
        active = 0
        for file in self._folder.glob(self._job_file("*").name):
            if is_locked(file):
                active += 1
            else:  # of a process that was killed
                file.unlink(missing_ok=True)
        return active

    def _job_file(self, job: object) -> Path:
        return self._folder / f"active-{self._service}-{job}.lock"

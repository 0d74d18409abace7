"""One submission at a time, and no more active jobs than may be: for all processes of a user on a machine.

The service asks for few active jobs (protocol, section 1) and counts them itself. Between the count and the submission
no other process may submit: both are made under a lock in the user's state folder, named after the service's host and
port.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ukssdc.addresses import origin
from ukssdc.errors import NoSlot
from ukssdc.record.locks import file_lock

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ACTIVE = 5  # jobs; the service's own figure


def state_folder() -> Path:
    """Return the folder for what this user's processes share: `$XDG_STATE_HOME/xrt-products`, made where missing."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(home) / "xrt-products"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


class SubmissionSlot:
    """The right to submit one job: taken with the count, given back with the submission's answer.

    Parameters
    ----------
    base_url : str
        Where the service is.
    max_active : int, optional
        How many jobs may be active at once.

    Attributes
    ----------
    refused_at : int or None
        How many jobs were active when the service refused a submission for their number: fewer must be active now.
    """

    def __init__(self, base_url: str, max_active: int = MAX_ACTIVE) -> None:
        where = origin(base_url)
        host = re.sub(r"[^a-z0-9.-]", "_", where.host)
        self._path = state_folder() / f"submit-{host}-{where.port}.lock"
        self.max_active = max_active
        self.refused_at: int | None = None
        self._held: ExitStack | None = None

    @property
    def held(self) -> bool:
        """True between a count that left room and the submission."""
        return self._held is not None

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
            if not stack.enter_context(file_lock(self._path)):
                return False
            active = count()
            limit = self.max_active if self.refused_at is None else min(self.max_active, self.refused_at)
            if active >= limit:
                raise NoSlot(f"waiting for a slot: {active} of {limit} active", active=active)
            self._held = stack.pop_all()
        return True

    def close(self) -> None:
        """Give the slot back, if it is held."""
        self.release()

    def release(self) -> None:
        """Give the slot back: the next process may count and submit."""
        if self._held is not None:
            held, self._held = self._held, None
            held.close()

"""Wait for a slot: no more jobs active at once than the service asks for."""

from __future__ import annotations

import time
from datetime import datetime

from ukssdc import Client
from ukssdc.errors import NoSlot
from ukssdc.slots import SubmissionSlot
from ukssdc.times import utcnow
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.cancellation import raise_if_cancelled
from xrt_products.tasks.retry import TO_THE_DEADLINE, give_up_after, retried_task

LOCK_TRIES, LOCK_PAUSE = 20, 0.25  # s; another process holds the lock for two calls


@retried_task(
    name="wait for slot",
    task_run_name="wait for slot",
    description="Ask once a minute how many jobs are active, until there is room for one more; retries are the loop.",
    backoff=False,
)
def wait_for_slot(
    slot: SubmissionSlot, account: Account = None, deadline: datetime | None = None, refused_tries: int = 1
) -> None:
    """Take a slot as soon as there is one; the submission gives it back.

    Parameters
    ----------
    slot : SubmissionSlot
    account : str, UKSSDCAccount or None, optional
    deadline : datetime, optional
        When to give up, UTC; there is one more look after it.
    refused_tries : int, optional
        How often a service that refuses the account is asked: this is the first call that is made.

    Raises
    ------
    NoSlot
        There was none until the deadline; nothing has been submitted.
    ServiceError, TransportError, ProtocolError
    RetriesExhausted
        The service stays away.
    RunCancelled
        The run was cancelled in Prefect, which nothing else has noticed.
    """
    raise_if_cancelled()
    with client_for(account) as client:
        take_slot(slot, client, deadline, refused_tries=refused_tries)


def take_slot(slot: SubmissionSlot, client: Client, deadline: datetime | None, *, refused_tries: int = 1) -> None:
    """Take a slot now, if there is one; errors as for `wait_for_slot`, and a `NoSlot` that is retryable before."""
    try:
        with give_up_after(deadline, refused_tries=TO_THE_DEADLINE if slot.counted else refused_tries):
            _take(slot, client)
    except NoSlot as full:
        if deadline is not None and utcnow() >= deadline:
            raise NoSlot(
                f"no slot until the longest wait was over: nothing has been submitted. {full.active} jobs are active "
                "at the service; see `xrt-products jobs`, and cancel what is not wanted any more",
                active=full.active,
                retryable=False,
            ) from None
        raise


def _take(slot: SubmissionSlot, client: Client) -> None:
    """Try for some seconds where another process is submitting at this moment."""
    for _ in range(LOCK_TRIES):
        if slot.take(client.count_active_jobs):
            return
        time.sleep(LOCK_PAUSE)
    raise NoSlot("waiting for a slot: another run is submitting", active=0)

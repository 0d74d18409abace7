"""See whether a job that an earlier run left unfinished can be resumed."""

from __future__ import annotations

from datetime import datetime

from ukssdc import Product
from ukssdc.record import JobFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action
from ukssdc.times import utcnow
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.retry import give_up_after, retried_task


@retried_task(
    name="check unfinished job",
    task_run_name="check unfinished job {folder.job.job_id}",
    description="See whether anything is left to wait for, or to fetch, of a job that an earlier run left unfinished.",
    backoff=False,
)
def can_resume(
    folder: JobFolder, account: Account = None, interval: float = POLL_INTERVAL, deadline: datetime | None = None
) -> bool:
    """Tell whether a job has products to wait for or to fetch; put it on record where all the rest was cancelled.

    Parameters
    ----------
    folder : JobFolder
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.
    interval : float, optional
        Shortest time between two polls, s; a job that was polled only just now is not asked about.
    deadline : datetime, optional
        When to give up on a service that is away, UTC.

    Raises
    ------
    ServiceError, TransportError, ProtocolError
    RetriesExhausted
        The service stays away.
    """
    last = folder.last_poll
    if last is not None and (utcnow() - last).total_seconds() < interval:
        return True
    with give_up_after(deadline), client_for(account) as client:
        status = client.status(folder.job)
    with folder.open() as record:
        record.last_poll = utcnow()
        cancelled = {Product(p) for p, s in status.items() if s.action is Action.CANCELLED}
        if not cancelled.issuperset(set(folder.job.products) - set(record.files)):
            return True
        record.outcomes |= dict.fromkeys(record.files, "downloaded") | dict.fromkeys(cancelled, "cancelled")
    return False

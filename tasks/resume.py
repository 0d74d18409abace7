"""See whether a job that an earlier run left unfinished can be resumed."""

from __future__ import annotations

from datetime import datetime

from ukssdc import Product, UKSSDCError
from ukssdc.record import JobFolder
from ukssdc.status import Action
from ukssdc.tracker import JobTracker
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.cancellation import raise_if_cancelled
from xrt_products.tasks.poll import ProductsPending
from xrt_products.tasks.retry import give_up_after, retried_task


@retried_task(
    name="check unfinished job",
    task_run_name="check unfinished job {folder.job.job_id}",
    description="See whether anything is left to wait for, or to fetch, of a job that an earlier run left unfinished.",
    backoff=False,
)
def can_resume(
    folder: JobFolder, tracker: JobTracker, account: Account = None, deadline: datetime | None = None
) -> bool:
    """Tell whether a job has products to wait for, to fetch or to show; put it on record where it has none.

    Parameters
    ----------
    folder : JobFolder
    tracker : JobTracker
        The job's, which keeps to the interval.
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.
    deadline : datetime, optional
        When to give up on a service that is away, UTC.

    Raises
    ------
    ProductsPending
        The job was polled only just now, or the service refuses to tell of it: Prefect asks again after the interval.
    TransportError
    RetriesExhausted
        The service stays away.
    """
    raise_if_cancelled()
    record = folder.read()
    if record is not None and record.all_ended:
        return True  # only what is to be shown is missing
    if tracker.poll_too_soon:
        raise ProductsPending(f"job {folder.job.job_id} was polled only just now")
    with give_up_after(deadline), client_for(account) as client:
        try:
            tracker.poll_with(client)
        except UKSSDCError:
            if tracker.gone:
                return False
            if tracker.poll_failed or not tracker.refused:
                raise
            raise ProductsPending(str(tracker)) from None
    if tracker.refused:
        raise ProductsPending(str(tracker))
    cancelled = {Product(p) for p, s in tracker.status.items() if s.action is Action.CANCELLED}
    files = record.files if record is not None else {}
    missing = set(folder.job.products) - set(files)
    if missing and cancelled.issuperset(missing):
        folder.note_cancelled(cancelled)
        return False
    return True

"""Look a job up at the service by its number."""

from __future__ import annotations

from datetime import datetime

from ukssdc import Job
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.retry import give_up_after, retried_task


@retried_task(
    name="find job",
    task_run_name="find job {job_id}",
    description="Look a job up at the service by its number.",
)
def find_job(job_id: int, account: Account = None, deadline: datetime | None = None, refused_tries: int = 1) -> Job:
    """Look a job up at the service by its number; until the deadline, where the service is away.

    Raises
    ------
    ServiceError
        There is no such job, or it is someone else's.
    TransportError, ProtocolError
    RetriesExhausted
        The service stays away.
    """
    with give_up_after(deadline, refused_tries=refused_tries), client_for(account) as client:
        return client.attach(job_id)

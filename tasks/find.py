"""Look a job up at the service by its number."""

from __future__ import annotations

from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from ukssdc import Job
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.retry import INTERVAL, MAX_WAIT, backoff_delays, give_up_after, is_retryable


@task(
    name="find job",
    task_run_name="find job {job_id}",
    description="Look a job up at the service by its number.",
    retries=int(MAX_WAIT / INTERVAL),
    retry_delay_seconds=backoff_delays(INTERVAL),
    retry_condition_fn=is_retryable,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def find_job(job_id: int, account: Account = None, deadline: datetime | None = None) -> Job:
    """Look a job up at the service by its number; until the deadline, where the service is away."""
    with give_up_after(deadline):
        return client_for(account).attach(job_id)

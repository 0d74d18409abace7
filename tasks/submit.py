"""Submit a request, once."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import INPUTS, RUN_ID

from tasks.account import Account, client_for
from ukssdc import Job, ProductRequest


@task(
    name="submit request",
    task_run_name="submit {request.name}",
    description="Ask the UKSSDC to build the products; the job that answers is remembered for this flow run.",
    tags=["ukssdc-submit"],
    # A flow run that is set going again finds its job here. The account is no part of what was asked for.
    persist_result=True,
    result_serializer="json",
    cache_policy=INPUTS - "account" + RUN_ID,
)
def submit_request(request: ProductRequest, account: Account = None) -> Job:
    """Ask for products to be built.

    Parameters
    ----------
    request : ProductRequest
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.

    Returns
    -------
    Job

    Raises
    ------
    InvalidRequest, ServiceError, TransportError, ProtocolError
    """
    job = client_for(account).submit(request)
    get_run_logger().info("The service took the request as job %d: %s", job.job_id, job.url)
    return job

"""Submit a request, once: whatever happens on the way, one flow run has one job."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import INPUTS, RUN_ID
from prefect.context import FlowRunContext

from tasks.account import Account, client_for
from tasks.labels import belongs_to_another_run, label_flow_run
from tasks.poll import INTERVAL, MAX_WAIT, time_can_mend
from ukssdc import Client, Job, ProductRequest, UKSSDCError
from ukssdc.lookup import find_submitted
from ukssdc.record import now


class SubmissionGivenUp(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """The service could not be reached for as long as the caller was willing to wait."""


@task(
    name="submit request",
    task_run_name="submit {request.name}",
    description="Ask the UKSSDC to build the products; the job that answers is remembered for this flow run.",
    retries=int(MAX_WAIT / INTERVAL),
    retry_delay_seconds=INTERVAL,
    retry_condition_fn=time_can_mend,
    # A flow run that is set going again finds its job here. How it is asked for is no part of what was asked for.
    persist_result=True,
    result_serializer="json",
    cache_policy=INPUTS - "account" - "deadline" + RUN_ID,
)
def submit_request(request: ProductRequest, account: Account = None, deadline: datetime | None = None) -> Job:
    """Ask for products to be built.

    A POST must not be repeated blindly. Where an earlier attempt of this flow run may have reached the service
    (its answer never came, or its process was killed), the job that it may have made is looked for first.

    Parameters
    ----------
    request : ProductRequest
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.
    deadline : datetime, optional
        When to give up on a service that cannot be reached, UTC.

    Returns
    -------
    Job

    Raises
    ------
    InvalidRequest, ServiceError
    TransportError, ProtocolError
        Prefect tries again after a minute.
    SubmissionGivenUp
        The deadline is over.
    """
    client, log = client_for(account), get_run_logger()
    try:
        job = _submitted_before(client, request) if _is_another_attempt() else None
        if job is None:
            job = client.submit(request)
            log.info("The service took the request as job %d: %s", job.job_id, job.url)
    except UKSSDCError as error:
        if error.may_pass and deadline is not None and now() >= deadline:
            raise SubmissionGivenUp(f"{error}. Given up, because the longest wait is over") from error
        raise
    label_flow_run(job)
    return job


def _is_another_attempt() -> bool:
    return (runtime.task_run.run_count or 0) > 1 or (runtime.flow_run.run_count or 0) > 1


def _submitted_before(client: Client, request: ProductRequest) -> Job | None:
    """Look for the job of an earlier attempt of this flow run."""
    log = get_run_logger()
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    since = (run.start_time if run is not None else None) or now()
    found = [job for job in find_submitted(client, request, since) if not belongs_to_another_run(job)]
    if not found:
        return None
    job = found[0].model_copy(update={"submitted": since})  # by this machine's clock: the wait is counted from here
    log.warning("An earlier attempt has reached the service: going on with its job %d, %s", job.job_id, job.url)
    if len(found) > 1:
        others = ", ".join(str(other.job_id) for other in found[1:])
        log.warning(
            "The service holds the same request %d times: job %s is not followed; cancel it", len(found), others
        )
    return job

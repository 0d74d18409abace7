"""Submit a request, once: whatever happens on the way, one flow run has one job."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import NamedTuple

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import INPUTS, RUN_ID
from prefect.context import FlowRunContext

from ukssdc import Client, Job, ProductRequest
from ukssdc.errors import NoSlot, SubmissionRefused, UKSSDCError
from ukssdc.limits import MAX_WAIT
from ukssdc.lookup import find_submitted
from ukssdc.record import JournalEntry, ProductsFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.slots import SubmissionSlot
from ukssdc.times import utcnow
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.flow_run import label_flow_run, owned_by_other_run
from xrt_products.tasks.retry import TO_THE_DEADLINE, give_up_after, is_retryable
from xrt_products.tasks.slot import take_slot


class PriorSubmissions(NamedTuple):
    """What is known of earlier submissions of the same request.

    Attributes
    ----------
    orphaned : tuple of JournalEntry
        Those whose process was killed before their job's number was on disk.
    products : ProductsFolder, optional
        The destination: a job that is on record there is not this submission's.
    since : datetime, optional
        When its first attempt began, UTC; by default, the flow run.
    may_have_arrived : bool, optional
        Whether an earlier attempt may have reached the service; by default, wherever this task, or its flow run, was
        started before.
    """

    orphaned: tuple[JournalEntry, ...] = ()
    products: ProductsFolder | None = None
    since: datetime | None = None
    may_have_arrived: bool | None = None


_NOTHING = PriorSubmissions()
REFUSED_TRIES = 3  # where no job is active, and the service names no parameter; or a gateway refuses


@task(
    name="submit request",
    task_run_name="submit {request.name}",
    description="Ask the UKSSDC to build the products; the job that answers is remembered for this flow run.",
    retries=int(MAX_WAIT / POLL_INTERVAL),
    retry_delay_seconds=POLL_INTERVAL,
    retry_condition_fn=is_retryable,
    # A flow run that is set going again finds its job here. How it is asked for is no part of what was asked for.
    persist_result=True,
    result_serializer="json",
    cache_policy=INPUTS - "account" - "deadline" - "prior" - "slot" - "active" + RUN_ID,
)
def submit_request(
    request: ProductRequest,
    account: Account = None,
    deadline: datetime | None = None,
    prior: PriorSubmissions = _NOTHING,
    slot: SubmissionSlot | None = None,
    active: Sequence[Job] = (),
    row: str = "",  # noqa: ARG001 - a part of the cache key
) -> Job:
    """Ask for products to be built.

    A POST must not be repeated blindly. Where an earlier attempt may have reached the service (its answer never came,
    or its process was killed), the job that it may have made is looked for first.

    Parameters
    ----------
    request : ProductRequest
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.
    deadline : datetime, optional
        When to give up on a service that cannot be reached, UTC.
    prior : PriorSubmissions, optional
        Submissions of the same request by runs that are gone.
    slot : SubmissionSlot, optional
        The slot for it, taken already or to be taken here; it is given back.
    active : sequence of Job, optional
        The run's other jobs that are active: with this one, they are what a cancellation of the run is to cancel.
    row : str, optional
        Which of the run's submissions it is, where it makes several of one request.

    Returns
    -------
    Job

    Raises
    ------
    InvalidRequest, SubmissionRefused
    NoSlot
        As many jobs are active as may be; before the deadline, Prefect tries again after a minute.
    TransportError, ProtocolError
        Prefect tries again after a minute.
    RetriesExhausted
        The deadline is over.
    """
    with give_up_after(deadline), client_for(account) as client:
        repeated = is_another_attempt() if prior.may_have_arrived is None else prior.may_have_arrived
        may_exist = bool(prior.orphaned) or repeated
        job = _find_existing_job(client, request, prior) if may_exist else None
        if job is None:
            with closing(SubmissionSlot(client.base_url, sys.maxsize)) as unlimited:
                job = _submit(client, request, slot or unlimited, deadline)
            get_run_logger().info("The service took the request as job %d (%s): %s", job.job_id, job.name, job.url)
    label_flow_run([*active, job])
    return job


def _submit(client: Client, request: ProductRequest, slot: SubmissionSlot, deadline: datetime | None) -> Job:
    """Submit the request within a slot; a refusal for the number of jobs is waited for."""
    take_slot(slot, client, deadline)
    try:
        job = client.submit(request)
    except SubmissionRefused as refusal:
        if refusal.names_parameters:
            raise
        with give_up_after(deadline, refused_tries=TO_THE_DEADLINE):
            active = client.count_active_jobs()
        if active > 0:
            slot.refused_at = active
            raise NoSlot(f"{refusal}. {active} jobs are active: waiting until there are fewer", active=active) from None
        refusal.retryable = _may_be_tried_again()
        raise
    except UKSSDCError as error:
        error.retryable = error.retryable or (error.refusal and _may_be_tried_again())
        raise
    else:
        slot.job_submitted(job.job_id)
        return job
    finally:
        slot.release()


def _may_be_tried_again() -> bool:
    return (runtime.task_run.run_count or 1) < REFUSED_TRIES


def is_another_attempt() -> bool:
    """Tell whether this task, or its flow run, has been started before."""
    return (runtime.task_run.run_count or 0) > 1 or (runtime.flow_run.run_count or 0) > 1


def _find_existing_job(client: Client, request: ProductRequest, prior: PriorSubmissions) -> Job | None:
    """Look for the job of an earlier attempt, by this flow run or by one that is gone."""
    log, context = get_run_logger(), FlowRunContext.get()
    run = context.flow_run if context is not None else None
    attempts = {s.run: s.since for s in prior.orphaned}
    if run is not None:
        attempts[str(run.id)] = prior.since or run.start_time or utcnow()
    since = min(attempts.values(), default=utcnow())
    known = prior.products.recorded_jobs() if prior.products is not None else frozenset()
    found = [job for job in find_submitted(client, request, since, known) if not owned_by_other_run(job, attempts)]
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

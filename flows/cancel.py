"""cancel_products; and the hook that cancels a run's job with it, where Prefect cancels the run."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from contextlib import suppress
from contextvars import Context
from datetime import timedelta
from inspect import signature
from pathlib import Path
from typing import Any

import httpx
from prefect import Flow, State, flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.logging.loggers import flow_run_logger
from prefect.states import Cancelled, Cancelling

from ukssdc import CancelReport, Client, Job, Product, ProductRequest, UKSSDCError
from ukssdc.limits import validate_limits
from ukssdc.lookup import find_submitted
from ukssdc.record import ProductsFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.times import utcnow
from xrt_products.flows.form import AccountField, ProductsField
from xrt_products.flows.interrupt import CANCEL_HINT, FindJobs
from xrt_products.flows.request import read_request
from xrt_products.tasks.account import UKSSDCAccount, client_for
from xrt_products.tasks.cancel import cancel_job
from xrt_products.tasks.cancellation import RunCancelled
from xrt_products.tasks.find import find_job
from xrt_products.tasks.flow_run import (
    DESTINATION_LABEL,
    LABEL,
    add_jobs,
    deployed_run,
    flow_run,
    label_run,
    owned_by_other_run,
    run_began,
)
from xrt_products.tasks.results import RESULTS
from xrt_products.tasks.retry import backoff_delays, max_retries

MAX_CANCEL_WAIT = 3600.0  # s; how long a cancellation is tried while the service is away


def submitted_by(request: ProductRequest, run: FlowRun) -> FindJobs:
    """Return what finds the job of a flow run whose submission was stopped before the job's number was on record."""

    def find(client: Client) -> list[tuple[Job, tuple[Product, ...]]]:
        found = find_submitted(client, request, run.start_time or utcnow())
        return [(job, job.products) for job in found if not owned_by_other_run(job, {str(run.id)})]

    return find


def cancel_job_with_run(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect calls it by these names
    """Cancel the job of a cancelled flow run at the service, products already complete excepted.

    Prefect calls it by keyword, with exactly these names, in a process that knows only what is stored.
    """
    log = flow_run_logger(flow_run, flow)
    if not parameter(flow, flow_run, "cancel_with_run"):
        log.info("The job goes on at the service, as cancel_with_run=False asks")
        return
    try:
        account = stored_account(parameter(flow, flow_run, "account"))
        job_ids = _jobs_of(flow_run, account)
    except (UKSSDCError, ValueError, httpx.HTTPError, PrefectException) as error:
        log.error("Could not find out what to cancel at the service: %s. %s", error, CANCEL_HINT)
        return
    if not job_ids:
        log.info("The service has no job of this run: there is nothing to cancel")
    for job_id in job_ids:
        _cancel(job_id, account, log)


def end_cancelled(error: RunCancelled) -> State[Any]:
    """Do what Prefect would have done, had it noticed that this run was cancelled; return the state to end in."""
    log, context = get_run_logger(), FlowRunContext.get()
    ends: State[Any] = Cancelled(message=f"Cancelled: {error}")
    run, deployed = flow_run(), deployed_run()
    log.warning("Ending: %s", error)
    if context is not None and context.flow is not None:
        # Outside of this run, as the hook is otherwise: the steps of a cancelled run may not start.
        for hook in context.flow.on_cancellation_hooks or []:
            Context().run(hook, flow=context.flow, flow_run=run, state=Cancelling())
    if deployed is not None and deployed != run.id:
        with suppress(httpx.HTTPError, PrefectException), get_client(sync_client=True) as client:
            client.set_flow_run_state(deployed, ends)
    return ends


def parameter(flow: Flow[..., Any], flow_run: FlowRun, name: str) -> Any:
    """Return a run's parameter; of one that was not given, which the server does not store, the flow's default."""
    if name in flow_run.parameters:
        return flow_run.parameters[name]
    return signature(flow.fn).parameters[name].default


def _cancel(job_id: int, account: str | UKSSDCAccount | None, log: Any) -> None:
    """Cancel a job by a flow of its own: it is tried again where the service is away, and seen in the UI."""
    try:
        report = cancel_products(job_id, account=account)
    except Exception as error:  # noqa: BLE001 - whatever it is, the log must say what to do
        log.error(
            "Could not cancel job %d at the service: %s. Do it with `xrt-products cancel %d`", job_id, error, job_id
        )
    else:
        log.info("The flow run was cancelled, and with it %s", report)


def _jobs_of(flow_run: FlowRun, account: str | UKSSDCAccount | None) -> list[int]:
    """Return the numbers of a flow run's jobs: one, or none; more where a submission's answer never came."""
    with get_client(sync_client=True) as client:
        stored = client.read_flow_run(flow_run.id)  # the one at hand may be from before the submission
        known = stored.labels.get(LABEL, flow_run.parameters.get("job_id"))
        if (destination := stored.labels.get(DESTINATION_LABEL)) is not None:
            unanswered = _unanswered(flow_run, ProductsFolder(Path(str(destination))), client_for(account))
            if unanswered:
                add_jobs(client, stored, unanswered)
            return [*map(int, str(known or "").split()), *(job.job_id for job in unanswered)]
        if known is not None:
            return [int(number) for number in str(known).split()]
        if flow_run.start_time is None or "request" not in flow_run.parameters:
            return []
        request = read_request(flow_run.parameters["request"])
        jobs = [job for job, _ in submitted_by(request, flow_run)(client_for(account))]
        if jobs:  # so that it is known whose they were when the same request is run again
            label_run(client, flow_run, jobs)
        return [job.job_id for job in jobs]


def _unanswered(run: FlowRun, products: ProductsFolder, client: Client) -> list[Job]:
    """Return the jobs of a campaign's submissions whose answer never came, as far as its journal can be read here."""
    found: list[Job] = []
    for entry in products.submissions_of(str(run.id)):
        request, known = ProductRequest.from_wire(entry.request), products.recorded_jobs()
        jobs = find_submitted(client, request, entry.since, known)
        found += [job for job in jobs if not owned_by_other_run(job, {str(run.id)})]
    return found


def stored_account(account: Any) -> str | UKSSDCAccount | None:
    """Return an account from what the server keeps of it: a name, a reference to a block, or nothing."""
    if isinstance(account, dict) and "$ref" in account:
        return UKSSDCAccount.load_from_ref(account["$ref"])  # type: ignore[return-value]  # sync here
    return account if isinstance(account, str) else None


@flow(
    name="cancel products",
    flow_run_name="cancel job {job_id}",
    description="Tell the UKSSDC that a job's products are not wanted any more.",
    persist_result=True,
    result_serializer=RESULTS,
)
def cancel_products(
    job_id: int,
    products: ProductsField = "all",
    account: AccountField = None,
    interval: float = POLL_INTERVAL,
    max_wait: float = MAX_CANCEL_WAIT,
) -> CancelReport:
    """Cancel a job's products at the service.

    Args:
        job_id: The service's number for the job. Example: 951.
        products: What is not wanted any more: all of the job's products, one, or several. Example: LightCurve.
        account: Whose job it is: the registered address that the worker has in UKSSDC_USER, or a block of the type
            UKSSDC account, by name (example: leicester) or chosen. Never an e-mail address: Prefect's server stores and
            shows what is given here.
        interval: Longest delay between two tries where the service cannot be reached. Unit: s.
        max_wait: How long to try. Unit: s. Example: 3600, an hour.

    Returns
    -------
        What became of each; that some could not be cancelled is no error.

    Raises
    ------
        InvalidOptions: A delay or a wait makes no sense, or would annoy the service.
        ServiceError: There is no such job, or it is someone else's.
        RetriesExhausted: The service could not be reached.
    """
    validate_limits(interval=interval, max_wait=max_wait, base_url=client_for(account).base_url)
    retries, delays = max_retries(max_wait, interval), backoff_delays(interval)
    deadline = run_began() + timedelta(seconds=max_wait)
    find = find_job.with_options(retries=retries, retry_delay_seconds=delays)
    cancel = cancel_job.with_options(retries=retries, retry_delay_seconds=delays)
    return cancel(find(job_id, account, deadline), products, account, deadline)

"""The flow run itself: when it began, and whose job is whose.

Its job is noted in labels, for hooks, which run in other processes, and in a tag, for people.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from ukssdc import Job, Rebin
from ukssdc.times import utcnow
from xrt_products.tasks.account import PrefectUnavailable
from xrt_products.tasks.cancellation import note_outage

LABEL = "ukssdc.job_id"
REBIN_LABEL = "ukssdc.rebin_id"
DESTINATION_LABEL = "ukssdc.destination"  # of a campaign, whose journal tells of submissions without an answer
URL_LABEL = "ukssdc.job_url"  # job numbers of the emulator and the service are not the same jobs


INTERRUPTED = "Interrupted"  # the name of a state: a kind of Cancelled
QUICK_TRIES = 6
DEPLOYED_TRIES = 3  # where the service refuses a deployed run's first call: a schedule may meet its maintenance


def flow_run() -> FlowRun:
    """Return the flow run that this is called in."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("only within a flow run")
    return context.flow_run


def run_began() -> datetime:
    """Return when this flow run began, at its very first start; UTC."""
    return flow_run().start_time or utcnow()


def deployed_run(run: FlowRun | None = None) -> UUID | None:
    """Return the run that a worker, or what serves its flow, has started: this one, or the one that it is part of.

    It is in the environment of the process that was started for it: `runtime.deployment.id` would ask the server.
    """
    run = run or flow_run()
    if run.deployment_id is not None:
        return run.id
    found = os.environ.get("PREFECT__FLOW_RUN_ID")
    return UUID(found) if found and run.parent_task_run_id is not None else None


def is_deployed() -> bool:
    """Tell whether this run, or the one that it is part of, was started by a worker or by what serves its flow."""
    return deployed_run() is not None


def is_deployments_own() -> bool:
    """Tell whether this is a deployment's run, and not a step of another flow's, which would wait for its result."""
    run = flow_run()
    return run.deployment_id is not None and run.parent_task_run_id is None


def label_flow_run(jobs: Sequence[Job]) -> None:
    """Note the active jobs at the current flow run; a Prefect server that is away costs the label and not the job."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not isinstance(context.client, SyncPrefectClient):
        return
    try:
        label_run(context.client, context.flow_run, jobs)
    except (httpx.HTTPError, PrefectException) as error:
        note_outage()
        numbers = ", ".join(str(job.job_id) for job in jobs)
        get_run_logger().warning("Could not label this flow run with job %s: %r", numbers, error)


def label_destination(path: Path) -> None:
    """Note where a campaign's journal is, at the current flow run, as `label_flow_run` does jobs."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not isinstance(context.client, SyncPrefectClient):
        return
    client, run = context.client, context.flow_run
    try:
        _retry_on_503(lambda: client.update_flow_run_labels(run.id, {DESTINATION_LABEL: str(path.absolute())}))
    except (httpx.HTTPError, PrefectException) as error:
        note_outage()
        get_run_logger().warning("Could not label this flow run with its destination: %r", error)


def label_rebin(rebin: Rebin) -> None:
    """Note a rebinning at the current flow run, as `label_flow_run` does a job."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not isinstance(context.client, SyncPrefectClient):
        return
    client, run = context.client, context.flow_run
    try:
        client.update_flow_run(run.id, tags={*run.tags, f"rebin {rebin.rebin_id}"})
        _retry_on_503(lambda: client.update_flow_run_labels(run.id, {REBIN_LABEL: rebin.rebin_id}))
    except (httpx.HTTPError, PrefectException) as error:
        note_outage()
        get_run_logger().warning("Could not label this flow run with %s: %r", rebin, error)


def label_run(client: SyncPrefectClient, run: FlowRun, jobs: Sequence[Job]) -> None:
    """Note jobs at a flow run, in the place of those that were noted before.

    Raises
    ------
    httpx.HTTPError, PrefectException
        The Prefect server is away.
    """
    client.update_flow_run(run.id, tags={*run.tags, *map(tag_of, jobs)})
    numbers, urls = " ".join(str(job.job_id) for job in jobs), " ".join(job.url for job in jobs)
    _retry_on_503(lambda: client.update_flow_run_labels(run.id, {LABEL: numbers, URL_LABEL: urls}))


def add_jobs(client: SyncPrefectClient, run: FlowRun, jobs: Sequence[Job]) -> None:
    """Note further jobs at a flow run as the server has it; errors as for `label_run`."""
    numbers = " ".join([str(run.labels.get(LABEL, "")), *(str(job.job_id) for job in jobs)]).strip()
    urls = " ".join([*labelled_urls(run), *(job.url for job in jobs)])
    client.update_flow_run(run.id, tags={*run.tags, *map(tag_of, jobs)})
    _retry_on_503(lambda: client.update_flow_run_labels(run.id, {LABEL: numbers, URL_LABEL: urls}))


def labelled_urls(run: FlowRun) -> list[str]:
    """Return the addresses of the jobs that are noted at a flow run."""
    return str(run.labels.get(URL_LABEL, "")).split()


def _retry_on_503(call: Callable[[], None]) -> None:
    """Make a call that a Prefect server on SQLite refuses whenever another write gets in between.

    Prefect's client waits 2 s after a refusal, and twice as long after each further one: with three flows at once there
    were 24 refusals in 35 flows, with waits of up to a minute. Without retries of its own it waits 2 s each time.
    """
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        for attempt in range(QUICK_TRIES):
            try:
                return call()
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    raise
                time.sleep(0.05 * 2**attempt)
    return call()


def owned_by_other_run(job: Job, mine: Collection[str]) -> bool:
    """Tell whether a flow run other than these has the job; a run that was cancelled keeps its own.

    Parameters
    ----------
    job : Job
    mine : collection of str
        Ids of this flow run, and of those whose job it may take over.

    Raises
    ------
    PrefectUnavailable
        The Prefect server cannot be asked; to guess would be to follow another run's job, or to submit twice.
    """
    try:
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[tag_of(job)])))
    except (httpx.HTTPError, PrefectException) as error:
        raise PrefectUnavailable(f"cannot ask the Prefect server whose job {job.job_id} is: {error!r}") from error
    return any(job.url in labelled_urls(run) and (str(run.id) not in mine or _is_cancelled(run)) for run in runs)


def _is_cancelled(run: FlowRun) -> bool:
    """Tell whether a run's job is not wanted any more; that of one that Ctrl-C has stopped goes on."""
    state = run.state
    return state is not None and state.name != INTERRUPTED and (state.is_cancelled() or state.is_cancelling())


def tag_of(job: Job) -> str:
    """Return the tag that a job's flow runs carry: `job 951`."""
    return f"job {job.job_id}"

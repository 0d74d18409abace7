"""What a flow run says of its job: a label for hooks, which run in other processes, and a tag for people."""

from __future__ import annotations

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException

from ukssdc import Job, UKSSDCError

LABEL = "ukssdc.job_id"
URL_LABEL = "ukssdc.job_url"  # job numbers of the emulator and the service are not the same jobs


class PrefectAway(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """The Prefect server could not be asked; it may come back."""

    may_pass = True


def label_flow_run(job: Job) -> None:
    """Note the job at the flow run; a Prefect server that is away costs the label and not the job."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not isinstance(context.client, SyncPrefectClient):
        return
    run = context.flow_run
    try:
        context.client.update_flow_run(run.id, tags={*run.tags, tag_of(job)})
        context.client.update_flow_run_labels(run.id, {LABEL: job.job_id, URL_LABEL: job.url})
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("Could not label this flow run with job %d: %r", job.job_id, error)


def belongs_to_another_run(job: Job) -> bool:
    """Tell whether a flow run other than this one has the job.

    Raises
    ------
    PrefectAway
        The Prefect server cannot be asked; to guess would be to follow another run's job, or to submit twice.
    """
    context = FlowRunContext.get()
    mine = context.flow_run.id if context is not None and context.flow_run is not None else None
    try:
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[tag_of(job)])))
    except (httpx.HTTPError, PrefectException) as error:
        raise PrefectAway(f"cannot ask the Prefect server whose job {job.job_id} is: {error!r}") from error
    return any(run.id != mine and run.labels.get(URL_LABEL) == job.url for run in runs)


def tag_of(job: Job) -> str:
    """Return the tag that a job's flow runs carry: `job 951`."""
    return f"job {job.job_id}"

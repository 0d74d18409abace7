"""Cancelling the flow run cancels its job: the hook runs in another process and knows only what is stored."""

from __future__ import annotations

from typing import Any

from prefect import Flow, State
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.logging.loggers import flow_run_logger

from tasks.account import UKSSDCAccount, client_for
from tasks.labels import LABEL
from ukssdc import UKSSDCError


def cancel_job_with_run(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect calls it by these names
    """Cancel the job of a cancelled flow run at the service, products already complete excepted.

    Prefect calls it by keyword, with exactly these names.
    """
    log = flow_run_logger(flow_run, flow)
    if not flow_run.parameters.get("cancel_with_run", True):
        log.info("The job goes on at the service, as cancel_with_run=False asks")
        return
    with get_client(sync_client=True) as client:
        labels = client.read_flow_run(flow_run.id).labels  # the one at hand may be from before the submission
    if LABEL not in labels:
        log.info("No job had been submitted: there is nothing to cancel at the service")
        return
    job_id = int(str(labels[LABEL]))
    try:
        service = client_for(_stored(flow_run.parameters.get("account")))
        report = service.cancel(service.attach(job_id))
    except (UKSSDCError, ValueError) as error:
        log.error(
            "Could not cancel job %d at the service: %s. Do it with `xrt-products cancel %d`", job_id, error, job_id
        )
    else:
        log.info("The flow run was cancelled, and with it %s", report)


def _stored(account: Any) -> str | UKSSDCAccount | None:
    """Return an account from what the server keeps of it: a name, a reference to a block, or nothing."""
    if isinstance(account, dict) and "$ref" in account:
        return UKSSDCAccount.load_from_ref(account["$ref"])  # type: ignore[return-value]  # sync here
    return account if isinstance(account, str) else None

"""Find the job that an unanswered submission may have made: nothing else tells whether a POST arrived."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ukssdc.job import NOT_PARAMETERS
from ukssdc.status import Product

if TYPE_CHECKING:
    from ukssdc.client import Client
    from ukssdc.job import Job
    from ukssdc.request import ProductRequest

CLOCK_SKEW = timedelta(minutes=10)  # how far the service's calendar may be off from this machine's
ERRANDS = ("getTargs", "getT0", "getCoords")  # the service runs them and answers with what it found instead


def find_submitted(client: Client, request: ProductRequest, since: datetime) -> list[Job]:
    """Find the jobs that a submission of this request may have made.

    Parameters
    ----------
    client : Client
    request : ProductRequest
        What was, or would be, sent.
    since : datetime
        When the first try began, UTC; the two clocks may differ by `CLOCK_SKEW`.

    Returns
    -------
    list of Job
        Oldest first; each as if its submission had been answered.

    Raises
    ------
    TransportError, ServiceError, ProtocolError
    """
    found = []
    for old in sorted(client.jobs(), key=lambda job: job.job_id):
        recent = old.submitted is None or old.submitted >= since - CLOCK_SKEW
        if not recent or old.name != request.name:
            continue
        job = client.attach(old.job_id)
        if answers(request, job):
            found.append(job.model_copy(update={"products": request.products}))
    return found


def answers(request: ProductRequest, job: Job) -> bool:
    """Tell whether a job's parameters are those of a request, after the service's additions and changes of type."""
    extra = {Product.StandardPos} if Product.AstromPos in request.products else set()  # the one implies the other
    if set(job.products) - extra != set(request.products) - extra:
        return False
    sent = request.to_wire("")
    return not any(
        key in job.parameters and _plain(job.parameters[key]) != _plain(value)
        for key, value in sent.items()
        if key not in NOT_PARAMETERS + ERRANDS
    )


def _plain(value: Any) -> Any:
    """Undo the service's changes of type: numbers and flags come back as strings, lists as text."""
    if isinstance(value, (list, tuple)):
        return ",".join(str(_plain(item)) for item in value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).strip()

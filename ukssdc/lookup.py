"""Find the job of a submission that got no answer: only the service's list tells whether the POST arrived."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ukssdc.job import NOT_PARAMETERS
from ukssdc.request import ProductRequest
from ukssdc.request.parameter_values import Parameter
from ukssdc.request.parameters import Parameters
from ukssdc.request.request_sections import MODELS
from ukssdc.status import Product

if TYPE_CHECKING:
    from ukssdc.client import Client
    from ukssdc.job import Job

CLOCK_SKEW = timedelta(minutes=10)  # between the service's clock and this machine's
# Their defaults depend on other parameters.
DEPENDENT_DEFAULTS = ("hrbin", "grades", "specgrades", "wtpuprate", "pcpuprate")
# The name is compared by `_normalized_name`; the service replaces the get... flags by the values that it found.
NOT_COMPARED = {*NOT_PARAMETERS, "name", "getTargs", "getT0", "getCoords"}


def find_submitted(client: Client, request: ProductRequest, since: datetime) -> list[Job]:
    """Find the jobs that a submission of this request may have created.

    Parameters
    ----------
    client : Client
    request : ProductRequest
        The request that was, or would be, sent.
    since : datetime
        When the first attempt began, UTC; the two clocks may differ by `CLOCK_SKEW`.

    Returns
    -------
    list of Job
        Oldest first; each as the answer to its submission would have described it.

    Raises
    ------
    TransportError, ServiceError, ProtocolError
    """
    found = []
    for old in sorted(client.jobs(), key=lambda job: job.job_id):
        recent = old.submitted is None or old.submitted >= since - CLOCK_SKEW
        if not recent or _normalized_name(old.name) != _normalized_name(request.name):
            continue
        job = client.attach(old.job_id)
        if matches(request, job):
            found.append(job.model_copy(update={"name": request.name, "products": request.products}))
    return found


def _normalized_name(name: str) -> str:
    """Return a target's name without the changes that a web service may make: escapes, spaces, capitals."""
    return " ".join(html.unescape(name).split()).casefold()


def matches(request: ProductRequest, job: Job) -> bool:
    """Tell whether a job's parameters are those of a request, apart from the service's additions and changes of type.

    A parameter that was not sent must have the service's default: another of the user's jobs may differ in it alone.
    """
    extra = {Product.StandardPos} if Product.AstromPos in request.products else set()  # AstromPos implies it
    if set(job.products) - extra != set(request.products) - extra:
        return False
    models: list[type[Parameters]] = [ProductRequest, *(MODELS[product] for product in request.products)]
    rows = {row.wire_name: row for model in models for row in model.ROWS.values()}
    unsent = {
        wire: row.default for wire, row in rows.items() if row.default is not None and wire not in DEPENDENT_DEFAULTS
    }
    expected = {k: v for k, v in (unsent | request.to_wire("")).items() if k not in NOT_COMPARED}
    return all(_equivalent(rows.get(k), job.parameters[k], v) for k, v in expected.items() if k in job.parameters)


def _equivalent(row: Parameter | None, value: Any, other: Any) -> bool:
    """Tell whether two values of a parameter mean the same."""
    if _comparable(value) == _comparable(other):
        return True
    try:
        return row is not None and bool(row.read(value) == row.read(other))
    except ValueError:
        return False


def _comparable(value: Any) -> Any:
    """Undo the service's changes of type: it returns numbers and flags as strings, and lists as text."""
    if isinstance(value, (list, tuple)):
        return ",".join(str(_comparable(item)) for item in value)
    if isinstance(value, Mapping):
        return {key: _comparable(item) for key, item in value.items()}
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value).strip()

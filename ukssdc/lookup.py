"""Find the job of a submission that got no answer: only the service's list tells whether the POST arrived."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from ukssdc.errors import AmbiguousJobs, ProtocolError, ServiceError
from ukssdc.job import NOT_PARAMETERS
from ukssdc.names import NameMatch, match_names
from ukssdc.request import ProductRequest
from ukssdc.request.parameter_values import Parameter
from ukssdc.request.parameters import Parameters
from ukssdc.request.request_sections import MODELS
from ukssdc.status import Product

if TYPE_CHECKING:
    from ukssdc.client import Client
    from ukssdc.job import Job, OldJob

CLOCK_SKEW = timedelta(minutes=10)  # between the service's clock and this machine's, as a rule
MAX_CLOCK_SKEW = timedelta(days=1)
# Their defaults depend on other parameters.
DEPENDENT_DEFAULTS = ("hrbin", "grades", "specgrades", "wtpuprate", "pcpuprate")
# The name is compared by `match_names`; the service replaces the get... flags by the values that it found.
NOT_COMPARED = {*NOT_PARAMETERS, "name", "getTargs", "getT0", "getCoords"}


def find_submitted(client: Client, request: ProductRequest, since: datetime, known: Collection[str] = ()) -> list[Job]:
    """Find the jobs that a submission of this request may have created.

    The service may have changed the name: a job whose name is not exactly the request's counts only where no other
    does, and where it is the only one. Jobs of the last `MAX_CLOCK_SKEW` before the first attempt count where there
    are no later ones: the clocks may differ.

    Parameters
    ----------
    client : Client
    request : ProductRequest
        The request that was, or would be, sent.
    since : datetime
        When the first attempt began, UTC.
    known : collection of str, optional
        The addresses of jobs that other records tell of: they are not this submission's.

    Returns
    -------
    list of Job
        The likeliest first; each as the answer to its submission would have described it.

    Raises
    ------
    AmbiguousJobs
        Where several jobs may be meant and their names don't tell which; it may pass.
    TransportError, ServiceError, ProtocolError
    """
    listed = [(match_names(request.name, old.name), old) for old in sorted(client.jobs(), key=lambda job: job.job_id)]
    for match in NameMatch:
        named = [old for its_match, old in listed if its_match is match]
        # Where the clocks agree, ours is among the later ones; otherwise, the nearest in time is the likeliest.
        later = [old for old in named if old.submitted is None or old.submitted >= since - CLOCK_SKEW]
        earlier = [old for old in named if old not in later and _is_within(old, since - MAX_CLOCK_SKEW)]
        exact = match is NameMatch.EXACT
        found = list(_attached(client, request, later, known, certain=exact))
        if not found:
            found = list(islice(_attached(client, request, earlier[::-1], known), 1 if exact else None))
        if len(found) > 1 and not exact:
            raise AmbiguousJobs(request.name, found)
        if found:
            return [job.model_copy(update={"name": request.name, "products": request.products}) for job in found]
    return []


def _is_within(old: OldJob, first: datetime) -> bool:
    return old.submitted is not None and old.submitted >= first


def _attached(
    client: Client, request: ProductRequest, listed: Iterable[OldJob], known: Collection[str], *, certain: bool = False
) -> Iterator[Job]:
    """Yield the jobs of the list that may be the request's; a call is only made where it has to be.

    `certain`: name and time say that they are, so that an error is no reason to pass one over.
    """
    for old in listed:
        on_record = any(url.startswith(client.base_url) and url.endswith(f"_{old.job_id}") for url in known)
        other_products = not certain and old.products and _compared(old.products) != _compared(request.products)
        if on_record or other_products:
            continue
        try:
            job = client.attach(old.job_id)
        except (ServiceError, ProtocolError) as error:
            if certain or error.retryable:
                raise
            continue
        if job.url not in known and matches(request, job):
            yield job


def _compared(products: Collection[Product]) -> set[Product]:
    """Return the products that the list of jobs is certain to name as they were requested (protocol, section 2)."""
    return set(products) - {Product.SourceDet, Product.StandardPos}


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

"""A job at the service, as its answers describe it; what a cancellation brought; the list of old jobs."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self, TypeGuard

from pydantic import BaseModel, ConfigDict

from ukssdc.errors import ProtocolError
from ukssdc.names import UNNAMED, readable_name
from ukssdc.notebook import Html, ShortRepr, html_table, short_repr
from ukssdc.status import Product
from ukssdc.texts import shorten
from ukssdc.warning import warn_once
from ukssdc.wire_values import as_list

if TYPE_CHECKING:
    from ukssdc.request import ProductRequest

NOT_PARAMETERS = ("UserID", "api_name", "api_version")  # in every body, and none of them the job's
MAX_URL = 2000  # characters
MAX_DEPTH = 20  # levels of lists and objects in a parameter; there is one in all that are known
MAX_INTEGER = 2**63  # beyond it, JSON writers fail
SURROGATE = re.compile("[\ud800-\udfff]")  # halves of characters, which UTF-8 cannot write
NOT_IN_URL = frozenset("()<>{}|\\^`\"'")  # what would end a link, or begin something else


class Job(ShortRepr, BaseModel):
    """A job at the service.

    Attributes
    ----------
    job_id : int
        The service's number for it.
    url : str
        Where its products appear.
    name : str
        The target's name, as requested; of a job that was taken up by its number, as the service has it.
    products : tuple of Product
        What was requested, in the service's order.
    parameters : dict
        The request as the service completed it, in wire names, without the account.
    submitted : datetime or None
        When this client submitted it, UTC; None for a job that was taken up by its number.
    """

    model_config = ConfigDict(frozen=True)

    job_id: int
    url: str
    name: str
    products: tuple[Product, ...]
    parameters: dict[str, Any] = {}
    submitted: datetime | None = None

    @classmethod
    def from_wire(
        cls, answer: Mapping[str, Any], *, id_key: str, at: str, products: Iterable[Product] | None = None
    ) -> Self:
        """Read the answer to submit (`id_key` "JobID") or to an old job's ("oldJob").

        Raises
        ------
        ProtocolError
            Where the number, the URL or the parameters are missing or unreadable, or nothing tells of a product.
        """
        number, url, parameters = (answer.get(key) for key in (id_key, "URL", "jobPars"))
        job_id = read_job_id(number)
        if job_id is None or not is_web_address(url) or not isinstance(parameters, Mapping):
            raise ProtocolError(
                f"the service's answer lacks a usable {id_key}, URL or jobPars", url=at, start=_start(answer)
            )
        wanted = tuple(products or _products_in(parameters))
        if not wanted:  # such a job would be complete at once, with nothing
            raise ProtocolError("the service's answer holds no product in its jobPars", url=at, start=_start(answer))
        return cls(
            job_id=job_id,
            url=url.rstrip("/"),
            name=shorten(readable_name(parameters.get("name"))) or UNNAMED,
            products=wanted,
            parameters=_simplified({k: v for k, v in parameters.items() if k not in NOT_PARAMETERS}, MAX_DEPTH),
        )

    @property
    def request(self) -> ProductRequest:
        """The request as the service completed it: submit it again and the same products are built.

        What could not be read of it is named in a warning of the log, once; see `ProductRequest.read_wire`.
        """
        from ukssdc.request import ProductRequest  # noqa: PLC0415 - the models are only built where they are used

        name = {} if self.name == UNNAMED else {"name": self.name}
        request, problems = ProductRequest.read_wire(self.parameters | name)
        if problems:
            warn_once(f"job {self.job_id}: not everything in its request could be read: {'; '.join(problems)}")
        return request

    def __str__(self) -> str:
        return f"job {self.job_id} ({self.name}: {', '.join(self.products)})"

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("job_id", self.job_id), ("name", self.name), ("products", [str(p) for p in self.products])]

    def _repr_html_(self) -> str:
        page = html.escape(self.url)
        rows = {
            "target": self.name,
            "products": ", ".join(self.products),
            "submitted": f"{self.submitted:%Y-%m-%d %H:%M} UTC" if self.submitted else "",
            "page": Html(f'<a href="{page}">{page}</a>') if is_web_address(self.url) else self.url,
        }
        return html_table(f"Job {self.job_id}", (), [row for row in rows.items() if row[1]])


class CancelCode(IntEnum):
    """What became of the attempt to cancel one product (protocol, section 4)."""

    CANCELLED = 0
    NOT_CANCELLED = 1
    NO_SUCH_PRODUCT = 2
    REASON_UNKNOWN = 3
    STATUS_UNKNOWN = 4


class CancelReport(ShortRepr, BaseModel):
    """What a cancellation brought, product by product; partial success is its own answer.

    Attributes
    ----------
    codes : dict
        Product -> code; a `CancelCode` where it is a documented one.
    texts : dict
        Product -> the service's words.
    """

    model_config = ConfigDict(frozen=True)

    job_id: int
    codes: dict[Product, int]
    texts: dict[Product, str]

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any], job_id: int, products: Iterable[Product]) -> Self:
        """Read a cancel answer; a product that it does not mention has code 4, status unknown."""
        codes, texts = (v if isinstance(v := answer.get(k), Mapping) else {} for k in ("statusCodes", "status"))
        found = {p: read_int(codes.get(p.wire)) for p in products}
        return cls(
            job_id=job_id,
            codes={p: CancelCode.STATUS_UNKNOWN if code is None else code for p, code in found.items()},
            texts={p: str(texts.get(p.wire, "The service did not say what became of it")) for p in found},
        )

    @property
    def cancelled(self) -> tuple[Product, ...]:
        """The products that are cancelled now."""
        return tuple(p for p, code in self.codes.items() if code == CancelCode.CANCELLED)

    @property
    def complete(self) -> bool:
        """True where everything asked for is cancelled now."""
        return len(self.cancelled) == len(self.codes)

    def __str__(self) -> str:
        return f"job {self.job_id}: " + "; ".join(f"{p}: {text}" for p, text in self.texts.items())


class OldJob(ShortRepr, BaseModel):
    """One line of the list of all jobs ever submitted.

    Attributes
    ----------
    submitted : datetime or None
        UTC, to the second.
    available : bool
        Whether its products are still on the server.
    """

    model_config = ConfigDict(frozen=True)

    job_id: int
    name: str
    submitted: datetime | None
    products: tuple[Product, ...]
    available: bool

    @classmethod
    def from_wire(cls, entry: Any) -> Self | None:
        """Read one entry; None for one that holds no job number."""
        job_id = read_job_id(entry.get("JobID")) if isinstance(entry, Mapping) else None
        if job_id is None:
            return None
        return cls(
            job_id=job_id,
            name=shorten(readable_name(entry.get("Name"))),
            submitted=_read_time(entry.get("DateSubmitted")),
            products=tuple(p for p in Product if is_true(entry.get(p.value))),
            available=is_true(entry.get("hasProd")),
        )


class OldJobs(list[OldJob]):
    """The list of all jobs ever submitted, newest first.

    Attributes
    ----------
    unreadable : int
        How many of its entries could not be read: a job that is not listed may be one of them.
    """

    unreadable = 0

    def __repr__(self) -> str:
        return short_repr("OldJobs", [(None, f"{len(self)} jobs"), *((None, str(job.job_id)) for job in self[:3])])

    def _repr_html_(self) -> str:
        rows = [(str(j.job_id), j.name, f"{j.submitted or ''}"[:16], ", ".join(j.products)) for j in self]
        return html_table("All jobs", ("Job", "Target", "Submitted (UTC)", "Products"), rows)

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any], *, at: str) -> Self:
        """Read the answer; `ProtocolError` where it holds no list."""
        entries = as_list(answer.get("jobs"))
        if entries is None:
            raise ProtocolError("the service's answer holds no list of jobs", url=at, start=str(answer)[:200])
        found = [OldJob.from_wire(entry) for entry in entries]
        jobs = cls(sorted((job for job in found if job), key=lambda job: job.job_id, reverse=True))
        jobs.unreadable = found.count(None)
        return jobs


def read_int(value: Any) -> int | None:
    """Read an integer that may come as a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def read_job_id(value: Any) -> int | None:
    """Read a job's number: a string from submit, an integer elsewhere; None where it is none."""
    number = read_int(value)
    return number if number is not None and 0 < number < 10**12 else None


def is_web_address(value: Any) -> TypeGuard[str]:
    """Tell whether a value is an address of the Web, and one that can stand in a link and on a screen."""
    if not isinstance(value, str) or len(value) > MAX_URL or not NOT_IN_URL.isdisjoint(value):
        return False
    return re.fullmatch(r"https?://[!-~]+", value) is not None


def is_true(value: Any) -> bool:
    """Read a flag that may come as a boolean, a number or a string."""
    if isinstance(value, str):
        return value.strip().lower() in {"1", "true", "yes"}
    return isinstance(value, (int, float)) and value == 1


def _simplified(value: Any, depth: int) -> Any:
    """Return a value that can be stored and sent on as JSON, whatever the service has sent."""
    if isinstance(value, (Mapping, list, tuple)):
        if depth == 0:
            return f"(left out: nested more than {MAX_DEPTH} levels deep)"
        if isinstance(value, Mapping):
            return {SURROGATE.sub("\ufffd", str(key)): _simplified(item, depth - 1) for key, item in value.items()}
        return [_simplified(item, depth - 1) for item in value]
    if isinstance(value, str):
        return SURROGATE.sub("\ufffd", value)
    if isinstance(value, int) and abs(value) >= MAX_INTEGER:
        return "(left out: a number of too many digits)"
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _start(answer: Mapping[str, Any]) -> str:
    """Return the start of an answer, for an error."""
    try:
        return str(dict(answer))[:200]
    except (RecursionError, ValueError):  # ValueError: Python writes no integer of thousands of digits
        return f"keys {', '.join(map(str, answer))}"[:200]


def _products_in(parameters: Mapping[str, Any]) -> tuple[Product, ...]:
    return tuple(p for p in Product if is_true(parameters.get(p.flag)))


def _read_time(value: Any) -> datetime | None:
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None

"""Products, their status codes, and what a status answer says about each of them.

Source: protocol, sections 2 (products) and 3 (status).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from ukssdc.notebook import ShortRepr, html_block, html_table, short_repr
from ukssdc.progress import progress_percent, progress_text
from ukssdc.wire_values import read_whole_number

REPORT = "the failure report"


class Product(StrEnum):
    """A product that the service builds; the order of the members is the order used everywhere."""

    wire: str
    flag: str
    label: str

    def __new__(cls, value: str, wire: str = "", flag: str = "", label: str = "") -> Self:
        """Make a member that is its name and knows its other names."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.wire = wire
        member.flag = flag
        member.label = label
        return member

    LightCurve = "LightCurve", "lc", "lc", "light curve"
    Spectrum = "Spectrum", "spec", "spec", "spectrum"
    StandardPos = "StandardPos", "psf", "dopsf", "standard position"
    EnhancedPos = "EnhancedPos", "enh", "doenh", "enhanced position"
    AstromPos = "AstromPos", "xastrom", "doxastrom", "astrometric position"
    Image = "Image", "image", "image", "image"
    SourceDet = "SourceDet", "sourceDet", "sourceDet", "source detection"

    @classmethod
    def in_order(cls, products: Iterable[Product]) -> tuple[Product, ...]:
        """Return `products` without repetition, in the service's order."""
        wanted = set(products)
        return tuple(p for p in cls if p in wanted)


POSITION_PRODUCTS = (Product.StandardPos, Product.EnhancedPos, Product.AstromPos)

Products = str | Sequence[str]  # "all", or a list or tuple of names


def select_products(products: Products, available: Iterable[Product]) -> tuple[Product, ...]:
    """Resolve what a user asks for against what there is.

    Parameters
    ----------
    products : "all" or list or tuple of str
        Product names ("LightCurve") or wire names ("lc").
    available : iterable of Product
        What the job holds; the meaning of "all".

    Returns
    -------
    tuple of Product
        In the service's order.

    Raises
    ------
    ValueError
        For a bare string other than "all", or a name that is no product.
    """
    if isinstance(products, str):
        if products == "all":
            return Product.in_order(available)
        raise ValueError(
            f'products is "all" or a list of product names, not the string {str(products)!r}: '
            f"write [{str(products)!r}] for a single one"
        )
    if not isinstance(products, (list, tuple, set, frozenset)):
        raise ValueError(  # noqa: TRY004 - one kind of error for one kind of mistake
            f'products is "all" or a list of product names, not a {type(products).__name__}'
        )
    by_name = {name: p for p in Product for name in (p.value, p.wire)}
    unknown = [str(name) for name in products if str(name) not in by_name]
    if unknown:
        raise ValueError(f"no such product: {', '.join(unknown)}; there are {', '.join(Product)}")
    return Product.in_order(by_name[str(name)] for name in products)


class Action(StrEnum):
    """What a status code calls for."""

    WAIT = "wait"
    DOWNLOAD = "download"
    CANCELLED = "nothing: the user cancelled it"
    FAILED = "report the failure"
    MISSING = "ask again; report the failure after a few polls in a row"

    @property
    def is_final(self) -> bool:
        """True where the product's build has ended, whatever its end."""
        return self not in {Action.WAIT, Action.MISSING}


class StatusCode(IntEnum):
    """The one table of status codes: what each means, what it calls for, what comes next (protocol, section 3).

    A code that the service invents later is no member: `ProductStatus.status_code` is then a plain int, and
    `action_for` tells what it calls for.
    """

    meaning: str
    action: Action
    next: str

    def __new__(cls, value: int, meaning: str = "", action: Action = Action.WAIT, next_: str = "") -> Self:
        """Make a member that is its number and knows its row of the table."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.action = action
        member.next = next_
        return member

    NO_STATUS = -10, "no status returned by the service: something has gone wrong", Action.MISSING, "ask again"
    CANCELLED = -4, "cancelled by the user", Action.CANCELLED, "nothing"
    NOT_PRODUCED = -3, "the job ran but did not produce the product", Action.FAILED, REPORT
    NOT_QUEUED = -2, "an internal error at the UKSSDC: the job could not be added to the queue", Action.FAILED, REPORT
    NOT_REQUESTED = -1, "an internal error at the UKSSDC: the job could not be requested", Action.FAILED, REPORT
    REQUESTED = 1, "requested, not yet queued", Action.WAIT, "the queue"
    QUEUED = 2, "queued", Action.WAIT, "its build"
    RUNNING = 3, "running", Action.WAIT, "download"
    COMPLETE = 4, "complete", Action.DOWNLOAD, "download"
    WAITING_FOR_POSITION = (
        5,
        "waits for the standard position",
        Action.WAIT,
        "its build, when there is a standard position",
    )


HELPDESK_CODES = frozenset({StatusCode.NOT_PRODUCED, StatusCode.NOT_QUEUED})  # the service asks to be e-mailed at once
_DOCUMENTED = frozenset(StatusCode)


def action_for(code: int | None) -> Action:
    """Return what a status code calls for; one that the service invents later is waited for, or has failed."""
    if code is None:
        return Action.MISSING
    if code in _DOCUMENTED:
        return StatusCode(code).action
    return Action.FAILED if code < 0 else Action.WAIT


class ProductStatus(ShortRepr, BaseModel):
    """The status of one product.

    Attributes
    ----------
    status_code : int
        A `StatusCode` where it is a documented one.
    status_text : str
        The service's words.
    progress : dict
        The step structure, as it came.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    status_code: StatusCode | int = Field(alias="statusCode", union_mode="left_to_right")
    status_text: str = Field(alias="statusText")
    progress: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def from_wire(cls, entry: Any) -> ProductStatus:
        """Read one product's entry of a status answer; whatever cannot be read counts as no status."""
        if not isinstance(entry, Mapping):
            return cls.missing()
        progress = entry.get("progress")
        text = entry.get("statusText")
        return cls(
            status_code=_read_code(entry.get("statusCode")),
            status_text=text if isinstance(text, str) else "Unknown status",
            progress=dict(progress) if isinstance(progress, Mapping) else {},
        )

    @classmethod
    def missing(cls) -> ProductStatus:
        """Return the status of a product that the answer does not mention."""
        return cls(status_code=StatusCode.NO_STATUS, status_text="The service did not return a status")

    @property
    def progress_text(self) -> str:
        """The progress in words."""
        return progress_text(self.progress)

    @property
    def settled(self) -> bool:
        """True where the product's build has ended, whatever its end.

        A missing status (-10) is no end: it may be there at the next poll.
        """
        return self.action.is_final

    @property
    def action(self) -> Action:
        """What the code calls for."""
        return action_for(self.status_code)

    @property
    def complete(self) -> bool:
        """True where the product is there to be downloaded."""
        return self.action is Action.DOWNLOAD

    @property
    def running(self) -> bool:
        """True while the product is being built: the only time at which there is progress."""
        return self.status_code == StatusCode.RUNNING

    @property
    def next(self) -> str:
        """What comes next, in a word or two: "the queue"."""
        if self.status_code in _DOCUMENTED:
            return StatusCode(self.status_code).next
        return REPORT if self.settled else "ask again"

    @property
    def meaning(self) -> str:
        """What the code means; for an undocumented one, how it is treated."""
        if self.status_code in _DOCUMENTED:
            return StatusCode(self.status_code).meaning
        return "an undocumented code: " + ("will not be produced" if self.status_code < 0 else "still pending")

    def __str__(self) -> str:
        return f"{self.status_text} ({int(self.status_code)})"

    def __getitem__(self, key: str) -> Any:
        """Return what the service calls `statusCode`, `statusText` or `progress`."""
        try:
            return {"statusCode": self.status_code, "statusText": self.status_text, "progress": self.progress}[key]
        except KeyError:
            raise KeyError(f"{key}: a status has statusCode, statusText and progress") from None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("status_code", int(self.status_code)), ("status_text", self.status_text), (None, _brief(self))]

    def _repr_html_(self) -> str:
        table = html_table("Status", HEADINGS[1:], [_html_row(self)])
        return table + (html_block(self.progress_text) if self.running else "")


class JobStatus(Mapping[str, ProductStatus]):
    """A status answer: product name -> `ProductStatus`, in the service's order."""

    def __init__(self, statuses: Mapping[Product, ProductStatus]) -> None:
        self._statuses = {p: statuses[p] for p in Product.in_order(statuses)}

    @classmethod
    def from_wire(cls, answer: Mapping[str, Any], products: Iterable[Product]) -> JobStatus:
        """Read a status answer for the products that were asked for."""
        return cls(
            {
                p: ProductStatus.from_wire(answer[p.wire]) if p.wire in answer else ProductStatus.missing()
                for p in products
            }
        )

    def __getitem__(self, product: str) -> ProductStatus:
        try:
            return self._statuses[Product(product)]
        except ValueError:
            raise KeyError(f"{product}: there are {', '.join(self._statuses)}") from None

    def __iter__(self) -> Iterator[Product]:
        return iter(self._statuses)

    def __len__(self) -> int:
        return len(self._statuses)

    @property
    def settled(self) -> tuple[Product, ...]:
        """The products whose build has ended, whatever their end."""
        return tuple(p for p, s in self._statuses.items() if s.settled)

    @property
    def pending(self) -> tuple[Product, ...]:
        """The products that are still being built, or have no status."""
        return tuple(p for p, s in self._statuses.items() if not s.settled)

    @property
    def complete(self) -> bool:
        """True when all products have ended; it does not mean that they succeeded."""
        return not self.pending

    def only(self, products: Iterable[Product]) -> JobStatus:
        """Return the status of some of the products."""
        return JobStatus({p: self._statuses[p] for p in products})

    def __str__(self) -> str:
        return ", ".join(f"{p} {_brief(s)}" for p, s in self._statuses.items())

    def __repr__(self) -> str:
        return short_repr("JobStatus", ((p, _brief(s)) for p, s in self._statuses.items()))

    def _repr_html_(self) -> str:
        rows = [(p.label, *_html_row(s)) for p, s in self._statuses.items()]
        return html_table("Status of the job's products", HEADINGS, rows)


HEADINGS = ("Product", "Status", "Code", "Progress", "Next")  # of the tables in a notebook


def _html_row(status: ProductStatus) -> tuple[str, ...]:
    done = progress_percent(status.progress) if status.running else None
    return status.status_text, str(int(status.status_code)), "" if done is None else f"{done} %", status.next


def _brief(status: ProductStatus) -> str:
    """Return a status in a word or two, for a log line: `running 40%`, `queued`."""
    if status.running:
        done = progress_percent(status.progress)
        return "running" if done is None else f"running {done}%"
    if status.status_code in _DOCUMENTED:
        return StatusCode(status.status_code).name.lower().replace("_", " ")
    return f"code {status.status_code}"


def _read_code(code: Any) -> int:
    number = read_whole_number(code)
    if number is None:
        return StatusCode.NO_STATUS
    return StatusCode(number) if number in _DOCUMENTED else number

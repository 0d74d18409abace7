"""Products, their status codes, and what a status answer says about each of them.

Source: protocol, sections 2 (products) and 3 (status).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

MAX_DEPTH = 50  # levels of steps that count for the fraction done
MAX_RUNNING_PERCENT = 99  # per cent: 100 is kept for what is complete
NO_PROGRESS = "No progress information available"


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


class StatusCode(IntEnum):
    """The status codes that the service documents, each with what it means.

    A code that the service invents later is no member: `ProductStatus.status_code` is then a plain int.
    """

    meaning: str

    def __new__(cls, value: int, meaning: str = "") -> Self:
        """Make a member that is its number and knows its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    NO_STATUS = -10, "no status returned by the service: something has gone wrong"
    CANCELLED = -4, "cancelled by the user"
    NOT_PRODUCED = -3, "the job ran but did not produce the product"
    NOT_QUEUED = -2, "an internal error at the UKSSDC: the job could not be added to the queue"
    NOT_REQUESTED = -1, "an internal error at the UKSSDC: the job could not be requested"
    REQUESTED = 1, "requested, not yet queued"
    QUEUED = 2, "queued"
    RUNNING = 3, "running"
    COMPLETE = 4, "complete"
    WAITING_FOR_POSITION = 5, "waits for the standard position"


_DOCUMENTED = frozenset(StatusCode)


class ProductStatus(BaseModel):
    """Where one product stands.

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
        return self.status_code == StatusCode.COMPLETE or (
            self.status_code < 0 and self.status_code != StatusCode.NO_STATUS
        )

    @property
    def meaning(self) -> str:
        """What the code means; for an undocumented one, how it is treated."""
        if self.status_code in _DOCUMENTED:
            return StatusCode(self.status_code).meaning
        return "an undocumented code: " + ("will not be produced" if self.status_code < 0 else "still pending")

    def __str__(self) -> str:
        return f"{self.status_text} ({int(self.status_code)})"


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
        return self._statuses[Product(product)]

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
        return f"JobStatus({self})"


def progress_text(progress: Mapping[str, Any]) -> str:
    """Put a progress structure into words, as the service's users know them.

    Parameters
    ----------
    progress : mapping
        `progress` of a status answer; any shape is accepted, what cannot be read is left out.

    Returns
    -------
    str
        One line per step, indented by nesting, and the time running; or `NO_PROGRESS`.
    """
    if not isinstance(progress, Mapping) or _as_int(progress.get("GotProgress")) != 1:
        return NO_PROGRESS
    text = f"{progress['PreProgress']}\n" if "PreProgress" in progress else ""
    text += "".join(
        "  " * (depth + 1) + _step_line(step) + "\n" for depth, step in walk_steps(progress.get("ProgressSteps"))
    )
    if progress.get("TimeRunning") is not None:
        text += f"\nThe job has been running for {progress['TimeRunning']}\n"
    return text


def progress_percent(progress: Mapping[str, Any]) -> int | None:
    """Return how far a build is, per cent: steps count alike, and an active step as far as the steps below it are.

    A step without steps below it that works on item 2 of 4 has done one quarter.

    Returns
    -------
    int or None
        0 to 99, as 100 is kept for what is complete; None where there is no progress to be read.
    """
    if not isinstance(progress, Mapping) or _as_int(progress.get("GotProgress")) != 1:
        return None
    done = _fraction(progress.get("ProgressSteps"), depth=0)
    return None if done is None else min(round(100 * done), MAX_RUNNING_PERCENT)


def _fraction(steps: Any, depth: int) -> float | None:
    known = [s for s in steps if isinstance(s, Mapping)] if isinstance(steps, list) and depth < MAX_DEPTH else []
    if not known:
        return None
    return sum(_step_fraction(step, depth) for step in known) / len(known)


def _step_fraction(step: Mapping[str, Any], depth: int) -> float:
    state = _as_int(step.get("StepStatus"))
    if state != 1:
        return float(state == 2)  # noqa: PLR2004 - protocol, section 3
    below = _fraction(step.get("SubStep"), depth + 1)
    if below is not None:
        return below
    item = re.search(r"(\d{1,6})\s*/\s*(\d{1,6})", str(step.get("StepExtra", "")))
    if item is None or int(item[2]) == 0:
        return 0.0
    return min(max(int(item[1]) - 1, 0) / int(item[2]), 1.0)


def walk_steps(steps: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (depth, step) for a list of steps and their sub-steps, top down; no recursion, so any depth will do."""
    stack = [(0, step) for step in reversed(steps)] if isinstance(steps, list) else []
    while stack:
        depth, step = stack.pop()
        if not isinstance(step, Mapping):
            continue
        yield depth, step
        below = step.get("SubStep")
        if isinstance(below, list):
            stack += [(depth + 1, sub) for sub in reversed(below)]


def _step_line(step: Mapping[str, Any]) -> str:
    label, extra = ("" if (text := step.get(key)) is None else str(text) for key in ("StepLabel", "StepExtra"))
    match _as_int(step.get("StepStatus")):
        case 1:
            return f"** {label} - ACTIVE" + (f" -- {extra}" if extra else "") + "**"
        case 2:
            return f"{label} - DONE"
        case _:
            return label


def _brief(status: ProductStatus) -> str:
    """Return a status in a word or two, for a log line: `running 40%`, `queued`."""
    if status.status_code == StatusCode.RUNNING:
        done = progress_percent(status.progress)
        return "running" if done is None else f"running {done}%"
    if status.status_code in _DOCUMENTED:
        return StatusCode(status.status_code).name.lower().replace("_", " ")
    return f"code {status.status_code}"


def _read_code(code: Any) -> int:
    number = _as_int(code)
    if number is None:
        return StatusCode.NO_STATUS
    return StatusCode(number) if number in _DOCUMENTED else number


def _as_int(value: Any) -> int | None:
    """Read an integer that may come as a string; None for anything else."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value):
        return int(value)
    return None

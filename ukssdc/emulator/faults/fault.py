"""Faults: which calls of the emulated service go wrong, and how.

>>> with Emulator(faults=[Fault("reset_after", "submit")]) as emulator:      # the first submission's answer is lost
...     emulator.faults.append(Fault("http_502", "status", nth=3, count=2))  # the third and fourth poll from here on
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, overload

from ukssdc.emulator.app import CALLS
from ukssdc.status import Product, select_products

ANSWERED: Final = frozenset(CALLS.values())  # calls whose answer is JSON
ANY: Final = ANSWERED | {"download", "unknown"}


class Kind(NamedTuple):
    """A way to go wrong.

    Attributes
    ----------
    calls : frozenset of str
        The calls it can happen to.
    late : bool
        Whether it can come after the call took effect as well as before (`Fault.after`).
    """

    calls: frozenset[str] = ANY
    late: bool = False


_STATUS: Final = Kind(frozenset({"status"}))
_DOWNLOAD: Final = Kind(frozenset({"download"}))

KINDS: Final = {
    # the connection
    "refuse": Kind(),  # closed at once, without a byte
    "reset_before": Kind(),  # reset; the call has no effect
    "reset_after": Kind(),  # the call takes effect, then the connection is reset
    "stall": Kind(),  # silence, then closed; the call has no effect
    "stall_after": Kind(),  # the call takes effect at once; silence, then the answer
    "slow": Kind(),  # the answer's body comes in tiny pieces
    "restart": Kind(late=True),  # every connection is reset, the jobs are kept
    "restart_forgetful": Kind(),  # the service has lost its jobs, and answers
    # the answer
    "http_500": Kind(late=True),
    "http_502": Kind(late=True),
    "html_200": Kind(late=True),  # a page about maintenance
    "truncated_json": Kind(ANSWERED),  # the call takes effect; closed halfway through the answer
    "invalid_json": Kind(ANSWERED),  # the call takes effect; the answer is whole and no JSON
    "not_ok": Kind(ANSWERED),  # OK 0 with an ERROR; the call has no effect
    "status_missing": _STATUS,  # nothing about the products
    "status_backwards": _STATUS,  # codes 2 to 4 are one lower
    # the archive
    "archive_truncated": _DOWNLOAD,  # closed halfway through; the length given is that of the whole
    "archive_short": _DOWNLOAD,  # the first half of the archive, as if that were all of it
    "archive_corrupt": _DOWNLOAD,  # of the right length, with wrong bytes all over
    "archive_wrong_length": _DOWNLOAD,  # all of it, but the length given is larger; then closed
    "archive_404": _DOWNLOAD,
    "archive_html": _DOWNLOAD,  # a web page with status 200
    "archive_redirect": _DOWNLOAD,  # 302 to another host
}


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with some calls.

    Calls are counted from when the fault is given to the emulator; only those that `call` and `product` fit.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    call : str, optional
        The call as the ledger names it: "submit", "status", "download" ...; by default all to which the kind can
        happen.
    nth : int
        The first call that goes wrong, from 1.
    count : int, optional
        How many calls go wrong: 1, or with `rate` any number.
    rate : float, optional
        Probability that a call goes wrong, 0 to 1, from the nth on; by default every one does.
    product : Product or str, optional
        Only calls that are about this product.
    seconds : float
        Real seconds for which the kinds "stall", "stall_after" and "slow" last.
    after : bool
        For "http_500", "http_502", "html_200", "restart": the call takes effect all the same.
    seed : int
        Of the random numbers for `rate`.

    Raises
    ------
    ValueError
        For what cannot be.
    """

    kind: str
    call: str | None = None
    nth: int = 1
    count: int | None = None
    rate: float | None = None
    product: Product | str | None = None
    seconds: float = 60.0
    after: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault; there are {', '.join(KINDS)}")
        kind = KINDS[self.kind]
        if self.call is not None and self.call not in ANY:
            raise ValueError(f"{self.call!r} is no call of the service; there are {', '.join(sorted(ANY))}")
        if self.call is not None and self.call not in kind.calls:
            raise ValueError(f"{self.kind} cannot happen to {self.call}, only to {', '.join(sorted(kind.calls))}")
        for name, value in (("nth", self.nth), ("count", self.count)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} is a number of calls, 1 or more, not {value!r}")
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError(f"rate is a probability from 0 to 1, not {self.rate!r}")
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"seconds is a time, 0 or more, not {self.seconds!r}")
        if self.after and not kind.late:
            late = ", ".join(name for name, each in KINDS.items() if each.late)
            raise ValueError(f"after is for {late}; {self.kind} itself says whether the call takes effect")
        if self.product is not None:
            object.__setattr__(self, "product", select_products([self.product], Product)[0])

    def fits(self, call: str, products: Iterable[Product]) -> bool:
        """Tell whether a call is one of those that are counted."""
        fitting = call in KINDS[self.kind].calls if self.call is None else call == self.call
        return fitting and (self.product is None or self.product in tuple(products))


class _Count:
    """How far a fault has come."""

    def __init__(self, fault: Fault, place: int) -> None:
        self.fault = fault
        self._seen = self._hits = 0
        # The place makes two faults of the same rate independent of each other.
        self._random = random.Random(f"{fault.seed} {place} {fault.kind} {fault.call} {fault.product}")

    def hit(self) -> bool:
        """Count a call that fits; tell whether it goes wrong."""
        fault = self.fault
        self._seen += 1
        if fault.rate is None:
            return 0 <= self._seen - fault.nth < (fault.count or 1)
        wrong = self._random.random() < fault.rate and self._seen >= fault.nth
        wrong = wrong and (fault.count is None or self._hits < fault.count)
        self._hits += wrong
        return wrong


class Faults(Sequence[Fault]):
    """The faults of an emulator; safe to change while it serves."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._counts: list[_Count] = []
        self._given = 0
        self.extend(faults)

    @overload
    def __getitem__(self, index: int) -> Fault: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fault]: ...
    def __getitem__(self, index: int | slice) -> Fault | list[Fault]:
        with self._lock:
            return [count.fault for count in self._counts][index]

    def __len__(self) -> int:
        with self._lock:
            return len(self._counts)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self[:])

    def __repr__(self) -> str:
        return f"Faults({self[:]!r})"

    def append(self, fault: Fault) -> None:
        """Add a fault; it counts the calls that come from now on."""
        if not isinstance(fault, Fault):
            raise TypeError(f"{fault!r} is no Fault")
        with self._lock:
            self._counts.append(_Count(fault, self._given))
            self._given += 1

    def extend(self, faults: Iterable[Fault]) -> None:
        """Add several."""
        for fault in faults:
            self.append(fault)

    def clear(self) -> None:
        """Let everything go well from now on."""
        with self._lock:
            self._counts.clear()

    def due(self, call: str, products: Iterable[Product]) -> Fault | None:
        """Count a call for all faults that it fits; return the first that happens to it."""
        concerned = frozenset(products)
        with self._lock:
            hits = [c.fault for c in self._counts if c.fault.fits(call, concerned) and c.hit()]
        return hits[0] if hits else None

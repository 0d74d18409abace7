"""Faults: which calls to the emulator fail, and how.

>>> with Emulator(faults=[Fault("reset_after", "submit")]) as emulator:      # the first submission's answer is lost
...     emulator.faults.append(Fault("http_502", "status", nth=3, count=2))  # the third and fourth poll from here on
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, overload

from ukssdc.emulator.core.endpoints import CALLS, REBIN_CALLS
from ukssdc.notebook import ShortRepr
from ukssdc.status import Product, select_products

JSON_CALLS: Final = frozenset({*CALLS.values(), *REBIN_CALLS.values()})  # calls whose answer is JSON
ALL_CALLS: Final = JSON_CALLS | {"download", "unknown"}


class FaultKind(NamedTuple):
    """A kind of fault.

    Attributes
    ----------
    calls : frozenset of str
        The calls it can happen to.
    late : bool
        Whether `Fault.after` can be set: the call takes effect before it fails.
    """

    calls: frozenset[str] = ALL_CALLS
    allows_after: bool = False


_STATUS: Final = FaultKind(frozenset({"status", "rebin_status"}))
_DOWNLOAD: Final = FaultKind(frozenset({"download"}))
_ABOUT_A_JOB: Final = FaultKind(JSON_CALLS - {"submit", "active_jobs", "old_jobs", "rebin", "rebinned_light_curve"})

KINDS: Final = {
    # the connection
    "refuse": FaultKind(),  # closed at once, without a byte
    "reset_before": FaultKind(),  # reset; the call has no effect
    "reset_after": FaultKind(),  # the call takes effect, then the connection is reset
    "stall": FaultKind(),  # no answer, then closed; the call has no effect
    "stall_after": FaultKind(),  # the call takes effect at once; the answer comes late
    "slow": FaultKind(),  # the answer's body comes in small chunks
    "endless_headers": FaultKind(),  # headers that come one byte at a time; the call has no effect
    "restart": FaultKind(allows_after=True),  # every connection is reset, the jobs are kept
    "restart_forgetful": FaultKind(),  # the service has lost its jobs, and answers
    # the answer
    "http_500": FaultKind(allows_after=True),
    "http_502": FaultKind(allows_after=True),
    "http_400": FaultKind(),
    "http_401": FaultKind(),
    "http_403": FaultKind(),
    "http_429": FaultKind(),  # with a Retry-After of the fault's seconds
    "http_503": FaultKind(),  # the same, as a date
    "html_200": FaultKind(allows_after=True),  # a page about maintenance
    "truncated_json": FaultKind(JSON_CALLS),  # the call takes effect; closed halfway through the answer
    "invalid_json": FaultKind(JSON_CALLS),  # the call takes effect; the answer is whole and no JSON
    "not_ok": FaultKind(JSON_CALLS),  # OK 0 with an ERROR; the call has no effect
    "json_list": FaultKind(JSON_CALLS),  # the call takes effect; so with the kinds that follow
    "json_string": FaultKind(JSON_CALLS),
    "json_null": FaultKind(JSON_CALLS),
    "no_ok": FaultKind(JSON_CALLS),  # all of the answer but its OK
    "too_large": FaultKind(JSON_CALLS),  # 70 MiB more, compressed to 70 kB
    "lists_as_objects": FaultKind(JSON_CALLS),  # each list is an object with gaps, {"1": ..., "3": ...}
    "other_job": _ABOUT_A_JOB,  # the answer is about the job with the next number
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


@dataclass(frozen=True, repr=False)
class Fault(ShortRepr):
    """A fault that happens to some calls.

    Calls are counted from when the fault is added to the emulator; only those that match `call` and `product`.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    call : str, optional
        The call as the ledger names it: "submit", "status", "download" ...; by default all to which the kind can
        happen.
    nth : int
        The first call that fails, from 1.
    count : int, optional
        How many calls fail: 1, or with `rate` any number.
    rate : float, optional
        Probability that a call fails, 0 to 1, from the nth on; by default every one does.
    product : Product or str, optional
        Only calls that are about this product.
    seconds : float
        How long "stall", "stall_after", "slow" and "endless_headers" last, s of real time; the wait that "http_429"
        and "http_503" ask for.
    after : bool
        For "http_500", "http_502", "html_200", "restart": the call takes effect before it fails.
    seed : int
        Seed of the random numbers for `rate`.

    Raises
    ------
    ValueError
        For an unknown kind or call, or a value out of range.
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
            raise ValueError(f"unknown kind of fault {self.kind!r}; there are {', '.join(KINDS)}")
        kind = KINDS[self.kind]
        if self.call is not None and self.call not in ALL_CALLS:
            raise ValueError(f"unknown call {self.call!r}; there are {', '.join(sorted(ALL_CALLS))}")
        if self.call is not None and self.call not in kind.calls:
            raise ValueError(f"{self.kind} cannot happen to {self.call}, only to {', '.join(sorted(kind.calls))}")
        for name, value in (("nth", self.nth), ("count", self.count)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} is a number of calls, 1 or more, not {value!r}")
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError(f"rate is a probability from 0 to 1, not {self.rate!r}")
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"seconds is a time, 0 or more, not {self.seconds!r}")
        if self.after and not kind.allows_after:
            with_after = ", ".join(name for name, each in KINDS.items() if each.allows_after)
            raise ValueError(f"after is only for {with_after}, not for {self.kind}")
        if self.product is not None:
            object.__setattr__(self, "product", select_products([self.product], Product)[0])

    def matches(self, call: str, products: Iterable[Product]) -> bool:
        """Return whether a call counts for this fault."""
        matching = call in KINDS[self.kind].calls if self.call is None else call == self.call
        return matching and (self.product is None or self.product in tuple(products))


class _FaultCounter:
    """Counts the calls that match a fault."""

    def __init__(self, fault: Fault, position: int) -> None:
        self.fault = fault
        self._seen = self._triggered = 0
        # The position makes two faults of the same rate independent of each other.
        self._rng = random.Random(f"{fault.seed} {position} {fault.kind} {fault.call} {fault.product}")

    def triggers(self) -> bool:
        """Count a matching call; return whether it fails."""
        fault = self.fault
        self._seen += 1
        if fault.rate is None:
            return 0 <= self._seen - fault.nth < (fault.count or 1)
        triggered = self._rng.random() < fault.rate and self._seen >= fault.nth
        triggered = triggered and (fault.count is None or self._triggered < fault.count)
        self._triggered += triggered
        return triggered


class Faults(ShortRepr, Sequence[Fault]):
    """The faults of an emulator; safe to change while it serves."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._counters: list[_FaultCounter] = []
        self._added = 0
        self.extend(faults)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("faults", list(self))]

    @overload
    def __getitem__(self, index: int) -> Fault: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fault]: ...
    def __getitem__(self, index: int | slice) -> Fault | list[Fault]:
        with self._lock:
            return [counter.fault for counter in self._counters][index]

    def __len__(self) -> int:
        with self._lock:
            return len(self._counters)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self[:])

    def append(self, fault: Fault) -> None:
        """Add a fault; it counts calls from now on."""
        if not isinstance(fault, Fault):
            raise TypeError(f"not a Fault: {fault!r}")
        with self._lock:
            self._counters.append(_FaultCounter(fault, self._added))
            self._added += 1

    def extend(self, faults: Iterable[Fault]) -> None:
        """Add several faults."""
        for fault in faults:
            self.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._counters.clear()

    def due(self, call: str, products: Iterable[Product]) -> Fault | None:
        """Count a call for all faults that it matches; return the first that is due."""
        about = frozenset(products)
        with self._lock:
            due = [c.fault for c in self._counters if c.fault.matches(call, about) and c.triggers()]
        return due[0] if due else None

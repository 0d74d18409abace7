"""The ledger: every call that reached the emulator, with its time and outcome, but without the e-mail address."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, overload

from ukssdc.notebook import ShortRepr
from ukssdc.status import Product


@dataclass(frozen=True, kw_only=True, repr=False)
class Call(ShortRepr):
    """One call.

    Attributes
    ----------
    call : str
        "submit", "status", "cancel", "active_jobs", "old_jobs", "old_job", "standard_position", "enhanced_position",
        "astrometric_position", "source_list", "light_curve", "spectral_fits", "download"; "rebin", "rebin_status",
        "cancel_rebin", "rebinned_light_curve"; "unknown" for anything else.
    method : str
        HTTP method.
    at : float
        `time.monotonic()` at arrival, s.
    wall : datetime
        UTC at arrival.
    job_id : int or None
        The job it is about; for a submission, the new job. For "rebin" the job whose light curve is binned anew, for
        the calls that follow it the rebinning's own number.
    products : tuple of Product
        The products it asks for; for a submission those of the request.
    body : dict
        Of a submission, or of "rebin": what was sent, without the account.
    http_status : int or None
        None until the answer has begun.
    ok : int or None
        The answer's `OK`, where there is one.
    bytes_sent : int
        Bytes of the answer's body that were sent.
    finished : bool
        True once the whole answer is sent, or the connection is closed.
    fault : str
        The kind of the fault that happened to it (`Fault.kind`), or empty.
    """

    call: str
    method: str
    at: float = field(default_factory=time.monotonic)
    wall: datetime = field(default_factory=lambda: datetime.now(UTC))
    job_id: int | None = None
    products: tuple[Product, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    http_status: int | None = None
    ok: int | None = None
    bytes_sent: int = 0
    finished: bool = False
    fault: str = ""


class Ledger(ShortRepr, Sequence[Call]):
    """The calls in the order of their arrival; safe to read while the emulator serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("calls", len(self))]

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        with self._lock:
            return self._calls[index]

    def __len__(self) -> int:
        with self._lock:
            return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        with self._lock:
            return iter(list(self._calls))

    def calls(self, call: str | None = None, *, job_id: int | None = None, product: str | None = None) -> list[Call]:
        """Return the calls of a kind, about a job, about a product; all of them without arguments."""
        return [
            c
            for c in self
            if (call is None or c.call == call)
            and (job_id is None or c.job_id == job_id)
            and (product is None or product in c.products)
        ]

    def add(self, call: Call) -> int:
        """Record a call and return its index."""
        with self._lock:
            self._calls.append(call)
            return len(self._calls) - 1

    def replace_at(self, index: int, call: Call) -> None:
        """Replace the record of a call by one that says more."""
        with self._lock:
            self._calls[index] = call

"""A job at the emulated service: its parameters, and the status of each product as service time passes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ukssdc.emulator.core.build import ABSENT, Build, Stage
from ukssdc.emulator.core.clock import ServiceClock
from ukssdc.emulator.data.build_steps import progress
from ukssdc.status import Product, StatusCode

STATUS_TEXTS: Final[Mapping[int, str]] = {
    -4: "Cancelled at your request",
    -3: "The product could not be built",
    -2: "An internal error occurred: the job could not be queued",
    -1: "An internal error occurred: the job could not be requested",
    1: "Requested",
    2: "Queued",
    3: "Running",
    4: "Complete",
    5: "Waiting for the standard position",
}
UNKNOWN_STATUS: Final = "Unknown status"
NO_POSITION: Final = "There is no standard position to be corrected"
CLOCK_TOLERANCE: Final = 1e-6  # s of service time: with floats, a jump of 62 s may come out a little shorter


@dataclass
class EmulatedProduct:
    """One product of a job.

    Attributes
    ----------
    build : Build
        What the scenario says about it.
    cancelled_at : float
        Service seconds after the submission; infinite unless cancelled.
    revision : int
        How often the archive has been rebuilt.
    """

    build: Build
    cancelled_at: float = math.inf
    revision: int = 0


class EmulatedJob:
    """A job as the service has it.

    Attributes
    ----------
    id : int
        Its number.
    name : str
        The target's name, as the user gave it.
    products : tuple of Product
        In the service's order.
    pars : dict
        `jobPars`: the request, completed by the service; with the user's e-mail address, as at the real one.
    base_url : str
        Where its files are: `.../tprods/USERPROD_951`.
    submitted : datetime
        UTC.
    repeated_name : str or None
        The name as the service repeats it, in `pars` and in the list of old jobs; None where it leaves it out.
    """

    def __init__(
        self,
        job_id: int,
        *,
        owner: str | None,
        builds: Mapping[Product, Build],
        pars: Mapping[str, Any],
        base_url: str,
        clock: ServiceClock,
        submitted: datetime,
        repeated_name: str | None,
    ) -> None:
        self.id = job_id
        self.name = str(pars.get("name", ""))
        self.products = Product.in_order(builds)
        self.pars = {**pars, "name": repeated_name}
        if repeated_name is None:
            del self.pars["name"]
        self.repeated_name = repeated_name
        self.base_url = base_url
        self.submitted = submitted
        self._owner = owner
        self._clock = clock
        self._began = clock.now()
        self._by_product = {p: EmulatedProduct(builds[p]) for p in self.products}

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.name!r}: {', '.join(f'{p} {c!r}' for p, c in self.codes.items())}>"

    def owned_by(self, user: Any) -> bool:
        """Return whether this is the user's job."""
        return bool(user == self._owner)

    @property
    def age(self) -> float:
        """Service seconds since the submission."""
        return self._clock.now() - self._began + CLOCK_TOLERANCE

    @property
    def codes(self) -> dict[Product, Any]:
        """The current code of each product."""
        return {p: self.code(p) for p in self.products}

    @property
    def active(self) -> bool:
        """True while a product is not in a final state."""
        return not all(_is_final(code) for code in self.codes.values())

    def code(self, product: Product | str) -> Any:
        """Return the current status code, None for a product that was not asked for."""
        emulated = self._by_product.get(Product[product])
        return None if emulated is None else self._stage(Product[product], self.age)[1].code

    def complete(self, product: Product | str) -> bool:
        """Return whether the product can be downloaded."""
        return str(self.code(product)) == "4"

    def has_files(self, product: Product) -> bool:
        """Return whether there is an archive: of a complete product, or of one cancelled while it ran."""
        emulated = self._by_product.get(product)
        if emulated is None:
            return False
        cancelled = self.code(product) == StatusCode.CANCELLED and emulated.cancelled_at < math.inf
        return self.complete(product) or (
            cancelled and str(self._stage_before(product, emulated.cancelled_at)[1].code) == "3"
        )

    def build(self, product: Product) -> Build:
        """Return what the scenario says about a product of this job."""
        return self._by_product[product].build

    def revision(self, product: Product) -> int:
        """Return how often the product's archive has been rebuilt."""
        return self._by_product[product].revision

    def rebuild(self, product: Product) -> None:
        """Rebuild a product's archive, with other contents and another ETag."""
        self._by_product[product].revision += 1

    def status(self, product: Product, *, with_progress: bool) -> dict[str, Any] | None:
        """Return the product's entry in a status answer; None where the scenario leaves it out."""
        if product not in self._by_product:
            return {"statusCode": None, "statusText": UNKNOWN_STATUS, "progress": {"GotProgress": 0}}
        age = self.age
        began, stage = self._stage(product, age)
        if stage.code is ABSENT:
            return None
        report: dict[str, Any] = {"GotProgress": 0}
        if with_progress and str(stage.code) == "3":
            available = self._by_product[product].build.progress
            report = progress(product, self.pars, age - began, stage.seconds) if available else {"GotProgress": 2}
        return {"statusCode": stage.code, "statusText": stage.text or _status_text(stage.code), "progress": report}

    def cancel(self, product: Product) -> int:
        """Cancel a product and return the code of the answer (protocol, section 4)."""
        emulated = self._by_product.get(product)
        if emulated is None:
            return 2
        if _is_final(self.code(product)):
            return 1
        if emulated.build.cancel is not None:
            return emulated.build.cancel
        emulated.cancelled_at = self.age
        return 0

    def cancel_all(self, products: tuple[Product, ...]) -> dict[Product, int]:
        """Cancel several products at once, the dependent ones first."""
        codes = {p: self.cancel(p) for p in reversed(products)}
        return {p: codes[p] for p in products}

    def completed_at(self, product: Product | str) -> float | None:
        """Return when the product became complete (`time.monotonic`, s); None where it is not."""
        if not self.complete(product):
            return None
        began, _ = self._stage(Product[product], self.age)
        return self._clock.monotonic_at(self._began + began - CLOCK_TOLERANCE)

    def _stage(self, product: Product, age: float) -> tuple[float, Stage]:
        """Return the age (service s) at which the current stage began, and the stage."""
        emulated = self._by_product[product]
        if age >= emulated.cancelled_at:
            return emulated.cancelled_at, Stage(math.inf, int(StatusCode.CANCELLED), STATUS_TEXTS[-4])
        return self._stage_before(product, age)

    def _stage_before(self, product: Product, age: float) -> tuple[float, Stage]:
        """Return the same as if the product were never cancelled."""
        began, stages = 0.0, self._stages(product)
        for stage, _ in itertools.pairwise(stages):
            if age < began + stage.seconds:
                return began, stage
            began += stage.seconds
        return began, stages[-1]

    def _stages(self, product: Product) -> list[Stage]:
        build = self._by_product[product].build
        if build.stages is not None:
            return list(build.stages)
        end = 4 if build.ends is None else build.ends
        requested, queued, running = (
            Stage(seconds or 0.0, code, STATUS_TEXTS[code])
            for code, seconds in ((1, build.requested), (2, build.queued), (3, build.running))
        )
        last = Stage(math.inf, end, build.text or _status_text(end))
        if end in (-1, -2):
            return [requested, last]
        stages = [requested, queued]
        if product is Product.AstromPos and build.waits and Product.StandardPos in self._by_product:
            ended, code = self._end_of(Product.StandardPos)
            stages.append(Stage(max(ended - requested.seconds - queued.seconds, 0.0), 5, STATUS_TEXTS[5]))
            if str(code) != "4":
                return [*stages, Stage(math.inf, int(StatusCode.NOT_PRODUCED), NO_POSITION)]
        return [*stages, running, last]

    def _end_of(self, product: Product) -> tuple[float, Any]:
        """Return the age (service s) at which a product reaches its final state, or infinity, and its last code."""
        emulated, began = self._by_product[product], 0.0
        for stage in self._stages(product):
            if began >= emulated.cancelled_at:
                break
            if _is_final(stage.code):
                return began, stage.code
            began += stage.seconds
        return emulated.cancelled_at, int(StatusCode.CANCELLED)


class EmulatedJobs(Mapping[int, EmulatedJob]):
    """The service's jobs by their numbers."""

    def __init__(self) -> None:
        self._jobs: dict[int, EmulatedJob] = {}

    def __getitem__(self, job_id: int) -> EmulatedJob:
        return self._jobs[int(job_id)]

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    def __repr__(self) -> str:
        return repr(list(self._jobs.values()))

    def add(self, job: EmulatedJob) -> None:
        """Add a job."""
        self._jobs[job.id] = job

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()


def _is_final(code: Any) -> bool:
    """Return whether a code is final: 4 or negative, except -10."""
    try:
        number = int(code)
    except (TypeError, ValueError):
        return False
    return number == StatusCode.COMPLETE or (number < 0 and number != StatusCode.NO_STATUS)


def _status_text(code: Any) -> str:
    return STATUS_TEXTS.get(code, UNKNOWN_STATUS) if isinstance(code, int) else UNKNOWN_STATUS

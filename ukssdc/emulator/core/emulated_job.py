"""A job at the emulated service: what was asked for, and where each product stands at a moment of service time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ukssdc.emulator.clock import ServiceClock
from ukssdc.emulator.scenario import ABSENT, Build, Stage
from ukssdc.emulator.steps import progress
from ukssdc.status import Product, StatusCode

TEXTS: Final[Mapping[int, str]] = {
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
UNKNOWN: Final = "Unknown status"
NO_POSITION: Final = "There is no standard position to be corrected"
TICK: Final = 1e-6  # service seconds that are forgiven: clocks are floats, and a jump of 62 s may come out as less


@dataclass
class Track:
    """The way of one product through the service.

    Attributes
    ----------
    build : Build
        What the scenario says about it.
    cancelled_at : float
        Service seconds after the submission; infinite where it is not cancelled.
    revision : int
        How often the archive has been built anew since.
    """

    build: Build
    cancelled_at: float = math.inf
    revision: int = 0


class Job:
    """A job, as the service knows it.

    Attributes
    ----------
    id : int
        Its number.
    name : str
        The target's name, as the user gave it.
    products : tuple of Product
        In the service's order.
    pars : dict
        `jobPars`: the request as the service completed it. Holds the user's e-mail address, as the real one does.
    base_url : str
        Where its files are: `.../tprods/USERPROD_951`.
    submitted : datetime
        UTC.
    """

    def __init__(
        self,
        job_id: int,
        *,
        owner: str,
        builds: Mapping[Product, Build],
        pars: Mapping[str, Any],
        base_url: str,
        clock: ServiceClock,
        submitted: datetime,
    ) -> None:
        self.id = job_id
        self.name = str(pars.get("name", ""))
        self.products = Product.in_order(builds)
        self.pars = dict(pars)
        self.base_url = base_url
        self.submitted = submitted
        self._owner = owner
        self._clock = clock
        self._began = clock.now()
        self._tracks = {p: Track(builds[p]) for p in self.products}

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.name!r}: {', '.join(f'{p} {c!r}' for p, c in self.codes.items())}>"

    def owned_by(self, user: Any) -> bool:
        """Return whether this is the user's job."""
        return bool(user == self._owner)

    @property
    def age(self) -> float:
        """Service seconds since the submission."""
        return self._clock.now() - self._began + TICK

    @property
    def codes(self) -> dict[Product, Any]:
        """The current code of each product."""
        return {p: self.code(p) for p in self.products}

    @property
    def active(self) -> bool:
        """True while a product has not ended."""
        return not all(_ended(code) for code in self.codes.values())

    def code(self, product: Product | str) -> Any:
        """Return the current status code, None for a product that was not asked for."""
        track = self._tracks.get(Product[product])
        return None if track is None else self._stage(Product[product], self.age)[1].code

    def complete(self, product: Product | str) -> bool:
        """Return whether the product is there to be downloaded."""
        return str(self.code(product)) == "4"

    def has_files(self, product: Product) -> bool:
        """Return whether there is an archive: of a complete product, or of what a cancelled one left behind."""
        track = self._tracks.get(product)
        if track is None:
            return False
        cancelled = self.code(product) == StatusCode.CANCELLED and track.cancelled_at < math.inf
        return self.complete(product) or (
            cancelled and str(self._stage_before(product, track.cancelled_at)[1].code) == "3"
        )

    def build(self, product: Product) -> Build:
        """Return what the scenario says about a product of this job."""
        return self._tracks[product].build

    def revision(self, product: Product) -> int:
        """Return how often the product's archive has been built anew."""
        return self._tracks[product].revision

    def rebuild(self, product: Product) -> None:
        """Let the archive of a product have other contents, and another ETag, from now on."""
        self._tracks[product].revision += 1

    def status(self, product: Product, *, with_progress: bool) -> dict[str, Any] | None:
        """Return the product's entry of a status answer; None where a scenario wants it left out."""
        if product not in self._tracks:
            return {"statusCode": None, "statusText": UNKNOWN, "progress": {"GotProgress": 0}}
        age = self.age
        began, stage = self._stage(product, age)
        if stage.code is ABSENT:
            return None
        report: dict[str, Any] = {"GotProgress": 0}
        if with_progress and str(stage.code) == "3":
            known = self._tracks[product].build.progress
            report = progress(product, self.pars, age - began, stage.seconds) if known else {"GotProgress": 2}
        return {"statusCode": stage.code, "statusText": stage.text or _text(stage.code), "progress": report}

    def cancel(self, product: Product) -> int:
        """Cancel a product and return the code of the answer (protocol, section 4)."""
        track = self._tracks.get(product)
        if track is None:
            return 2
        if _ended(self.code(product)):
            return 1
        if track.build.cancel is not None:
            return track.build.cancel
        track.cancelled_at = self.age
        return 0

    def cancel_all(self, products: tuple[Product, ...]) -> dict[Product, int]:
        """Cancel several products at the same moment, those that depend on others first."""
        codes = {p: self.cancel(p) for p in reversed(products)}
        return {p: codes[p] for p in products}

    def completed_at(self, product: Product | str) -> float | None:
        """Return when, on `time.monotonic`, the product became complete, s; None where it is not."""
        if not self.complete(product):
            return None
        began, _ = self._stage(Product[product], self.age)
        return self._clock.monotonic_at(self._began + began - TICK)

    def _stage(self, product: Product, age: float) -> tuple[float, Stage]:
        """Return the stage at an age of the job (service s), and the age at which it began."""
        track = self._tracks[product]
        if age >= track.cancelled_at:
            return track.cancelled_at, Stage(math.inf, int(StatusCode.CANCELLED), TEXTS[-4])
        return self._stage_before(product, age)

    def _stage_before(self, product: Product, age: float) -> tuple[float, Stage]:
        """Return the same for a product that nobody cancels."""
        began, stages = 0.0, self._stages(product)
        for stage, _ in itertools.pairwise(stages):
            if age < began + stage.seconds:
                return began, stage
            began += stage.seconds
        return began, stages[-1]

    def _stages(self, product: Product) -> list[Stage]:
        build = self._tracks[product].build
        if build.stages is not None:
            return list(build.stages)
        end = 4 if build.ends is None else build.ends
        requested, queued, running = (
            Stage(seconds or 0.0, code, TEXTS[code])
            for code, seconds in ((1, build.requested), (2, build.queued), (3, build.running))
        )
        last = Stage(math.inf, end, build.text or _text(end))
        if end in (-1, -2):
            return [requested, last]
        stages = [requested, queued]
        if product is Product.AstromPos and build.waits and Product.StandardPos in self._tracks:
            ended, code = self._end(Product.StandardPos)
            stages.append(Stage(max(ended - requested.seconds - queued.seconds, 0.0), 5, TEXTS[5]))
            if str(code) != "4":
                return [*stages, Stage(math.inf, int(StatusCode.NOT_PRODUCED), NO_POSITION)]
        return [*stages, running, last]

    def _end(self, product: Product) -> tuple[float, Any]:
        """Return the age (service s) at which a product ends, infinite where it never does, and its last code."""
        track, began = self._tracks[product], 0.0
        for stage in self._stages(product):
            if began >= track.cancelled_at:
                break
            if _ended(stage.code):
                return began, stage.code
            began += stage.seconds
        return track.cancelled_at, int(StatusCode.CANCELLED)


def _ended(code: Any) -> bool:
    """Return whether a code is an end: 4 or negative, -10 excepted."""
    try:
        number = int(code)
    except (TypeError, ValueError):
        return False
    return number == StatusCode.COMPLETE or (number < 0 and number != StatusCode.NO_STATUS)


def _text(code: Any) -> str:
    return TEXTS.get(code, UNKNOWN) if isinstance(code, int) else UNKNOWN

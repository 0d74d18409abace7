"""What a quick look shows: the results of a job, and in words what there is none of."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ukssdc.client import Client
from ukssdc.errors import TransportError, UKSSDCError
from ukssdc.job import Job
from ukssdc.results import LightCurveData, Position, SourceList, SpectralFits
from ukssdc.status import Product

POSITIONS = (Product.StandardPos, Product.EnhancedPos, Product.AstromPos)
TIME_FORMATS = {"s": "MET", "m": "MJD"}  # lctimetype -> TimeFormat (protocol, sections 5 and 6)
MAX_SECONDS = 60.0  # s within which all tries begin
Ask = Callable[[Job], Any]


class QuickLook(BaseModel):
    """The results of a job, as far as they could be had.

    Attributes
    ----------
    job : Job
    positions : dict
        Product -> `Position`.
    light_curve : LightCurveData or None
        Where the service's answer does not say what the times are, the job's parameters do.
    spectral_fits : SpectralFits or None
    source_list : SourceList or None
    problems : dict
        Product -> why its results are not here, in words.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    job: Job
    positions: dict[Product, Position] = Field(default_factory=dict)
    light_curve: LightCurveData | None = None
    spectral_fits: SpectralFits | None = None
    source_list: SourceList | None = None
    problems: dict[Product, str] = Field(default_factory=dict)

    @field_validator("light_curve")
    @classmethod
    def _know_the_times(cls, curve: LightCurveData | None, info: ValidationInfo) -> LightCurveData | None:
        if curve is None or curve.time_format is not None or "job" not in info.data:
            return curve
        requested = str(info.data["job"].parameters.get("lctimetype"))
        if requested == "s" and curve.t0 is None:
            return curve  # seconds, but since when?
        return curve.model_copy(update={"time_format": TIME_FORMATS.get(requested)})

    @property
    def requested(self) -> tuple[float, float] | None:
        """The position that was asked for, deg J2000; None where the job's parameters do not say."""
        ra, dec = (_number(self.job.parameters.get(key)) for key in ("RA", "Dec"))
        return None if ra is None or dec is None else (ra, dec)

    @property
    def centre(self) -> tuple[float, float] | None:
        """The position that was asked for, or else the first one found; deg J2000."""
        found = ((p.ra, p.dec) for p in self.positions.values() if p.ra is not None and p.dec is not None)
        return self.requested or next(found, None)

    @property
    def energies(self) -> str:
        """The energy band of the light curve, keV."""
        low, high = (_number(self.job.parameters.get(key)) for key in ("minen", "maxen"))
        return f"{0.3 if low is None else low:g}-{10.0 if high is None else high:g} keV"


def fetch(
    client: Client, job: Job, unavailable: Mapping[Product, str] | None = None, backoff_delays: Sequence[float] = ()
) -> QuickLook:
    """Ask for the results of a job, one call per product; what goes wrong becomes a problem of that product.

    Parameters
    ----------
    client : Client
    job : Job
    unavailable : mapping, optional
        Product -> why there is no use in asking.
    pauses : sequence of float, optional
        How long to wait before asking again for what time may mend, s: one for each further try. None of them begins
        later than `LONGEST` after the first.

    Returns
    -------
    QuickLook
    """
    problems = dict(unavailable or {})
    calls = {p: ask for p, ask in _calls(client).items() if p in job.products and p not in problems}
    began = time.monotonic()
    found, errors = _ask(calls, job)
    for pause in backoff_delays:
        passing = {product: calls[product] for product, error in errors.items() if _may_pass(error)}
        if not passing or time.monotonic() - began + pause > MAX_SECONDS:
            break
        time.sleep(pause)
        now_found, now_errors = _ask(passing, job)
        found |= now_found
        errors = {product: error for product, error in errors.items() if product not in passing} | now_errors
    return QuickLook(
        job=job,
        positions={product: found[product] for product in POSITIONS if product in found},
        light_curve=found.get(Product.LightCurve),
        spectral_fits=found.get(Product.Spectrum),
        source_list=found.get(Product.SourceDet),
        problems=problems | {product: _problem(error) for product, error in errors.items()},
    )


class _NotAsked(Exception):  # noqa: N818 - what happened
    """There was no use in a call, because the one before it had no answer."""


def _ask(calls: Mapping[Product, Ask], job: Job) -> tuple[dict[Product, Any], dict[Product, Exception]]:
    """Make the calls; return the results, and what went wrong instead."""
    found: dict[Product, Any] = {}
    errors: dict[Product, Exception] = {}
    silent = False
    for product, ask in calls.items():
        if silent:  # each further call might wait for its time-out as well
            errors[product] = _NotAsked()
            continue
        try:
            found[product] = ask(job)
        except Exception as error:  # noqa: BLE001 - what cannot be read must not take the rest with it
            errors[product] = error
            silent = isinstance(error, TransportError) and error.status_code is None
    return found, errors


def _may_pass(error: Exception) -> bool:
    return isinstance(error, _NotAsked) or (isinstance(error, UKSSDCError) and error.retryable)


def _problem(error: Exception) -> str:
    if isinstance(error, _NotAsked):
        return "not asked for, as the service does not answer"
    return f"its results could not be read: {str(error) or type(error).__name__}"


def _calls(client: Client) -> dict[Product, Ask]:
    return {
        Product.LightCurve: client.light_curve,
        Product.Spectrum: client.spectral_fits,
        Product.StandardPos: client.standard_position,
        Product.EnhancedPos: client.enhanced_position,
        Product.AstromPos: client.astrometric_position,
        Product.SourceDet: client.source_list,
    }


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

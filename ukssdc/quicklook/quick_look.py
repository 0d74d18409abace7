"""What a quick look shows: the results of a job, and why some of them are missing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ukssdc.client import Client
from ukssdc.errors import ServiceError, TransportError, UKSSDCError
from ukssdc.job import Job
from ukssdc.notebook import ShortRepr
from ukssdc.results import LightCurveData, Position, SourceList, SpectralFits
from ukssdc.status import POSITION_PRODUCTS, Product

MAX_RETRY_TIME = 60.0  # s from the first call to the last retry
FetchResult = Callable[[Job], Any]


class QuickLook(ShortRepr, BaseModel):
    """The results of a job, as far as they are available.

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
        Product -> why its results are missing, in words.
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
    def _complete_light_curve(cls, curve: LightCurveData | None, info: ValidationInfo) -> LightCurveData | None:
        return curve if curve is None or "job" not in info.data else curve.of_job(info.data["job"].parameters)

    @property
    def requested(self) -> tuple[float, float] | None:
        """The requested position, deg J2000; None where the job's parameters hold none."""
        ra, dec = (_finite_or_none(self.job.parameters.get(key)) for key in ("RA", "Dec"))
        return None if ra is None or dec is None else (ra, dec)

    @property
    def centre(self) -> tuple[float, float] | None:
        """The requested position, or else the first one found; deg J2000."""
        found = ((p.ra, p.dec) for p in self.positions.values() if p.ra is not None and p.dec is not None)
        return self.requested or next(found, None)


def fetch(
    client: Client, job: Job, unavailable: Mapping[Product, str] | None = None, backoff_delays: Sequence[float] = ()
) -> QuickLook:
    """Fetch the results of a job, one call per product; an error becomes a problem of that product.

    Parameters
    ----------
    client : Client
    job : Job
    unavailable : mapping, optional
        Product -> why its results are not fetched.
    backoff_delays : sequence of float, optional
        Delays before each retry, s. Only errors that may pass are retried, until `MAX_RETRY_TIME` after the first call.

    Returns
    -------
    QuickLook
    """
    problems = dict(unavailable or {})
    calls = {p: call for p, call in _calls(client).items() if p in job.products and p not in problems}
    start = time.monotonic()
    found, errors = _fetch_all(calls, job)
    for delay in backoff_delays:
        retried = {product: calls[product] for product, error in errors.items() if _is_retryable(error)}
        if not retried or time.monotonic() - start + delay > MAX_RETRY_TIME:
            break
        time.sleep(delay)
        newly_found, new_errors = _fetch_all(retried, job)
        found |= newly_found
        errors = {product: error for product, error in errors.items() if product not in retried} | new_errors
    return QuickLook(
        job=job,
        positions={product: found[product] for product in POSITION_PRODUCTS if product in found},
        light_curve=found.get(Product.LightCurve),
        spectral_fits=found.get(Product.Spectrum),
        source_list=found.get(Product.SourceDet),
        problems=problems | {product: _problem_text(error) for product, error in errors.items()},
    )


class _SkippedCallError(Exception):
    """A call was not made, because the one before it had no answer."""


def _fetch_all(calls: Mapping[Product, FetchResult], job: Job) -> tuple[dict[Product, Any], dict[Product, Exception]]:
    """Make the calls; return the results and the errors."""
    found: dict[Product, Any] = {}
    errors: dict[Product, Exception] = {}
    unreachable = False
    for product, call in calls.items():
        if unreachable:  # each further call might wait for its time-out as well
            errors[product] = _SkippedCallError()
            continue
        try:
            found[product] = call(job)
        except Exception as error:  # noqa: BLE001 - one product's error is no obstacle to the others
            errors[product] = error
            unreachable = isinstance(error, TransportError) and error.status_code is None
    return found, errors


def _is_retryable(error: Exception) -> bool:
    """Tell whether asking again may help: a gateway's refusal passes; the service refuses what it does not have."""
    if isinstance(error, UKSSDCError):
        return error.retryable or (error.refusal and not isinstance(error, ServiceError))
    return isinstance(error, _SkippedCallError)


def _problem_text(error: Exception) -> str:
    if isinstance(error, _SkippedCallError):
        return "not fetched, because the service does not answer"
    return f"its results could not be read: {str(error) or type(error).__name__}"


def _calls(client: Client) -> dict[Product, FetchResult]:
    return {
        Product.LightCurve: client.light_curve,
        Product.Spectrum: client.spectral_fits,
        Product.StandardPos: client.standard_position,
        Product.EnhancedPos: client.enhanced_position,
        Product.AstromPos: client.astrometric_position,
        Product.SourceDet: client.source_list,
    }


def _finite_or_none(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

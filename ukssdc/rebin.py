"""A light curve that is binned anew: what was asked for, and under which number (protocol, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from ukssdc.errors import InvalidRequest
from ukssdc.job import Job
from ukssdc.status import Product


class Rebin(BaseModel):
    """A rebinning at the service.

    Attributes
    ----------
    rebin_id : int
        The service's number for it; it has nothing to do with the numbers of jobs.
    job : Job
        The job whose light curve is binned anew.
    parameters : dict
        How, by the names in the service's documentation.
    submitted : datetime or None
        When this client asked for it, UTC; None for one that was taken up by its number.
    """

    model_config = ConfigDict(frozen=True)

    rebin_id: int
    job: Job
    parameters: dict[str, Any] = {}
    submitted: datetime | None = None

    def __str__(self) -> str:
        return f"rebinning {self.rebin_id} of job {self.job.job_id}"


def read_binning(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a rebinning as they are sent.

    Raises
    ------
    InvalidRequest
        With all that is wrong.
    """
    from ukssdc.request.parameters import LightCurveBinning  # noqa: PLC0415 - only built where it is used

    try:
        return LightCurveBinning.model_validate(given).named_values()
    except InvalidRequest as error:
        raise InvalidRequest(error.problems, source="the rebinning") from None


def check_rebinnable(job: Job) -> None:
    """Refuse a job that has no light curve.

    Raises
    ------
    InvalidRequest
    """
    if Product.LightCurve not in job.products:
        raise InvalidRequest(
            [f"job {job.job_id} ({job.name}) has no light curve, but {', '.join(job.products)}"], source="the rebinning"
        )

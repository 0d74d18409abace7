"""A light curve that is binned anew: what was asked for, and under which number (protocol, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from ukssdc.errors import InvalidRequest
from ukssdc.job import Job
from ukssdc.notebook import ShortRepr, html_table
from ukssdc.status import Product

if TYPE_CHECKING:
    from ukssdc.request.parameters import LightCurveBinning


class Rebin(ShortRepr, BaseModel):
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

    @classmethod
    def of_number(cls, rebin_id: int, job_id: int) -> Rebin:
        """Return one of which nothing but the numbers is known: enough to ask for its status, its curve, its end."""
        job = Job(job_id=job_id, url="", name="", products=(Product.LightCurve,))
        return cls(rebin_id=rebin_id, job=job)

    @property
    def as_job(self) -> Job:
        """The job as if it had been built with this binning, and with nothing but its light curve."""
        from ukssdc.request.parameters import LightCurveBinning  # noqa: PLC0415 - only built where it is used

        rows = {row.wire_name for row in LightCurveBinning.ROWS.values()}
        kept = {name: value for name, value in self.job.parameters.items() if name not in rows}
        binning = {"lctimetype": "s"} | LightCurveBinning.model_validate(self.parameters).wire_values()
        return self.job.model_copy(
            update={"products": (Product.LightCurve,), "parameters": kept | binning, "submitted": self.submitted}
        )

    def _repr_html_(self) -> str:
        rows = [(name, str(value)) for name, value in self.parameters.items()]
        return html_table(f"{self} ({self.job.name})", ("Parameter", "Value"), rows)

    def __str__(self) -> str:
        return f"rebinning {self.rebin_id} of job {self.job.job_id}"


def read_binning(given: Mapping[str, Any]) -> LightCurveBinning:
    """Return the parameters of a rebinning.

    Raises
    ------
    InvalidRequest
        With all that is wrong.
    """
    from ukssdc.request.parameters import LightCurveBinning  # noqa: PLC0415 - only built where it is used

    try:
        return LightCurveBinning.model_validate(given)
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

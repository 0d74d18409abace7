"""What became of a rebinning."""

from __future__ import annotations

from ukssdc.errors import UKSSDCError
from ukssdc.outcomes import Failed, JobReport, TimedOut
from ukssdc.rebin import Rebin
from ukssdc.service import HELP_ADDRESS
from ukssdc.status import Product, ProductStatus, StatusCode

AGAIN = "Rebin again"
TAKE_UP = "Rebin with the same parameters and destination: it is taken up"


class RebinReport(JobReport):
    """The end of a rebinning: a report with one outcome, that of the light curve.

    Attributes
    ----------
    rebin : Rebin
        What was asked for; its job is `job`.
    outcomes : dict
        "LightCurve" -> outcome; where it was downloaded, its path is the curve as comma-separated values.
    directory : Path
        Where the files and `rebin.json` are.
    """

    rebin: Rebin

    @property
    def title(self) -> str:
        """What the report is about, in words."""
        return f"{self.rebin} ({self.job.name})"


def rebin_failed(status: ProductStatus) -> Failed:
    """Describe a rebinning that the service will not do."""
    return _failed(
        int(status.status_code),
        status.status_text,
        status.meaning,
        f"{AGAIN}; if that fails as well, write to {HELP_ADDRESS}",
    )


def rebin_unavailable(status: ProductStatus, problem: UKSSDCError) -> Failed:
    """Describe a rebinning of which the service would not tell any more."""
    seen = f"{status.status_text} when it was last seen" if status.status_text else "never seen"
    return _failed(int(status.status_code), str(problem), seen, AGAIN)


def rebinned_curve_failed(problem: BaseException) -> Failed:
    """Describe a light curve that was binned anew but could not be fetched."""
    meaning = "complete at the service, but not on disk"
    return _failed(int(StatusCode.COMPLETE), str(problem), meaning, AGAIN)


def rebin_timed_out(status: ProductStatus, elapsed: float) -> TimedOut:
    """Describe a rebinning that was pending when the longest wait was over."""
    return TimedOut(
        product=Product.LightCurve,
        code=int(status.status_code),
        text=status.status_text,
        elapsed=elapsed,
        advice=f"It goes on at the service. {TAKE_UP}",
    )


def _failed(code: int, text: str, meaning: str, advice: str) -> Failed:
    return Failed(product=Product.LightCurve, code=code, text=text, meaning=meaning, advice=advice)

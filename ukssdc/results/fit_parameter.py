"""A fitted value with its errors."""

from __future__ import annotations

from ukssdc.results.job_result import Result


class FitParameter(Result):
    """A fitted value with its errors.

    Attributes
    ----------
    value : float
    pos, neg : float or None
        Signed offsets of the ends of the confidence interval, positive and negative; None where the fit gave none.
        90 % confidence, unless the request set another `deltaFitStat`: `SpectralFits.confidence`.
    """

    value: float
    pos: float | None = None
    neg: float | None = None

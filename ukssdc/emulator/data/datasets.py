"""The light curve of a job: the answer with its datasets, and the file that the archive holds (protocol, section 6)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from ukssdc.emulator.data.binning import Bin, light_curve_bins
from ukssdc.emulator.data.xray_source import DAY, MJD_OF_MET_0, MODES, ResultJob, XraySource

BINNING: Final = {"counts": "Counts", "time": "Time", "snapshot": "Snapshot", "obsid": "Observation"}
TIME_COLUMNS: Final = ("Time", "TimePos", "TimeNeg")
RATE_COLUMNS: Final = (
    *TIME_COLUMNS, "Rate", "RatePos", "RateNeg", "FracExp", "BGrate", "BGerr", "CorrFact", "CtsInSrc", "BGInSrc",
    "Exposure", "Sigma", "SNR",
)  # fmt: skip
BAND_COLUMNS: Final = (*TIME_COLUMNS, "Rate", "RateErr")
RATIO_COLUMNS: Final = (*TIME_COLUMNS, "HR", "HRErr")
SUFFIX_CHOICES: Final = {"no": (False,), "yes": (True,), "both": (False, True)}
"""Values of `nosys` and `incbad` -> whether the datasets have the suffix."""

Row = tuple[float, ...]


class TimeAxis:
    """The time columns of bins, in the unit that the request asks for: s since T0, or MJD."""

    def __init__(self, job: ResultJob) -> None:
        self.t0 = XraySource(job).t0
        self.in_days = job.pars.get("lctimetype") == "m"
        self.format = "MJD" if self.in_days else "MET"

    def columns_of(self, measured: Bin) -> Row:
        """Return time, offset of the end, offset of the start."""
        zero, unit, digits = (MJD_OF_MET_0 + self.t0 / DAY, DAY, 8) if self.in_days else (0.0, 1.0, 3)
        time, start, stop = (round(zero + at / unit, digits) for at in (measured.time, measured.start, measured.stop))
        return time, round(stop - time, digits), round(start - time, digits)


def light_curve(job: ResultJob, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a call for the light curve, with the datasets that `nosys` and `incbad` ask for."""
    axis = TimeAxis(job)
    wanted = [SUFFIX_CHOICES.get(str(body.get(name, "no")).lower(), (False,)) for name in ("nosys", "incbad")]
    answer: dict[str, Any] = {"Datasets": []}
    for mode in MODES:
        bins, ratio_bins = light_curve_bins(job, mode), light_curve_bins(job, mode, hardness=True)
        for nosys, incbad in itertools.product(*wanted):
            suffix = "_nosys" * nosys + "_incbad" * incbad
            chosen, ratio = ([b for b in part if incbad or b.reliable] for part in (bins, ratio_bins))
            for kind, file, columns, rows in _tables(axis, chosen, ratio, systematic=not nosys):
                answer["Datasets"].append(f"{mode}{kind}{suffix}")
                answer[f"{mode}{kind}{suffix}Data"] = {
                    "columns": list(columns),
                    "data": [[_cell(value) for value in row] for row in rows],
                    "URL": f"{job.base_url}/lc/{mode}{file}{suffix}.qdp",
                }
    binning = BINNING.get(str(job.pars.get("binMeth")), "Unknown")
    return answer | {"Binning": binning, "TimeFormat": axis.format, "T0": axis.t0}


def light_curve_qdp(job: ResultJob) -> str:
    """Return the contents of `curve.qdp`: rates and upper limits of both modes."""
    axis, blocks = TimeAxis(job), []
    for mode in MODES:
        bins = [b for b in light_curve_bins(job, mode) if b.reliable]
        for title, limit in ((f"! {mode} data", False), (f"! {mode} Upper limit", True)):
            rows = [_rate_row(axis, b, systematic=True)[:6] for b in bins if b.limit == limit]
            if rows:
                lines = ["\t".join(map(_cell, row)) for row in rows]
                blocks.append("\n".join([title, "!Time\tT_+ve\tT_-ve\tRate\tRatepos\tRateneg", *lines]) + "\n")
    return "READ TERR 1 2\n" + "NO NO NO NO NO NO\n".join(blocks)


def _tables(
    axis: TimeAxis, bins: Sequence[Bin], ratio_bins: Sequence[Bin], *, systematic: bool
) -> Iterator[tuple[str, str, Sequence[str], list[Row]]]:
    """Yield kind, file, columns and rows of each dataset that is not empty."""
    in_bands = [b for b in ratio_bins if not b.limit and min(b.band(hard=True)[0], b.band(hard=False)[0]) > 0]
    rates = partial(_rate_row, axis, systematic=systematic)
    datasets: tuple[tuple[str, str, Sequence[str], Sequence[Bin], Callable[[Bin], Row]], ...] = (
        ("", "CURVE", RATE_COLUMNS, [b for b in bins if not b.limit], rates),
        ("UL", "UL", RATE_COLUMNS, [b for b in bins if b.limit], rates),
        ("Hard", "HR", BAND_COLUMNS, in_bands, lambda b: (*axis.columns_of(b), *b.band(hard=True))),
        ("Soft", "HR", BAND_COLUMNS, in_bands, lambda b: (*axis.columns_of(b), *b.band(hard=False))),
        ("HR", "HR", RATIO_COLUMNS, in_bands, lambda b: (*axis.columns_of(b), *_hardness_ratio(b))),
    )
    for kind, file, columns, bins_of_kind, row_of in datasets:
        if bins_of_kind:
            yield kind, file, columns, [row_of(measured) for measured in bins_of_kind]


def _rate_row(axis: TimeAxis, measured: Bin, *, systematic: bool) -> Row:
    error = measured.error(systematic=systematic)
    return (
        *axis.columns_of(measured),
        measured.rate,
        error,
        -error if error else 0.0,
        measured.exposure / (measured.stop - measured.start),
        measured.background / measured.exposure,
        measured.background_error / measured.exposure,
        measured.correction,
        float(measured.counts),
        measured.background,
        measured.exposure,
        measured.sigma,
        measured.rate / error if error else math.inf,
    )


def _hardness_ratio(measured: Bin) -> tuple[float, float]:
    (hard, hard_error), (soft, soft_error) = measured.band(hard=True), measured.band(hard=False)
    return hard / soft, hard / soft * math.hypot(hard_error / hard, soft_error / soft)


def _cell(value: float) -> str:
    """Return a number as a string, as the service does; an MJD needs that many digits for milliseconds."""
    return f"{value:.13g}"

"""What a light curve and its datasets share: what their times are, in which band their rates; units and headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from ukssdc.results.energy_bands import EnergyBands, band_text
from ukssdc.results.job_result import TableResult
from ukssdc.results.time_formats import TimeFormat
from ukssdc.times import met_to_utc

UNITS = {
    **dict.fromkeys(("Rate", "RatePos", "RateNeg", "RateErr", "UpperLimit", "BGrate", "BGerr"), "ct / s"),
    "CtsInSrc": "ct",
    "BGInSrc": "ct",
    "Exposure": "s",
}
TIMES = ("Time", "TimePos", "TimeNeg")
UTC_NOTE = "leap seconds applied, the drift of Swift's clock (UTCF) not: good to about half a minute"
FITS_TIMES = {  # TimeFormat -> how a FITS header says it; MJDREF is 2001-01-01 00:00 UTC in TT
    TimeFormat.MET: {"TIMESYS": "TT", "MJDREFI": 51910, "MJDREFF": 7.428703703703703e-4},
    TimeFormat.MJD: {"TIMESYS": "UTC", "MJDREFI": 0, "MJDREFF": 0.0},
    TimeFormat.TDB: {"TIMESYS": "TDB", "MJDREFI": 0, "MJDREFF": 0.0},
}


class LightCurveTable(TableResult):
    """What a light curve and its datasets share: what their times are, and in which band their rates."""

    time_format: TimeFormat | str | None = Field(default=None, union_mode="left_to_right")
    t0: float | None = None
    bands: EnergyBands | None = None

    @property
    def time_unit(self) -> str | None:
        """The unit of the times, "s" or "d"; None where the service did not say what the times are."""
        known = TimeFormat.read(self.time_format)
        if known is None:
            return None
        return known.unit if isinstance(known, TimeFormat) else "s"

    @property
    def t0_utc(self) -> datetime | None:
        """`t0` as UTC, good to about half a minute: the drift of Swift's clock (UTCF) is not known here."""
        return None if self.t0 is None else met_to_utc(self.t0)

    def _units(self) -> Mapping[str, str]:
        return UNITS | (dict.fromkeys(TIMES, self.time_unit) if self.time_unit else {})

    def _metadata(self) -> Mapping[str, Any]:
        times = TimeFormat.read(self.time_format)
        return {
            "TimeFormat": None if times is None else str(times),
            "Times": times.meaning if isinstance(times, TimeFormat) else None,
            "T0": self.t0,
            "T0_UTC": self.t0_utc.strftime("%Y-%m-%dT%H:%M:%S") if self.t0_utc else None,
            "T0_UTC_note": UTC_NOTE if self.t0_utc else None,
            **{
                key: band_text(band)
                for bands in [self.bands]
                if bands
                for key, band in (("Band", bands.total), ("SoftBand", bands.soft), ("HardBand", bands.hard))
            },
        }

    def _header(self) -> Mapping[str, Any]:
        times = TimeFormat.read(self.time_format)
        known = isinstance(times, TimeFormat)
        zero = self.t0 if times == TimeFormat.MET else None
        return {
            "TELESCOP": "SWIFT",
            "INSTRUME": "XRT",
            "TIMEUNIT": self.time_unit,
            "TIMEZERO": 0.0 if known and zero is None else zero,
            **(FITS_TIMES[times] if isinstance(times, TimeFormat) else {}),
            "E_MIN": self.bands.total[0] if self.bands else None,
            "E_MAX": self.bands.total[1] if self.bands else None,
        }

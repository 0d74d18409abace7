"""Results of the emulator without HTTP: a job as the emulator knows it, and what is read from its answers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from ukssdc.emulator.core.submission import complete
from ukssdc.emulator.data import result_answers
from ukssdc.emulator.data.xray_source import ResultJob
from ukssdc.results import LightCurveData, SpectralFits

URL = "http://127.0.0.1:8000/user_objects/tprods/USERPROD_951"
POSITIONS = ("standard_position", "enhanced_position", "astrometric_position")
REQUEST: dict[str, Any] = {
    "UserID": "observer@example.org",
    "name": "GRB 200416A",
    "RA": 335.6985,
    "Dec": -7.5179,
    "getTargs": 1,
    "cent": 1,
    "poserr": 1.0,
    "useSXPS": 0,
    "Tstart": 608713541.952,
    "lc": 1,
    "binMeth": "counts",
    "pccounts": 20,
    "wtcounts": 30,
    "dynamic": 1,
    "spec": 1,
    "dchi": 2.706,
    "specz": 0,
    "dopsf": 1,
    "doenh": 1,
    "doxastrom": 1,
    "sourceDet": 1,
    "detobs": "all",
}
NAMES = ("GRB 200416A", "GRB 060729", "GRB 250101B", "M82", "Holmberg II X-1", "1H 0707-495")


def job(**changes: Any) -> ResultJob:
    request = REQUEST | changes
    made = SimpleNamespace(id=951, name=request["name"], pars=complete(request), base_url=URL)
    return cast("ResultJob", made)


def curve(nosys: str = "no", incbad: str = "no", **changes: Any) -> LightCurveData:
    return LightCurveData.from_wire(
        result_answers.answer("light_curve", job(**changes), {"nosys": nosys, "incbad": incbad})
    )


def fits(**changes: Any) -> SpectralFits:
    return SpectralFits.from_wire(result_answers.answer("spectral_fits", job(**changes), {}))

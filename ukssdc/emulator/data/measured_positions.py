"""The measured positions of a job, and the files that hold them in the archives (protocol, section 6)."""

from __future__ import annotations

import math
from typing import Final

from ukssdc.emulator.data.xray_source import ResultJob, XraySource, rng_for
from ukssdc.sexagesimal import sexagesimal

ERR90: Final = {"standard_position": 3.5, "enhanced_position": 1.7, "astrometric_position": 2.4}
"""Typical error radius, arcsec, 90 %."""


def measured_position(call: str, job: ResultJob) -> tuple[float, float, float]:
    """Return right ascension and declination (deg, J2000) and error radius (arcsec, 90 %) of one of the positions.

    The position in the request lies within the error circle.
    """
    source, rng = XraySource(job), rng_for(job, call)
    radius = round(ERR90[call] * rng.uniform(0.95, 1.25), 1)
    distance, angle = radius * rng.uniform(0.05, 0.8) / 3600, rng.uniform(0.0, 2 * math.pi)
    dec = max(-90.0, min(90.0, source.dec + distance * math.sin(angle)))
    east = distance * math.cos(angle) / max(math.cos(math.radians(dec)), 1e-6)
    return round((source.ra + east) % 360.0, 5) % 360.0, round(dec, 5), radius


def standard_position_dat(job: ResultJob) -> str:
    """Return the contents of `results.dat`: one line, tab-separated, without pile-up."""
    ra, dec, radius = measured_position("standard_position", job)
    row = (f"{ra:.5f}", f"{dec:.5f}", *sexagesimal(ra, dec), f"{radius:.1f}", "0", "1", "0")
    return "\t".join(row) + "\n"


def enhanced_position_txt(job: ResultJob) -> str:
    """Return the contents of `success.txt`: one field per line."""
    ra, dec, radius = measured_position("enhanced_position", job)
    fields = (" ".join(job.name.split()), str(job.pars.get("targ", "")), "4", "2630.5", "0", "0")
    return "\n".join([*fields, f"{ra:.5f}", f"{dec:.5f}", *sexagesimal(ra, dec), f"{radius:.1f}"]) + "\n"


def astrometric_position_dat(job: ResultJob) -> str:
    """Return the contents of `xastrom_corr.dat`: one line, tab-separated."""
    ra, dec, radius = measured_position("astrometric_position", job)
    return "\t".join((f"{ra:.5f}", f"{dec:.5f}", *sexagesimal(ra, dec), f"{radius:.1f}")) + "\n"

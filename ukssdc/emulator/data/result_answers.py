"""The emulator's answers to the calls for results (protocol, sections 2 and 6); deterministic, and of one piece.

The archives hold the same numbers: `light_curve_qdp`, `standard_position_dat` and so on give the files' contents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from ukssdc.emulator.curves import light_curve, light_curve_qdp
from ukssdc.emulator.data import bands
from ukssdc.emulator.fits import spectral_fits
from ukssdc.emulator.scenario import AWKWARD
from ukssdc.emulator.source import ResultJob, XraySource, rng_for, truthy

__all__ = [
    "answer",
    "astrometric_position_dat",
    "enhanced_position_txt",
    "light_curve_qdp",
    "measured_position",
    "standard_position_dat",
]

ERR90: Final = {"standard_position": 3.5, "enhanced_position": 1.7, "astrometric_position": 2.4}
"""Usual radius of the error circles, arcsec at 90 %."""
PIXEL: Final = 2.36
"""arcsec."""
LEAST_COUNTS: Final = 8
BAND_PARTS: Final = {"Total": 1.0, "Soft": 0.35, "Medium": 0.4, "Hard": 0.25}
NORTH_GALACTIC_POLE: Final = (192.85948, 27.12825, 122.93192)
"""Right ascension and declination (J2000), and galactic longitude of the north celestial pole, deg."""

Answer = dict[str, Any]


def answer(call: str, job: ResultJob, body: Mapping[str, Any], awkward: frozenset[str] = frozenset()) -> Answer:
    """Return the answer to a call for results, beyond `OK` and `APIVersion`.

    Parameters
    ----------
    call : str
        "standard_position", "enhanced_position", "astrometric_position", "light_curve", "spectral_fits",
        "source_list".
    job : ResultJob
        A job whose product is complete.
    body : mapping
        The call's body: `nosys` and `incbad` for a light curve.
    awkward : frozenset of str
        What is lacking: a subset of `AWKWARD`.
    """
    if unknown := awkward.difference(AWKWARD):
        raise ValueError(f"no such awkward case: {', '.join(sorted(unknown))}; there are {', '.join(AWKWARD)}")
    return _ANSWERS[call](call, job, body, awkward)


def measured_position(call: str, job: ResultJob) -> tuple[float, float, float]:
    """Return right ascension and declination (deg, J2000) and error radius (arcsec, 90 %) of one of the positions.

    The position that the job started from lies within the error circle.
    """
    source, rng = XraySource(job), rng_for(job, call)
    radius = round(ERR90[call] * rng.uniform(0.95, 1.25), 1)
    distance, angle = radius * rng.uniform(0.05, 0.8) / 3600, rng.uniform(0.0, 2 * math.pi)
    dec = max(-90.0, min(90.0, source.dec + distance * math.sin(angle)))
    east = distance * math.cos(angle) / max(math.cos(math.radians(dec)), 1e-6)
    return round((source.ra + east) % 360.0, 5) % 360.0, round(dec, 5), radius


def standard_position_dat(job: ResultJob) -> str:
    """Return the contents of `results.dat`: one line, tab-separated; neither piled up nor fitted as such."""
    ra, dec, radius = measured_position("standard_position", job)
    row = (f"{ra:.5f}", f"{dec:.5f}", hms(ra), dms(dec), f"{radius:.1f}", "0", "1", "0")
    return "\t".join(row) + "\n"


def enhanced_position_txt(job: ResultJob) -> str:
    """Return the contents of `success.txt`: one field per line."""
    ra, dec, radius = measured_position("enhanced_position", job)
    about = (" ".join(job.name.split()), str(job.pars.get("targ", "")), "4", "2630.5", "0", "0")
    return "\n".join([*about, f"{ra:.5f}", f"{dec:.5f}", hms(ra), dms(dec), f"{radius:.1f}"]) + "\n"


def astrometric_position_dat(job: ResultJob) -> str:
    """Return the contents of `xastrom_corr.dat`: one line, tab-separated."""
    ra, dec, radius = measured_position("astrometric_position", job)
    return "\t".join((f"{ra:.5f}", f"{dec:.5f}", hms(ra), dms(dec), f"{radius:.1f}")) + "\n"


def hms(degrees: float) -> str:
    """Return a right ascension as hours, minutes and seconds."""
    hundredths = round(degrees % 360.0 / 15 * 360000) % 8640000
    return f"{hundredths // 360000:02d} {hundredths // 6000 % 60:02d} {hundredths % 6000 / 100:05.2f}"


def dms(degrees: float) -> str:
    """Return a declination as degrees, minutes and seconds."""
    tenths = round(abs(degrees) * 36000)
    return f"{'-' if degrees < 0 else '+'}{tenths // 36000:02d} {tenths // 600 % 60:02d} {tenths % 600 / 10:04.1f}"


def _position(call: str, job: ResultJob, _: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    if "no_position" in awkward:
        return {"GotPos": 0}
    ra, dec, radius = measured_position(call, job)
    found: Answer = {"GotPos": 1, "RA": f"{ra:.5f}", "Dec": f"{dec:.5f}", "Err90": f"{radius:.1f}"}
    if call == "enhanced_position":
        return found
    in_catalogue = truthy(job.pars.get("useSXPS"))
    catalogue = {"WhichSXPS": str(job.pars.get("whatSXPS", "2SXPS"))} if in_catalogue else {}
    return found | {"FromSXPS": int(in_catalogue)} | catalogue


def _light_curve(_: str, job: ResultJob, body: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    full = light_curve(job, body)
    if "empty_light_curve" not in awkward:
        return full
    return {"Datasets": [], **{key: full[key] for key in ("Binning", "TimeFormat", "T0")}}


def _spectral_fits(_: str, job: ResultJob, __: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    return spectral_fits(job, nofit="nofit" in awkward, nospec="nospec" in awkward)


def _source_list(_: str, job: ResultJob, __: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    """Return the sources of the field: the target in the middle, fainter ones around it, all values as strings."""
    rng = rng_for(job, "field")
    field = [] if "no_sources" in awkward else [_field_source(job, rank, rng) for rank in range(rng.randint(6, 14))]
    lists: Answer = {}
    for band in bands(job.pars):
        seen = [(one, round(counts * BAND_PARTS[band])) for one, counts in field]
        bright = sorted((pair for pair in seen if pair[1] >= LEAST_COUNTS), key=lambda pair: -pair[1])
        lists[band] = [{"sno": str(n), **one, "C": str(counts)} for n, (one, counts) in enumerate(bright, start=1)]
    return lists


def _field_source(job: ResultJob, rank: int, rng: Random) -> tuple[dict[str, str], int]:
    """Return one source's place, and its counts in the total band."""
    centre, counts = XraySource(job), round(1200 / (1 + rank) ** 1.5)
    reach = 1.0 / 3600 if rank == 0 else 0.16
    east, north = rng.uniform(-reach, reach), rng.uniform(-reach, reach)
    dec = max(-89.9999, min(89.9999, centre.dec + north))
    ra = (centre.ra + east / math.cos(math.radians(dec))) % 360.0
    error = 6.0 / math.sqrt(counts) / 3600
    longitude, latitude = galactic(ra, dec)
    values = {
        "x": 500.5 - east * 3600 / PIXEL,
        "y": 500.5 + north * 3600 / PIXEL,
        "ra": ra,
        "ra_pos": error,
        "ra_neg": -error,
        "dec": dec,
        "dec_pos": error,
        "dec_neg": -error,
        "err90": math.hypot(3.5, 1.6 * error * 3600),
        "l": longitude,
        "b": latitude,
    }
    return {key: f"{value:.10f}" for key, value in values.items()}, counts


def galactic(ra: float, dec: float) -> tuple[float, float]:
    """Return galactic longitude and latitude, deg, of a position in deg, J2000."""
    pole_ra, pole_dec, pole_longitude = map(math.radians, NORTH_GALACTIC_POLE)
    a, d = math.radians(ra) - pole_ra, math.radians(dec)
    b = math.asin(math.sin(d) * math.sin(pole_dec) + math.cos(d) * math.cos(pole_dec) * math.cos(a))
    y = math.cos(d) * math.sin(a)
    x = math.sin(d) * math.cos(pole_dec) - math.cos(d) * math.sin(pole_dec) * math.cos(a)
    return math.degrees(pole_longitude - math.atan2(y, x)) % 360.0, math.degrees(b)


_ANSWERS: Final[Mapping[str, Callable[[str, ResultJob, Mapping[str, Any], frozenset[str]], Answer]]] = {
    "standard_position": _position,
    "enhanced_position": _position,
    "astrometric_position": _position,
    "light_curve": _light_curve,
    "spectral_fits": _spectral_fits,
    "source_list": _source_list,
}

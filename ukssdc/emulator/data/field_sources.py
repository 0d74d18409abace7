"""The source list of a job: the target in the middle of the field, fainter sources around it."""

from __future__ import annotations

import math
from random import Random
from typing import Final

from ukssdc.emulator.data.selection import bands
from ukssdc.emulator.data.xray_source import ResultJob, XraySource, rng_for

PIXEL_SIZE: Final = 2.36
"""arcsec."""
MIN_COUNTS: Final = 8
BAND_FRACTIONS: Final = {"Total": 1.0, "Soft": 0.35, "Medium": 0.4, "Hard": 0.25}
NORTH_GALACTIC_POLE: Final = (192.85948, 27.12825, 122.93192)
"""Right ascension and declination (J2000), and galactic longitude of the north celestial pole, deg."""

SourceLists = dict[str, list[dict[str, str]]]
"""Band -> its sources, brightest first, all values as strings."""


def source_list(job: ResultJob, *, empty: bool = False) -> SourceLists:
    """Return the answer to a call for the source list; with `empty`, no sources in any band."""
    rng = rng_for(job, "field")
    field = [] if empty else [_field_source(job, rank, rng) for rank in range(rng.randint(6, 14))]
    lists: SourceLists = {}
    for band in bands(job.pars):
        in_band = [(source, round(counts * BAND_FRACTIONS[band])) for source, counts in field]
        bright = sorted((pair for pair in in_band if pair[1] >= MIN_COUNTS), key=lambda pair: -pair[1])
        lists[band] = [
            {"sno": str(n), **source, "C": str(counts)} for n, (source, counts) in enumerate(bright, start=1)
        ]
    return lists


def _field_source(job: ResultJob, rank: int, rng: Random) -> tuple[dict[str, str], int]:
    """Return one source's position columns, and its counts in the total band."""
    centre, counts = XraySource(job), round(1200 / (1 + rank) ** 1.5)
    reach = 1.0 / 3600 if rank == 0 else 0.16
    east, north = rng.uniform(-reach, reach), rng.uniform(-reach, reach)
    dec = max(-89.9999, min(89.9999, centre.dec + north))
    ra = (centre.ra + east / math.cos(math.radians(dec))) % 360.0
    error = 6.0 / math.sqrt(counts) / 3600
    longitude, latitude = galactic(ra, dec)
    values = {
        "x": 500.5 - east * 3600 / PIXEL_SIZE,
        "y": 500.5 + north * 3600 / PIXEL_SIZE,
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

"""Places on the sky: offsets on the tangent plane, and coordinates as astronomers write them."""

from __future__ import annotations

import math


def offset(ra: float, dec: float, centre: tuple[float, float]) -> tuple[float, float]:
    """Return the offset of a place from a centre to the east and to the north, on the tangent plane.

    Parameters
    ----------
    ra, dec : float
        deg J2000.
    centre : (float, float)
        RA and Dec, deg J2000.

    Returns
    -------
    (float, float)
        arcsec.
    """
    hour_angle, dec0, dec1 = (math.radians(angle) for angle in (ra - centre[0], centre[1], dec))
    scale = math.sin(dec0) * math.sin(dec1) + math.cos(dec0) * math.cos(dec1) * math.cos(hour_angle)
    east = math.cos(dec1) * math.sin(hour_angle) / scale
    north = (math.cos(dec0) * math.sin(dec1) - math.sin(dec0) * math.cos(dec1) * math.cos(hour_angle)) / scale
    return math.degrees(east) * 3600, math.degrees(north) * 3600


def sexagesimal(ra: float, dec: float) -> tuple[str, str]:
    """Return RA as "hh mm ss.ss" and Dec as "+dd mm ss.s"; deg J2000."""
    hundredths = round(ra % 360 / 15 * 360_000) % (24 * 360_000)
    tenths = round(abs(dec) * 36_000)
    return (
        f"{hundredths // 360_000:02d} {hundredths // 6000 % 60:02d} {hundredths % 6000 / 100:05.2f}",
        f"{'-' if dec < 0 else '+'}{tenths // 36_000:02d} {tenths // 600 % 60:02d} {tenths % 600 / 10:04.1f}",
    )

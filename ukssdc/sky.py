"""Places on the sky: offsets on the tangent plane."""

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

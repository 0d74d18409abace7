"""Coordinates in sexagesimal notation, as astronomers write them."""

from __future__ import annotations


def sexagesimal(ra: float, dec: float) -> tuple[str, str]:
    """Return right ascension and declination in sexagesimal notation.

    Parameters
    ----------
    ra, dec : float
        deg J2000.

    Returns
    -------
    (str, str)
        RA as "hh mm ss.ss" (h, min, s) and Dec as "+dd mm ss.s" (deg, arcmin, arcsec), rounded.
    """
    hundredths = round(ra % 360 / 15 * 360_000) % (24 * 360_000)
    tenths = round(abs(dec) * 36_000)
    return (
        f"{hundredths // 360_000:02d} {hundredths // 6000 % 60:02d} {hundredths % 6000 / 100:05.2f}",
        f"{'-' if dec < 0 else '+'}{tenths // 36_000:02d} {tenths // 600 % 60:02d} {tenths % 600 / 10:04.1f}",
    )

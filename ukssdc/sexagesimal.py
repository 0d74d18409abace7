"""Coordinates in sexagesimal notation, as astronomers write them."""

from __future__ import annotations

import re

SIGNS = {"\u2212": "-", "\u2010": "-", "\u2013": "-"}
FORM = re.compile(
    r"(?P<sign>[-+]?)\s*(?P<whole>\d{1,3})\s*(?P<unit>[hd\u00b0]|:|\s)\s*(?P<minutes>\d{1,2}(?:\.\d*)?)\s*[m:'\u2032]?\s*"
    r"(?:(?P<seconds>\d{1,2}(?:\.\d*)?)\s*(?:s|\"|\u2033|'')?)?"
)


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


def read_sexagesimal(text: str) -> tuple[float, str] | None:
    """Read an angle in sexagesimal notation: "22 22 47.6", "22:22:47.6", "22h22m47.6s", "-07d31m04s".

    Returns
    -------
    (float, str) or None
        The angle in what its first number counts, and what that is: "h", "d", or "" where the text does not say. None
        where the text is no such angle: 60 minutes or seconds are none.
    """
    for sign, plain in SIGNS.items():
        text = text.replace(sign, plain)
    found = FORM.fullmatch(text.strip())
    if found is None:
        return None
    minutes, seconds = float(found["minutes"]), float(found["seconds"] or 0)
    if minutes >= 60 or seconds >= 60 or (found["seconds"] and not minutes.is_integer()):  # noqa: PLR2004
        return None
    angle = int(found["whole"]) + minutes / 60 + seconds / 3600
    unit = found["unit"].replace("\u00b0", "d")
    return (-angle if found["sign"] == "-" else angle), (unit if unit in {"h", "d"} else "")

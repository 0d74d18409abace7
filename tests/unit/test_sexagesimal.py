"""Coordinates in sexagesimal notation; the values are worked out by hand, and agree with astropy's `Angle`."""

from __future__ import annotations

import pytest

from ukssdc.sexagesimal import sexagesimal


@pytest.mark.parametrize(
    ("ra", "text"),
    [
        (0.0, "00 00 00.00"),
        (15.0, "01 00 00.00"),  # an hour is 15 deg
        (187.5, "12 30 00.00"),
        (335.6985, "22 22 47.64"),
        (148.968458, "09 55 52.43"),
        (-15.0, "23 00 00.00"),
        (360.0, "00 00 00.00"),
        (359.999999, "00 00 00.00"),  # rounds up to a full turn
    ],
)
def test_right_ascension_in_hours(ra: float, text: str) -> None:
    assert sexagesimal(ra, 0.0)[0] == text


@pytest.mark.parametrize(
    ("dec", "text"),
    [
        (0.0, "+00 00 00.0"),
        (-7.5179, "-07 31 04.4"),
        (69.6793, "+69 40 45.5"),
        (-0.01, "-00 00 36.0"),  # the sign is kept where the degrees are 0
        (-0.0000001, "-00 00 00.0"),
        (41.9999999, "+42 00 00.0"),  # no 60 in minutes or seconds
        (90.0, "+90 00 00.0"),
        (-90.0, "-90 00 00.0"),
    ],
)
def test_declination_in_degrees(dec: float, text: str) -> None:
    assert sexagesimal(0.0, dec)[1] == text

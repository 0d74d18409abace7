"""Which times and counts are refused, and in which words."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ukssdc.errors import InvalidOptions
from ukssdc.limits import validate_limits

EMULATOR = "http://127.0.0.1:8951/user_objects"
SERVICE = "https://service.invalid/user_objects"
GOOD: dict[str, Any] = {"interval": 60.0, "max_wait": 86400.0, "no_status_polls": 3}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"interval": 0}, r"^interval is 0: give a time in s, above 0"),
        ({"interval": math.nan}, r"^interval is nan: give a time in s"),
        ({"max_wait": -1}, r"^max_wait is -1: give a time in s, above 0"),
        ({"max_wait": math.inf}, r"^max_wait is inf: give a time in s"),
        ({"max_wait": 1e300}, r"^max_wait is 1e\+300: give a time in s"),
        ({"no_status_polls": 0}, r"^no_status_polls is 0: give a count, at least 1$"),
        ({"interval": -5, "max_wait": -1}, r"(?s)^interval is -5: .*\nmax_wait is -1: "),
    ],
)
@pytest.mark.parametrize("base_url", [EMULATOR, SERVICE, None])
def test_times_and_counts_that_make_no_sense_are_refused(
    wrong: dict[str, float], message: str, base_url: str | None
) -> None:
    with pytest.raises(InvalidOptions, match=message):
        validate_limits(**GOOD | wrong, base_url=base_url)


@pytest.mark.parametrize("interval", [5.0, 59.9])
def test_only_an_emulator_on_this_machine_may_be_polled_more_often_than_once_a_minute(interval: float) -> None:
    for base_url in (EMULATOR, None):  # None: where the service is, is known later
        validate_limits(**GOOD | {"interval": interval}, base_url=base_url)

    with pytest.raises(InvalidOptions, match="which is too short: the service asks not to be polled more often than"):
        validate_limits(**GOOD | {"interval": interval}, base_url=SERVICE)


def test_a_minute_is_long_enough() -> None:
    validate_limits(**GOOD, base_url=SERVICE)

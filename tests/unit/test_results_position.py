"""Positions as the service sends them (protocol, section 2; the numbers are those of its own documentation)."""

from __future__ import annotations

from typing import Any

import pytest

from ukssdc import ProtocolError
from ukssdc.results import Position

STANDARD = {"GotPos": 1, "RA": "335.69850", "Dec": "-7.51788", "Err90": "3.5", "FromSXPS": 0}
ENHANCED = {"GotPos": 1, "RA": "335.69928", "Dec": "-7.51816", "Err90": "1.7"}


def test_a_position_that_comes_as_strings_is_read_as_numbers() -> None:
    position = Position.from_wire(STANDARD)

    assert position == Position(ra=335.6985, dec=-7.51788, err90=3.5, from_sxps=False)
    assert position.found


def test_an_enhanced_position_does_not_say_whether_it_is_from_a_catalogue() -> None:
    assert Position.from_wire(ENHANCED) == Position(ra=335.69928, dec=-7.51816, err90=1.7)


def test_a_position_from_a_catalogue_names_it() -> None:
    position = Position.from_wire(STANDARD | {"FromSXPS": 1, "WhichSXPS": "2SXPS"})

    assert (position.from_sxps, position.which_sxps) == (True, "2SXPS")


@pytest.mark.parametrize("flag", [0, "0", False])
def test_no_position_says_so(flag: Any) -> None:
    position = Position.from_wire({"OK": 1, "GotPos": flag})

    assert not position.found
    assert (position.ra, position.dec, position.err90) == (None, None, None)
    assert position.reason == "The service could not determine a position."


def test_the_services_own_reason_is_kept() -> None:
    assert Position.from_wire({"GotPos": 0, "Reason": "No XRT-UVOT overlaps"}).reason == "No XRT-UVOT overlaps"


def test_a_position_in_words() -> None:
    assert str(Position.from_wire(STANDARD)) == (
        "RA 335.69850, Dec -7.51788 (J2000, deg), error radius 3.5 arcsec (90 %)"
    )


def test_no_position_in_words() -> None:
    assert str(Position.from_wire({"GotPos": 0, "Reason": "too faint"})) == "no position: too faint"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({}, "GotPos is missing"),
        ({"GotPos": "perhaps"}, "GotPos is no number: 'perhaps'"),
        ({"GotPos": 1, "Dec": "1", "Err90": "1"}, "RA is missing or no number"),
        ({"GotPos": 1, "RA": "east", "Dec": "1", "Err90": "1"}, "RA is no number: 'east'"),
        ({"GotPos": 1, "RA": "nan", "Dec": "1", "Err90": "1"}, "RA is missing or no number"),
        ({"GotPos": 1, "RA": "1", "Dec": "1", "Err90": [1]}, "Err90 is no number"),
        ([], "expected a JSON object"),
        ("GotPos", "expected a JSON object"),
    ],
)
def test_what_cannot_be_read_is_named(answer: Any, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem) as caught:
        Position.from_wire(answer, at="http://127.0.0.1/tprods/getPSFPos.php")

    assert str(caught.value).startswith("the position: ")
    assert caught.value.url == "http://127.0.0.1/tprods/getPSFPos.php"


def test_a_position_survives_json() -> None:
    position = Position.from_wire(STANDARD)

    assert Position.model_validate_json(position.model_dump_json()) == position

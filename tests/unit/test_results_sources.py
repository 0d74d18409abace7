"""Source lists as the service sends them: all values are strings (protocol, section 2)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ukssdc import ProtocolError
from ukssdc.results import SourceList

# The first source of the service's own example.
SOURCE = {
    "sno": "1",
    "x": "503.9997227258",
    "y": "470.3955699394",
    "ra": "32.1512120191",
    "ra_pos": "2.28992155234127e-07",
    "ra_neg": "-2.28992155234127e-07",
    "dec": "56.9457053386",
    "err90": "3.50000005791013",
    "l": "133.343725932081",
    "b": "-4.35794339989909",
    "C": "1236",
}
SECOND = {"sno": "2", "ra": "32.2", "dec": "56.9", "flag": "Good", "C": "80"}


def test_numbers_are_numbers() -> None:
    source = SourceList.from_wire({"Total": [SOURCE]}).bands["Total"][0]

    assert (source.number, source.ra, source.dec, source.err90) == (1, 32.1512120191, 56.9457053386, 3.50000005791013)
    assert source.values == {
        "sno": 1,
        "x": 503.9997227258,
        "y": 470.3955699394,
        "ra": 32.1512120191,
        "ra_pos": 2.28992155234127e-07,
        "ra_neg": -2.28992155234127e-07,
        "dec": 56.9457053386,
        "err90": 3.50000005791013,
        "l": 133.343725932081,
        "b": -4.35794339989909,
        "C": 1236,
    }


def test_counts_are_whole_numbers() -> None:
    values = SourceList.from_wire({"Total": [SOURCE]}).bands["Total"][0].values

    assert {name: type(value) for name, value in values.items() if name in ("sno", "C", "x")} == {
        "sno": int,
        "C": int,
        "x": float,
    }


def test_what_is_no_number_stays_a_text() -> None:
    assert SourceList.from_wire({"Total": [SECOND]}).bands["Total"][0].values["flag"] == "Good"


def test_all_bands_are_read_in_their_order() -> None:
    sources = SourceList.from_wire({"Total": [SOURCE, SECOND], "Soft": [SOURCE], "Medium": [], "Hard": [SECOND]})

    assert {band: [source.number for source in found] for band, found in sources.bands.items()} == {
        "Total": [1, 2],
        "Soft": [1],
        "Medium": [],
        "Hard": [2],
    }
    assert len(sources) == 4


def test_a_key_that_is_no_band_is_ignored() -> None:
    answer = {"OK": 1, "APIVersion": "1.12", "deprecationWarning": {"type": "x", "message": "y"}, "Total": [SOURCE]}

    assert list(SourceList.from_wire(answer).bands) == ["Total"]


def test_an_empty_field_is_no_error() -> None:
    sources = SourceList.from_wire({"Total": []})

    assert sources.bands == {"Total": ()}
    assert len(sources) == 0


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({}, "the source list: there is no band"),
        ({"Total": "none"}, "the source list: Total is missing or no list"),
        ({"Total": [SOURCE, "x"]}, "the source list, Total, source 2: expected a JSON object"),
        ({"Total": [SOURCE | {"ra": "east"}]}, "the source list, Total, source 1: ra is no number: 'east'"),
        ({"Hard": [{"ra": "1"}]}, "the source list, Hard, source 1: dec is missing or no number"),
    ],
)
def test_what_cannot_be_read_is_named(answer: Any, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        SourceList.from_wire(answer)


def test_a_frame_has_a_row_per_detection_and_the_services_columns() -> None:
    frame = SourceList.from_wire({"Total": [SOURCE, SECOND], "Hard": [SOURCE]}).to_pandas()

    assert list(frame["Band"]) == ["Total", "Total", "Hard"]
    assert list(frame.columns) == ["Band", *SOURCE, "flag"]
    assert list(frame["C"]) == [1236, 80, 1236]
    assert list(frame["flag"]) == ["", "Good", ""]
    assert math.isnan(frame["err90"][1])


def test_a_table_knows_its_units() -> None:
    table = SourceList.from_wire({"Total": [SOURCE]}).to_table()

    assert {name: str(table[name].unit) for name in ("ra", "dec", "l", "b", "err90", "x", "C")} == {
        "ra": "deg",
        "dec": "deg",
        "l": "deg",
        "b": "deg",
        "err90": "arcsec",
        "x": "pix",
        "C": "ct",
    }
    assert table["ra"][0] == 32.1512120191

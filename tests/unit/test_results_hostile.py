"""Whatever comes in place of a result: it is read, or it is a `ProtocolError`; nothing else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ukssdc import ProtocolError
from ukssdc.results import LightCurveData, Position, SourceList, SpectralFits

Result = type[Position] | type[LightCurveData] | type[SpectralFits] | type[SourceList]

RESULTS: tuple[Result, ...] = (Position, LightCurveData, SpectralFits, SourceList)
# Names that mean something, so that the inside is reached.
NAMES = ["PC", "PCUL", "WT_nosys", "interval0", "PowerLaw", "Time", "Rate", "UpperLimit", "ObsID", "", "_incbad"]
KEYS = [
    *["GotPos", "RA", "Dec", "Err90", "FromSXPS", "Reason", "Datasets", "PCData", "PCULData", "columns", "data", "URL"],
    *["T0", "TimeFormat", "Binning", "rnames", "interval0", "Modes", "PC", "Models", "PowerLaw", "NOFIT", "NOSPEC"],
    *["Gamma", "GammaPos", "NH", "Image", "DeltaFitStat", "Total", "Hard", "ra", "dec", "err90", "sno", "Data"],
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*NAMES, "1", "-2.5", "nan", "inf", "1_0", "٣", "NOFIT"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(st.sampled_from(NAMES), max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("result", RESULTS)
@given(answer=JSON)
def test_any_json_is_read_or_is_a_protocol_error(result: Result, answer: Any) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(result.from_wire(answer), result)


CELL: st.SearchStrategy[Any] = st.sampled_from(
    ["1", "2.5", "-3", "nan", "inf", "", "x", None, 4, 5.5, True, [], 10**400]
)
ROWS = st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=4)


@given(
    name=st.sampled_from(NAMES),
    columns=st.lists(st.sampled_from(NAMES), min_size=2, max_size=4),
    rows=ROWS,
)
def test_any_table_is_read_or_is_a_protocol_error(name: str, columns: list[str], rows: list[list[Any]]) -> None:
    answer = {"Datasets": [name], f"{name}Data": {"columns": columns, "data": rows}}

    with contextlib.suppress(ProtocolError):
        dataset = LightCurveData.from_wire(answer)[name]
        assert len(dataset.value) == len(dataset.time) == len(rows)


@pytest.mark.parametrize("result", RESULTS)
def test_an_error_shows_only_the_start_of_a_long_answer(result: Result) -> None:
    with pytest.raises(ProtocolError) as caught:
        result.from_wire({"Unexpected": "x" * 10_000})

    assert caught.value.start == json.dumps({"Unexpected": "x" * 10_000})[:200]
    assert len(str(caught.value)) < 400

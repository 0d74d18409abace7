"""Light curves as the service sends them (protocol, section 6; the bins are those of its own documentation)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ukssdc import ProtocolError
from ukssdc.results import Dataset, DatasetKind, LightCurveData

TIME = ["Time", "TimePos", "TimeNeg"]
PLAIN = [*TIME, "Rate", "RatePos", "RateNeg", "FracExp", "BGrate", "BGerr", "CorrFact", "CtsInSrc", "BGInSrc"]
PLAIN += ["Exposure", "Sigma", "SNR"]
PC_ROWS = """
231.329 9.456 -10.603 2.492634 0.547598 -0.547598 1.0 0.006904 0.003088 2.396688 21.0 0.138491 20.058508 336.8 4.551939
254.712 8.638 -13.928 2.458382 0.502403 -0.502403 1.0 0.001227 0.001227 2.314148 24.0 0.027698 22.56584 865.5 4.893247
"""
LIMIT = (
    "246742.809 172770.106 -96881.981 0.001821 0.0 0.0 0.0364 0.000125 0.000005 1.6836 3.0 1.2247 9811.0649 1.4103 inf"
)
ANSWER: dict[str, Any] = {
    "OK": 1,
    "APIVersion": "1.12",
    "Datasets": ["PC_incbad", "PCUL_incbad", "PCHard", "PCHR"],
    "PC_incbadData": {
        "columns": PLAIN,
        "data": [row.split() for row in PC_ROWS.split("\n") if row],
        "URL": "https://x/PCCURVE_incbad.qdp",
    },
    "PCUL_incbadData": {"columns": PLAIN, "data": [LIMIT.split()]},
    "PCHardData": {
        "columns": [*TIME, "Rate", "RateErr"],
        "data": [["243.520", "19.831", "-22.794", "1.323371", "0.271083"]],
    },
    "PCHRData": {"columns": [*TIME, "HR", "HRErr"], "data": [["243.520", "19.831", "-22.794", "1.149509", "0.344784"]]},
    "Binning": "Counts",
    "TimeFormat": "MET",
    "T0": 672786064,
}


def curve(**changes: Any) -> LightCurveData:
    return LightCurveData.from_wire(ANSWER | changes)


def one(name: str, columns: list[str], *rows: list[Any]) -> Dataset:
    data = {"columns": columns, "data": list(rows)}
    return LightCurveData.from_wire({"Datasets": [name], f"{name}Data": data})[name]


def test_a_light_curve_knows_its_binning_and_its_times() -> None:
    read = curve()

    assert (read.binning, read.time_format, read.t0, read.time_unit) == ("Counts", "MET", 672786064.0, "s")


@pytest.mark.parametrize(("time_format", "unit"), [("MET", "s"), ("Swift MET", "s"), ("MJD", "d"), ("TDB", "d")])
def test_the_unit_of_the_times_follows_from_their_format(time_format: str, unit: str) -> None:
    assert curve(TimeFormat=time_format).time_unit == unit


def test_times_of_an_unknown_format_have_no_unit() -> None:
    answer = {key: value for key, value in ANSWER.items() if key not in ("TimeFormat", "T0", "Binning")}

    read = LightCurveData.from_wire(answer)

    assert (read.time_format, read.time_unit, read.t0, read.binning) == (None, None, None, None)


def test_datasets_keep_their_names_and_order() -> None:
    assert list(curve().datasets) == ["PC_incbad", "PCUL_incbad", "PCHard", "PCHR"]


def test_rates_are_numbers_with_signed_errors() -> None:
    rates = curve()["PC_incbad"]

    assert rates.time == (231.329, 254.712)
    assert rates.time_pos == (9.456, 8.638)
    assert rates.time_neg == (-10.603, -13.928)
    assert rates.value == (2.492634, 2.458382)
    assert rates.value_pos == (0.547598, 0.502403)
    assert rates.value_neg == (-0.547598, -0.502403)
    assert rates.columns["CtsInSrc"] == (21.0, 24.0)
    assert rates.url == "https://x/PCCURVE_incbad.qdp"
    assert len(rates) == 2


def test_upper_limits_are_no_detections() -> None:
    read = curve()

    assert [dataset.name for dataset in read.detections] == ["PC_incbad"]
    assert [dataset.name for dataset in read.upper_limits] == ["PCUL_incbad"]


def test_an_upper_limit_is_in_a_column_of_its_own_name() -> None:
    limits = curve()["PCUL_incbad"]

    assert limits.columns["UpperLimit"] == limits.value == (0.001821,)
    assert "Rate" not in limits.columns
    assert limits.columns["SNR"] == (math.inf,)


def test_symmetric_errors_hold_both_ways() -> None:
    hard = curve()["PCHard"]

    assert (hard.value, hard.value_pos, hard.value_neg) == ((1.323371,), (0.271083,), (-0.271083,))


def test_a_hardness_ratio_has_its_own_columns() -> None:
    (ratio,) = curve().hardness_ratios

    assert (ratio.value, ratio.value_pos, ratio.value_neg) == ((1.149509,), (0.344784,), (-0.344784,))


@pytest.mark.parametrize(
    ("name", "mode", "kind", "nosys", "incbad"),
    [
        ("WT", "WT", DatasetKind.RATE, False, False),
        ("PCUL", "PC", DatasetKind.UPPER_LIMIT, False, False),
        ("WT_nosys", "WT", DatasetKind.RATE, True, False),
        ("WTUL_nosys_incbad", "WT", DatasetKind.UPPER_LIMIT, True, True),
        ("PC_incbad", "PC", DatasetKind.RATE, False, True),
    ],
)
def test_a_name_tells_what_a_dataset_is(name: str, mode: str, kind: DatasetKind, nosys: bool, incbad: bool) -> None:
    dataset = one(name, ["Time", "Rate"], ["1", "2"])

    assert (dataset.mode, dataset.kind, dataset.nosys, dataset.incbad) == (mode, kind, nosys, incbad)


def test_a_dataset_without_errors_has_nan_for_them() -> None:
    dataset = one("PC", ["Time", "Rate"], ["1", "2"], ["3", "4"])

    assert all(map(math.isnan, dataset.time_pos + dataset.time_neg + dataset.value_pos + dataset.value_neg))
    assert len(dataset.time_pos) == len(dataset.value_neg) == 2


@pytest.mark.parametrize("cell", [None, "", "nan", "NaN"])
def test_an_empty_cell_is_nan(cell: Any) -> None:
    assert math.isnan(one("PC", ["Time", "Rate"], ["1", cell]).value[0])


def test_cells_may_be_numbers() -> None:
    assert one("PC", ["Time", "Rate"], [1, 2.5]).value == (2.5,)


@pytest.mark.parametrize("cell", ["::ObsID=00966554001", "966554001", 966554001])
def test_obsids_keep_their_zeros(cell: Any) -> None:
    assert one("PC", ["Time", "Rate", "ObsID"], ["1", "2", cell]).labels == {"ObsID": ("00966554001",)}


def test_a_light_curve_without_bins_is_empty() -> None:
    read = LightCurveData.from_wire({"Datasets": [], "TimeFormat": "MET"})

    assert (len(read), read.datasets, read.detections) == (0, {}, ())


def test_a_dataset_without_bins_is_empty() -> None:
    assert one("PC", PLAIN).value == ()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({}, "the light curve: Datasets is missing or no list"),
        ({"Datasets": [1]}, "the light curve: Datasets is no list of names"),
        ({"Datasets": ["PC"]}, "the light curve: PCData is missing or no object"),
        ({"Datasets": ["PC"], "PCData": {"data": []}}, "the light curve, PC: columns is missing or no list"),
        (
            {"Datasets": ["PC"], "PCData": {"columns": ["Time", "Rate"]}},
            "the light curve, PC: data is missing or no list",
        ),
        ({"Datasets": ["PC"], "PCData": {"columns": ["Time"], "data": []}}, "PC: there is no column Rate"),
        ({"Datasets": ["PCHR"], "PCHRData": {"columns": ["Rate"], "data": []}}, "there is no column Time or HR"),
        (
            {"Datasets": ["PC"], "PCData": {"columns": ["Time", "Rate"], "data": [["1", "2"], ["3"]]}},
            "the light curve, PC: row 2 does not have 2 cells",
        ),
        (
            {"Datasets": ["PC"], "PCData": {"columns": ["Time", "Rate"], "data": [["1", "bright"]]}},
            "the light curve, PC: column Rate holds something that is no number: .*bright",
        ),
    ],
)
def test_what_cannot_be_read_is_named(answer: Any, problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        LightCurveData.from_wire(answer)


def test_a_datasets_frame_has_the_services_columns() -> None:
    frame = curve()["PC_incbad"].to_pandas()

    assert list(frame.columns) == PLAIN
    assert list(frame["Rate"]) == [2.492634, 2.458382]


def test_the_frame_of_a_light_curve_has_all_bins() -> None:
    frame = curve().to_pandas()

    assert list(frame["Dataset"]) == ["PC_incbad", "PC_incbad", "PCUL_incbad", "PCHard", "PCHR"]
    assert list(frame["UpperLimit"].dropna()) == [0.001821]
    assert list(frame["Rate"].dropna()) == [2.492634, 2.458382, 1.323371]
    assert list(frame["HR"].dropna()) == [1.149509]


@pytest.mark.parametrize(("time_format", "unit"), [("MET", "s"), ("MJD", "d")])
def test_a_table_knows_its_units(time_format: str, unit: str) -> None:
    table = curve(TimeFormat=time_format).to_table()

    units = {name: str(table[name].unit) for name in ("Time", "TimeNeg", "Rate", "UpperLimit", "Exposure", "CtsInSrc")}
    assert units == {
        "Time": unit,
        "TimeNeg": unit,
        "Rate": "ct / s",
        "UpperLimit": "ct / s",
        "Exposure": "s",
        "CtsInSrc": "ct",
    }
    assert table["HR"].unit is None
    assert {name: table.meta[name] for name in ("Binning", "TimeFormat", "T0")} == {
        "Binning": "Counts",
        "TimeFormat": time_format,
        "T0": 672786064.0,
    }


def test_a_light_curve_survives_json_with_its_infinities() -> None:
    read = curve()

    again = LightCurveData.model_validate_json(read.model_dump_json())

    assert again == read
    assert again["PCUL_incbad"].columns["SNR"] == (math.inf,)

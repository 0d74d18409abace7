"""Results as tables with units, and as files: ECSV, FITS and QDP, read back with astropy."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from astropy import units
from astropy.io import fits as astropy_fits
from astropy.table import QTable, Table
from astropy.time import Time
from looks import RATES, RATIOS, afterglow, dataset, fits, light_curve, persistent, positions, sources

from ukssdc.results import EnergyBands, LightCurveData, TimeFormat
from ukssdc.results.job_result import TableResult
from ukssdc.times import met_to_utc

PARAMETERS = {"minen": "0.5", "maxen": "8", "soft1": 0.5, "soft2": 2, "hard1": 2, "hard2": 8}
ALL_RESULTS: dict[str, TableResult] = {
    "light curve": afterglow(),
    "dataset": afterglow()["PC"],
    "fits": fits(),
    "position": next(iter(positions().values())),
    "sources": sources(3),
}
each_result = pytest.mark.parametrize("result", ALL_RESULTS.values(), ids=ALL_RESULTS)


def read_back(result: TableResult, path: Path) -> Table:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Table.read(result.write(path))


def cells(column: Any) -> list[Any]:
    """Return the cells of a column; one that is missing, or empty, is None."""
    return [None if cell != cell or cell == "" else cell for cell in column.tolist()]  # noqa: PLR0124 - NaN


@each_result
@pytest.mark.parametrize("ending", ["ecsv", "fits"])
def test_a_table_survives_the_way_through_a_file(result: TableResult, ending: str, tmp_path: Path) -> None:
    table, read = result.to_table(), read_back(result, tmp_path / f"table.{ending}")

    assert read.colnames == table.colnames
    assert [column.unit for column in read.itercols()] == [column.unit for column in table.itercols()]
    for name in table.colnames:
        assert cells(read[name]) == cells(table[name])


@each_result
def test_a_table_becomes_quantities(result: TableResult) -> None:
    table = QTable(result.to_table())

    assert any(isinstance(column, units.Quantity) for column in table.itercols())


def test_ecsv_says_what_the_times_and_the_rates_are(tmp_path: Path) -> None:
    meta = read_back(afterglow().of_job(PARAMETERS), tmp_path / "curve.ecsv").meta

    assert {key: meta[key] for key in ("TimeFormat", "T0", "T0_UTC", "Band", "SoftBand", "HardBand")} == {
        "TimeFormat": "MET",
        "T0": 608713541.952,
        "T0_UTC": "2020-04-16T07:05:36",
        "Band": "0.5-8 keV",
        "SoftBand": "0.5-2 keV",
        "HardBand": "2-8 keV",
    }
    assert meta["Times"].startswith("s since T0")
    assert "half a minute" in meta["T0_UTC_note"]


def test_a_dataset_alone_says_the_same_and_which_it_is(tmp_path: Path) -> None:
    table = read_back(persistent().of_job(PARAMETERS)["PC"], tmp_path / "pc.ecsv")

    assert (table.meta["Dataset"], table.meta["Mode"], table.meta["Kind"], table.meta["Band"]) == (
        *("PC", "PC", "rate"),
        "0.5-8 keV",
    )
    assert table["Time"].unit == units.d
    assert table["Rate"].unit == units.ct / units.s


@pytest.mark.parametrize(
    ("curve", "system", "moment"),
    [(afterglow(), "TT", "2020-04-16T07:07:16"), (persistent(), "UTC", "2016-01-13T00:00:00")],
    ids=["MET", "MJD"],
)
def test_a_fits_header_gives_the_times_an_absolute_zero(
    curve: LightCurveData, system: str, moment: str, tmp_path: Path
) -> None:
    header = astropy_fits.getheader(curve.write(tmp_path / "curve.fits"), 1)
    (first, *_) = Table.read(tmp_path / "curve.fits")["Time"].tolist()
    days = {"s": 86400.0, "d": 1.0}[header["TIMEUNIT"]]

    time = Time(
        header["MJDREFI"] + header["MJDREFF"] + header["TIMEZERO"] / days,
        first / days,
        format="mjd",
        scale=system.lower(),
    )

    assert header["TIMESYS"] == system
    assert time.utc.isot.partition(".")[0] == moment


def test_a_qdp_file_has_a_group_for_each_dataset_of_rates_and_limits(tmp_path: Path) -> None:
    path = afterglow().write(tmp_path / "curve.qdp")

    groups = [Table.read(path, format="ascii.qdp", table_id=number, names=["Time", "Rate"]) for number in range(3)]

    assert [len(group) for group in groups] == [4, 4, 1]
    assert groups[0]["Time_perr"].tolist() == [5.0] * 4
    assert groups[1]["Rate_nerr"].tolist() == pytest.approx([-0.15 * (t / 300) ** -1.2 for t in (300, 1e3, 7e3, 3e4)])
    assert groups[2].colnames == groups[0].colnames
    assert groups[2]["Rate_perr"].tolist() == [0.0]


def test_a_hardness_ratio_is_a_qdp_file_of_its_own(tmp_path: Path) -> None:
    path = afterglow()["WTHR"].write(tmp_path / "ratio.qdp")

    assert "HR\tHRPos\tHRNeg" in path.read_text()
    assert "100.0\t5.0\t-5.0\t1.2\t0.3\t-0.3" in path.read_text()


def test_a_missing_number_is_no_in_qdp(tmp_path: Path) -> None:
    curve = light_curve(PC=dataset(RATES, (10.0, 1.0, -1.0, 0.5, float("nan"), -0.1)))

    assert "10.0\t1.0\t-1.0\t0.5\tNO\t-0.1" in curve.write(tmp_path / "curve.QDP").read_text()


def test_a_name_from_the_service_begins_no_line_of_a_qdp_file(tmp_path: Path) -> None:
    data = afterglow()["PC"].model_copy(update={"name": "PC\n@evil\r1 2 3"})

    assert [line for line in data.write(tmp_path / "curve.qdp").read_text().splitlines() if "evil" in line] == [
        "! PC @evil 1 2 3: rate"
    ]


def test_a_file_that_is_there_is_only_replaced_on_request(tmp_path: Path) -> None:
    path = persistent().write(tmp_path / "curve.qdp")

    with pytest.raises(FileExistsError, match="overwrite=True"):
        afterglow().write(path)
    afterglow().write(path, overwrite=True)
    assert "WT" in path.read_text()


@pytest.mark.parametrize(
    ("result", "name", "endings"),
    [(fits(), "fits.qdp", r"\.ecsv or \.fits$"), (afterglow(), "curve.txt", r"\.ecsv or \.fits or \.qdp$")],
)
def test_a_name_that_asks_for_something_else_is_refused(
    result: TableResult, name: str, endings: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=endings):
        result.write(tmp_path / name)


def test_a_position_that_was_not_found_is_a_row_without_numbers() -> None:
    table = type(next(iter(positions().values())))(reason="too faint").to_table()

    assert (len(table), table.meta["Reason"], str(table["RA"][0])) == (1, "too faint", "nan")


@pytest.mark.parametrize(
    ("given", "known", "unit"),
    [("MET", TimeFormat.MET, "s"), ("mjd", TimeFormat.MJD, "d"), ("TDB", TimeFormat.TDB, "d"), ("Other", "Other", "s")],
)
def test_a_time_format_says_its_unit_and_what_it_means(given: str, known: Any, unit: str) -> None:
    curve = light_curve(given, PC=dataset(RATES, (10.0, 1.0, -1.0, 0.5, 0.1, -0.1)))

    assert curve.time_format == curve["PC"].time_format == known
    assert curve.time_unit == curve["PC"].time_unit == unit
    assert LightCurveData.model_validate_json(curve.model_dump_json()) == curve
    if isinstance(known, TimeFormat):
        assert isinstance(curve.time_format, TimeFormat)
        assert curve.to_table().meta["Times"] == known.meaning


def test_bands_are_the_defaults_where_the_job_does_not_say() -> None:
    curve = light_curve(PCHR=dataset(RATIOS, (1.0, 0.1, -0.1, 1.0, 0.1))).of_job({"minen": "?", "maxen": None})

    assert curve.bands == EnergyBands(total=(0.3, 10.0), soft=(0.3, 1.5), hard=(1.5, 10.0))


@pytest.mark.parametrize(
    ("met", "utc"),
    [
        (0.0, datetime(2001, 1, 1, tzinfo=UTC)),
        (157766400.0, datetime(2006, 1, 1, tzinfo=UTC)),
        (157766401.0, datetime(2006, 1, 1, tzinfo=UTC)),
        (608713541.952, datetime(2020, 4, 16, 7, 5, 36, 952000, UTC)),
        (1e300, None),
        (float("nan"), None),
    ],
)
def test_met_becomes_utc(met: float, utc: datetime | None) -> None:
    assert met_to_utc(met) == utc

"""Tables of targets as people have them: CSV of any kind, ECSV, VOTable, FITS; with units, gaps and mistakes."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from ukssdc.campaign import Targets, check_rows, read_targets
from ukssdc.campaign.mistakes import InvalidCampaign

FORMS = {"x.ecsv": "ascii.ecsv", "x.vot": "votable", "x.fits": "fits"}


def csv_file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "targets.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problem(path: Path) -> str:
    with pytest.raises(InvalidCampaign) as error:
        read_targets(path)
    assert error.value.source == str(path)
    return error.value.mistakes[0].problem


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_is_read_whatever_separates_its_cells(tmp_path: Path, delimiter: str) -> None:
    lines = ["name,RA,targ,mag", "M82,148.9,00012345,", '"NGC 1313 X-1",49.58,,17']
    path = csv_file(tmp_path, "\r\n".join(lines).replace(",", delimiter) + "\r\n\r\n")

    assert read_targets(path) == [
        {"name": "M82", "RA": 148.9, "targ": "00012345", "mag": None},
        {"name": "NGC 1313 X-1", "RA": 49.58, "targ": None, "mag": 17},
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_a_csv_may_come_out_of_a_spreadsheet(tmp_path: Path, encoding: str) -> None:
    assert read_targets(csv_file(tmp_path, "name,note\nM82,é\n".encode(encoding))) == [{"name": "M82", "note": "é"}]


def test_names_of_digits_stay_texts_where_zeros_count(tmp_path: Path) -> None:
    assert read_targets(csv_file(tmp_path, "targ\n00012345\n12345678\n")) == [
        {"targ": "00012345"},
        {"targ": "12345678"},
    ]


def test_names_of_targets_are_texts_whatever_they_look_like(tmp_path: Path) -> None:
    targets = read_targets(csv_file(tmp_path, "name,RA,Dec,n\n47,1,2,047\n1e5,1,2,048\n"))

    assert targets == [{"name": "47", "RA": 1, "Dec": 2, "n": "047"}, {"name": "1e5", "RA": 1, "Dec": 2, "n": "048"}]
    [row] = check_rows([{"name": 47, "RA": 1, "Dec": 2}], {"getTargs": True, "centroid": False, "Image": {}})
    assert row.name == "47"


def test_a_csv_may_have_units_in_its_names(tmp_path: Path) -> None:
    text = "name,RA (hms),Dec [deg],posErr (arcsec),T0 (MET),mag (AB)\nx,22 22 47.6,-7.5,90,6e8,17\n"
    targets = read_targets(csv_file(tmp_path, text))

    assert list(targets[0]) == ["name", "RA", "Dec", "posErr", "T0", "mag (AB)"]
    [row] = check_rows(targets, {"getTargs": True, "centroid": True, "Image": {}})
    assert [row.request.ra, row.request.dec, row.request.pos_err] == pytest.approx([335.69833, -7.5, 1.5])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it holds no table"),
        ("name,RA\nM82,1,2\n", "line 2 has 3 cells, but there are 2 columns"),
        ("name,name\n", "there are two columns name"),
        ("name,\nM82,3\n", "column 2 has no name"),
        (b"\x89PNG\r\n\x1a\n\0\0\xff\xfe", "none of the forms of a table"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "none of the forms of a table"),
        (b"SIMPLE  =                    T", "it is no FITS that astropy can read"),
        (b"<?xml version='1.0'?><VOTABLE>", "it is no VOTABLE that astropy can read"),
        ("# %ECSV 1.0\n# ---\nname\n", "it is no ECSV that astropy can read"),
        (b"\x1f\x8b\x08\x00", "it is not whole"),
        (b"<VOTABLE><BINARY><STREAM encoding='x' HREF='http://127.0.0.1:9/'/></BINARY>", "its data are not in it"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, text: str | bytes, said: str) -> None:
    assert said in problem(csv_file(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert problem(tmp_path / "no.csv") == "cannot read it: No such file or directory"
    assert problem(tmp_path) == "cannot read it: Is a directory"


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_tables_of_astronomers_are_read_with_units_and_gaps(tmp_path: Path, name: str, packed: bool) -> None:
    table = Table({"name": ["M82", "NGC 1313"], "RA": [8934.5, 2975.1] * u.arcmin, "targ": ["00012345", ""]})
    table["mag"] = MaskedColumn([8.4, 0], mask=[False, True], unit="mag")
    table.write(tmp_path / name, format=FORMS[name])
    if packed:
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / name).read_bytes()))

    targets = read_targets(tmp_path / name)

    assert targets == [
        {"name": "M82", "RA": 8934.5, "targ": "00012345", "mag": 8.4},
        {"name": "NGC 1313", "RA": 2975.1, "targ": None, "mag": None},
    ]
    assert u.Unit(targets.units["RA"]) == u.arcmin
    assert targets.units["mag"] == "mag"


def test_a_table_read_is_a_campaign_s_rows(tmp_path: Path) -> None:
    table = QTable({"name": ["M82"], "RA": [9.9264] * u.hourangle, "Dec": [4180.8] * u.arcmin})
    table.write(tmp_path / "x.ecsv")
    template: dict[str, Any] = {"getTargs": True, "centroid": False, "StandardPos": {}}

    [row] = check_rows(read_targets(tmp_path / "x.ecsv"), template)

    assert [row.request.ra, row.request.dec] == pytest.approx([148.896, 69.68])


def test_positions_and_times_of_astropy_are_understood(tmp_path: Path) -> None:
    table = QTable({"name": ["GRB 200416A"]})
    table["where"] = SkyCoord([335.6985], [-7.5179], unit="deg", frame="icrs")
    table["T0"] = Time(["2020-04-16T07:05:00"], scale="utc")
    table["seen"] = Time([58955.5], format="mjd")
    table.write(tmp_path / "x.ecsv")

    targets = read_targets(tmp_path / "x.ecsv")

    assert targets == [
        {
            "name": "GRB 200416A",
            "RA": pytest.approx(335.6985),
            "Dec": pytest.approx(-7.5179),
            "T0": pytest.approx(608713505.0, abs=1e-3),
            "seen": "2020-04-16T12:00:00.000",
        }
    ]
    assert targets.units == {"RA": "deg", "Dec": "deg", "T0": "s"}


def test_targets_are_a_list_that_knows_its_units() -> None:
    assert Targets() == []
    assert Targets([{"RA": 1}], {"RA": "deg"}).units == {"RA": "deg"}

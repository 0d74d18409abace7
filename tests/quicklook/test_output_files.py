"""The files in the job's folder, and what becomes of those that cannot be drawn or written."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from astropy.table import Table
from failing_disk import FailingDisk
from looks import RATES, dataset, full_look, job, light_curve, look
from markdown_it import MarkdownIt

from ukssdc import Product
from ukssdc.quicklook import QuickLook, write_files
from ukssdc.quicklook.output_files import light_curve_csv


def rows_of(directory: Path) -> list[dict[str, str]]:
    with (directory / "lightcurve.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_files_are_there(tmp_path: Path) -> None:
    write_files(full_look(), tmp_path / "951")

    assert sorted(path.name for path in (tmp_path / "951").iterdir()) == [
        "lightcurve.csv",
        "lightcurve.ecsv",
        "lightcurve.png",
        "position.png",
        "quicklook.md",
        "results.json",
        "spectra.ecsv",
    ]


def test_pictures_on_disk_are_those_of_the_artifact(tmp_path: Path) -> None:
    pictures = write_files(full_look(), tmp_path).pictures

    assert {name: (tmp_path / name).read_bytes() for name in pictures} == pictures


def test_page_shows_the_pictures_beside_it(tmp_path: Path) -> None:
    write_files(full_look(), tmp_path)

    text = (tmp_path / "quicklook.md").read_text(encoding="utf-8")
    assert "![Light curve](lightcurve.png)" in text
    assert "![Positions](position.png)" in text


def test_results_can_be_read_back_from_json(tmp_path: Path) -> None:
    shown = full_look()

    write_files(shown, tmp_path)

    assert QuickLook.model_validate_json((tmp_path / "results.json").read_text(encoding="utf-8")) == shown


def test_json_is_strict_even_with_missing_numbers(tmp_path: Path) -> None:
    write_files(look(light_curve=light_curve(PC=dataset(RATES, (1.0, 0.1, -0.1, 1.0, float("nan"), -0.1)))), tmp_path)

    def refuse(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    json.loads((tmp_path / "results.json").read_text(encoding="utf-8"), parse_constant=refuse)


def test_csv_holds_every_bin_with_its_kind(tmp_path: Path) -> None:
    write_files(full_look(), tmp_path)

    kinds = [(row["Dataset"], row["Kind"]) for row in rows_of(tmp_path)]
    assert kinds.count(("PC", "rate")) == 4
    assert kinds.count(("PCUL", "upper limit")) == 1
    assert kinds.count(("WTHR", "hardness ratio")) == 2


def test_csv_keeps_the_numbers_and_leaves_out_the_missing_ones(tmp_path: Path) -> None:
    curve = light_curve(PC=dataset(RATES, (1234.5678, 0.1, -0.1, 1.25, float("nan"), -0.25)))

    write_files(look(light_curve=curve), tmp_path)

    (row,) = rows_of(tmp_path)
    assert (row["TimeFormat"], row["Time"], row["Rate"], row["RatePos"], row["RateNeg"]) == (
        *("MET", "1234.5678", "1.25"),
        *("", "-0.25"),
    )


FORMULAS = (
    '=HYPERLINK("http://127.0.0.2/","open")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_holds_no_formula(text: str) -> None:
    data = light_curve(PC=dataset(RATES, (10.0, 0.1, -0.1, -1.25, 0.5, -0.25))).datasets["PC"]
    data = data.model_copy(update={"name": text, "mode": text, "labels": {"ObsID": (text,), text: ("1",)}})
    curve = light_curve().model_copy(update={"datasets": {"PC": data}, "time_format": text})

    table = list(csv.reader(io.StringIO(light_curve_csv(curve), newline="")))

    assert len(table) == 2
    assert sum(cell == f"'{text.strip()}" for row in table for cell in row) == 5
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "@", "\uff1d")) or cell == text]
    assert {"-0.1", "-1.25", "-0.25"} <= set(table[1])


@pytest.mark.parametrize("text", ["-5", "+1.5e3", "-inf", "00966554000", "a=b", "http://127.0.0.1/?a=-1", "'=1"])
def test_csv_keeps_numbers_and_plain_texts(text: str) -> None:
    data = light_curve(PC=dataset(RATES, (10.0, 0.1, -0.1, -1.25, 0.5, -0.25))).datasets["PC"]
    curve = light_curve().model_copy(
        update={"datasets": {"PC": data.model_copy(update={"labels": {"ObsID": (text,)}})}}
    )

    (row,) = csv.DictReader(io.StringIO(light_curve_csv(curve)))

    assert row["ObsID"] == text


@pytest.mark.parametrize(
    "name", ["results.json", "lightcurve.csv", "lightcurve.ecsv", "lightcurve.png", "quicklook.md"]
)
def test_a_file_for_which_there_is_no_room_is_not_left_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    disk = FailingDisk(tmp_path)
    disk.install(monkeypatch)
    disk.full = lambda file: file.startswith(name)

    files = write_files(full_look(), tmp_path)

    assert [note.partition(":")[0] for note in files.notes] == [f"could not write {name}"]
    assert not list(tmp_path.glob(f"{name}*"))


def test_ecsv_beside_the_csv_has_units_and_the_jobs_band(tmp_path: Path) -> None:
    write_files(full_look(), tmp_path)

    table = Table.read(tmp_path / "lightcurve.ecsv")
    assert len(table) == len(rows_of(tmp_path))
    assert (str(table["Time"].unit), str(table["Rate"].unit)) == ("s", "ct / s")
    assert (table.meta["Band"], table.meta["T0"], table.meta["TimeFormat"]) == ("0.3-10 keV", 608713541.952, "MET")


def test_without_astropy_the_page_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "astropy.table", None)

    notes = write_files(full_look(), tmp_path).notes

    assert [note.partition(":")[0] for note in notes] == [
        "could not write lightcurve.ecsv",
        "could not write spectra.ecsv",
    ]
    assert all("to_table() needs astropy: `pip install astropy`" in note for note in notes)
    assert (tmp_path / "lightcurve.csv").exists()


def test_csv_tells_the_time_format_that_was_requested_where_the_answer_does_not(tmp_path: Path) -> None:
    curve = light_curve(None, PC=dataset(RATES, (57400.0, 0.01, -0.01, 0.4, 0.05, -0.04)))

    write_files(look(job=job(lctimetype="m"), light_curve=curve), tmp_path)

    (row,) = rows_of(tmp_path)
    assert (row["TimeFormat"], row["Time"]) == ("MJD", "57400.0")


def test_empty_light_curve_gives_no_picture_and_no_table(tmp_path: Path) -> None:
    files = write_files(look(light_curve=light_curve()), tmp_path)

    assert files.notes == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quicklook.md", "results.json"]


def test_picture_that_cannot_be_drawn_becomes_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ukssdc.quicklook.plots.RESOLUTIONS", ())

    files = write_files(full_look(), tmp_path)

    assert files.notes[0] == "could not draw lightcurve.png: the picture is larger than 200 kB"
    assert "**Note:** could not draw lightcurve.png" in (tmp_path / "quicklook.md").read_text(encoding="utf-8")


def test_folder_that_cannot_be_written_becomes_notes(tmp_path: Path) -> None:
    (tmp_path / "951").write_text("a file where the folder belongs")

    files = write_files(full_look(), tmp_path / "951")

    assert any(note.startswith("could not write results.json: ") for note in files.notes)
    assert set(files.pictures) == {"lightcurve.png", "position.png"}


def test_file_that_cannot_be_written_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "results.json").mkdir()

    files = write_files(full_look(), tmp_path)

    assert [note.partition(":")[0] for note in files.notes] == ["could not write results.json"]
    assert (tmp_path / "quicklook.md").exists()


def test_without_matplotlib_the_page_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ukssdc.quicklook.plots", raising=False)
    monkeypatch.delattr("ukssdc.quicklook.plots", raising=False)
    for module in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # how Python marks a module that cannot be imported

    files = write_files(full_look(), tmp_path)

    assert files.pictures == {}
    text = (tmp_path / "quicklook.md").read_text(encoding="utf-8")
    assert "pip install 'xrt-products[plots]'" in MarkdownIt().render(text)
    assert "1.86 (+0.12, -0.11)" in text


def test_import_leaves_matplotlib_and_pyplot_alone() -> None:
    check = "import sys, ukssdc.quicklook; sys.exit('matplotlib' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_drawing_does_not_touch_pyplot() -> None:
    check = "import sys, ukssdc.quicklook.plots; sys.exit('matplotlib.pyplot' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_problems_are_in_the_json(tmp_path: Path) -> None:
    write_files(look(problems={Product.LightCurve: "failed"}), tmp_path)

    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["problems"] == {"LightCurve": "failed"}

"""The quick look as files in the job's folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ukssdc.notebook import short_repr
from ukssdc.quicklook.pages import page
from ukssdc.quicklook.quick_look import QuickLook
from ukssdc.record.files import write_whole
from ukssdc.results import LightCurveData
from ukssdc.results.job_result import TableResult
from ukssdc.sexagesimal import read_sexagesimal
from ukssdc.status import Product

PAGE = "quicklook.md"
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # wide ones, too
MATPLOTLIB_MISSING = "pictures need matplotlib: pip install 'xrt-products[plots]'"


class Files(NamedTuple):
    """The pictures of a quick look, and what could not be drawn or written.

    Attributes
    ----------
    pictures : dict
        File name -> PNG, as drawn.
    notes : tuple of str
        Problems, in words.
    """

    pictures: dict[str, bytes]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return short_repr("Files", [("pictures", list(self.pictures)), ("notes", self.notes)])


def write_files(look: QuickLook, directory: Path) -> Files:
    """Draw and write the pictures, the tables, `results.json` and `quicklook.md`.

    The tables: `lightcurve.csv`, `lightcurve.ecsv`, and `spectra.ecsv` with a row for each fit. What cannot be drawn or
    written becomes a note. A file for which there are no results is not written, and an older one of that name is
    left alone.

    Parameters
    ----------
    look : QuickLook
    directory : Path
        The job's folder; created where it is missing.
    """
    pictures, notes = draw(look, directory)
    notes += _try("create the folder", lambda: directory.mkdir(parents=True, exist_ok=True))
    for name, png in pictures.items():
        notes += _try(f"write {name}", partial(write_whole, directory / name, png))
    notes += _try("write results.json", lambda: write_whole(directory / "results.json", look.model_dump_json(indent=1)))
    curve = look.light_curve
    if curve is not None and len(curve):
        notes += _try("write lightcurve.csv", lambda: write_whole(directory / "lightcurve.csv", light_curve_csv(curve)))
        notes += _write_table(directory / "lightcurve.ecsv", lambda: curve)
    fits = look.spectral_fits
    if fits is not None and fits.fits:
        notes += _write_table(directory / "spectra.ecsv", lambda: fits.with_files(directory / Product.Spectrum.wire))
    paths = {name: name for name in pictures}  # relative to the page
    notes += _try(f"write {PAGE}", lambda: write_whole(directory / PAGE, page(look, paths, notes)))
    return Files(pictures, tuple(notes))


def _write_table(path: Path, make: Callable[[], TableResult]) -> list[str]:
    """Write a table with units; where astropy is missing, the note says what to install."""
    return _try(f"write {path.name}", lambda: make().write(path, overwrite=True))


def draw(look: QuickLook, directory: Path) -> tuple[dict[str, bytes], list[str]]:
    """Draw the pictures for which there are results, or files in the job's folder; return them, and the problems."""
    try:
        from ukssdc.quicklook import plots  # noqa: PLC0415 - matplotlib is optional, and slow to import
    except ImportError:
        return {}, [MATPLOTLIB_MISSING]
    pictures: dict[str, bytes] = {}
    notes: list[str] = []

    def draw_one(name: str, make: Callable[[QuickLook], Any]) -> None:
        figure = make(look)
        if figure is not None:
            pictures[name] = plots.as_png(figure)

    makers: dict[str, Callable[[QuickLook], Any]] = {
        "lightcurve.png": plots.light_curve_figure,
        "position.png": plots.position_figure,
        "spectrum.png": lambda look: plots.spectrum_figure(look, directory / Product.Spectrum.wire),
    }
    for name, make in makers.items():
        notes += _try(f"draw {name}", partial(draw_one, name, make))
    return pictures, notes


def light_curve_csv(curve: LightCurveData) -> str:
    """Return all bins of a light curve as comma-separated values, under the service's column names.

    `Dataset`, `Mode` and `Kind` come first; a missing number is left empty. Units as in the service's
    files: times in s or d (`TimeFormat` in the column of that name), rates in ct/s, exposures in s.
    """
    datasets = list(curve.datasets.values())
    names = list(dict.fromkeys(name for d in datasets for name in (*d.columns, *d.labels)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["Dataset", "Mode", "Kind", "TimeFormat", *map(csv_cell, names)])
    for d in datasets:
        columns: dict[str, Any] = {**d.columns, **d.labels}
        for row in range(len(d)):
            cells = (columns[name][row] if name in columns else "" for name in names)
            writer.writerow(map(csv_cell, (d.name, d.mode, d.kind, curve.time_format or "", *cells)))
    return text.getvalue()


def csv_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet runs as a formula; a missing number is empty.

    A declination of "-07:31:04" is none: it stays as it is.
    """
    if not isinstance(value, str):
        return "" if value != value else value  # noqa: PLR0124 - NaN
    text = " ".join(value.split())  # a line end in it would begin a row, and so a cell
    try:
        float(text)
    except ValueError:
        is_formula = text.startswith(FORMULA_STARTS) and read_sexagesimal(text) is None
        return f"'{text}" if is_formula else text
    return text


def _try(step: str, function: Callable[[], Any]) -> list[str]:
    """Call a function; return its error, if any, as a note."""
    try:
        function()
    except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a line of the page
        return [f"could not {step}: {error or type(error).__name__}"]
    return []

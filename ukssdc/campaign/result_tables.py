"""`campaign.csv` and `campaign.ecsv`: a row for each target, with the columns of the input and what was found."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ukssdc.campaign.target_result import TargetResult
from ukssdc.campaign.target_science import Measurement
from ukssdc.quicklook.output_files import csv_cell
from ukssdc.results.table_export import import_optional, table_bytes
from ukssdc.texts import replace_controls

Get = Callable[[TargetResult], Any]
FLUX = "erg / (cm2 s)"
INPUT_PREFIX = "input_"  # of a column of the input that is named like one of the results
META = {
    "Rate": "mean of the bins of the light curve that are no upper limits, weighted by exposure; 1-sigma error",
    "UpperLimit": "lowest 3-sigma upper limit, where no bin is a detection",
    "Flux": "observed, 0.3-10 keV; of several spectra the one of the longest exposure; 90 % errors by default",
    "Queued, Running": "as exact as the polls, a minute or more apart",
    "XRT_Err90": "radius of the 90 % circle, systematics included",
}


def _measured(name: str, unit: str, get: Callable[[TargetResult], Measurement | None]) -> dict[str, tuple[str, Get]]:
    def part(end: str) -> Get:
        return lambda result: getattr(get(result), end, None)

    return {name: (unit, part("value")), f"{name}Pos": (unit, part("pos")), f"{name}Neg": (unit, part("neg"))}


def _of_spectrum(name: str) -> Callable[[TargetResult], Any]:
    return lambda result: getattr(result.science.spectrum, name, None)


COLUMNS: dict[str, tuple[str, Get]] = {  # name -> unit, and how it is made
    "Job": ("", lambda result: result.job_id),
    "Outcome": ("", lambda result: result.outcome),
    "Products": ("", lambda result: ", ".join(f"{product} {word}" for product, word in result.products.items())),
    "Queued": ("s", lambda result: result.queued),
    "Running": ("s", lambda result: result.running),
    "XRT_RA": ("deg", lambda result: result.science.ra),
    "XRT_Dec": ("deg", lambda result: result.science.dec),
    "XRT_Err90": ("arcsec", lambda result: result.science.err90),
    "XRT_Position": ("", lambda result: result.science.position_of),
    **_measured("Rate", "ct / s", lambda result: result.science.rate),
    "UpperLimit": ("ct / s", lambda result: result.science.upper_limit),
    "MJD": ("d", lambda result: result.science.mjd),
    "Spectra": ("", lambda result: len(result.science.spectra) or None),
    "Mode": ("", _of_spectrum("mode")),
    "Exposure": ("s", lambda result: _of_spectrum("exposure")(result) or None),
    "Model": ("", _of_spectrum("model")),
    **_measured("Gamma", "", _of_spectrum("gamma")),
    **_measured("NH", "1 / cm2", _of_spectrum("nh")),
    **_measured("Flux", FLUX, _of_spectrum("flux")),
    "Problem": ("", lambda result: result.problem),
}
TIMES = frozenset({"Queued", "Running", "Exposure"})  # s, to a tenth
EXACT = frozenset({"XRT_RA", "XRT_Dec", "MJD"})
DIGITS = 6  # significant, of all other numbers
INTEGERS = frozenset({"Row", "Job", "Spectra"})
TEXTS = frozenset({"Target", "Outcome", "Products", "XRT_Position", "Mode", "Model", "Problem", "Path"})


class ResultTables:
    """The columns of a campaign's tables; a target's cells are made once, when it ends.

    Parameters
    ----------
    directory : Path
        Where the tables are: paths are relative to it.
    inputs : sequence of str
        The input's columns.
    units : mapping
        Those of the input's columns.
    """

    def __init__(self, directory: Path, inputs: Sequence[str], units: Mapping[str, str]) -> None:
        self.directory = directory
        self.inputs = tuple(inputs)
        taken = {"row", "target", "path", *(name.lower() for name in COLUMNS)}
        kept = [replace_controls(f"{INPUT_PREFIX}{name}" if name.lower() in taken else name) for name in inputs]
        self.names = ("Row", "Target", *kept, *COLUMNS, "Path")
        renamed = dict(zip(inputs, kept, strict=True))
        self.units = {renamed[name]: unit for name, unit in units.items() if name in renamed}
        self.units |= {name: unit for name, (unit, _) in COLUMNS.items() if unit}

    def cells(self, result: TargetResult) -> tuple[Any, ...]:
        """Return a target's cells; None where there is no value."""
        row = result.row
        path = os.path.relpath(result.folder, self.directory) if result.folder else None
        found = (_rounded(column, get(result)) for column, (_, get) in COLUMNS.items())
        return (row.number, row.name, *(_simple(row.columns.get(name)) for name in self.inputs), *found, path)

    def csv(self, rows: Sequence[tuple[Any, ...]]) -> str:
        """Return the table as comma-separated values; a spreadsheet runs none of its cells."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(map(csv_cell, self.names))
        writer.writerows([["" if cell is None else csv_cell(cell) for cell in row] for row in rows])
        return text.getvalue()

    def ecsv(self, rows: Sequence[tuple[Any, ...]], name: str) -> bytes:
        """Return the table as ECSV, with units; what there is no value for is masked.

        Raises
        ------
        ImportError
            Where astropy is missing.
        """
        tables = import_optional("astropy.table", needed_by="campaign.ecsv", extra="tables")
        table = tables.Table(meta={"campaign": name, "notes": META})
        for column, cells in zip(self.names, zip(*rows, strict=True), strict=True):
            values, kind = _uniform(column, cells)
            mask = [value is None for value in values]
            filled = [kind() if value is None else value for value in values]
            made = tables.MaskedColumn(filled, mask=mask) if any(mask) else tables.Column(filled)
            if kind is not str and (unit := self.units.get(column)):
                made.unit = unit
            table[column] = made
        return table_bytes(table, "ascii.ecsv")


def _simple(value: Any) -> Any:
    """Return a cell of the input in a type that a table can hold; a text without what a file cannot."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return replace_controls(json.dumps(value, default=str) if isinstance(value, (list, tuple, dict)) else str(value))


def _rounded(column: str, value: Any) -> Any:
    """Return a number without the digits that nothing stands behind."""
    if not isinstance(value, float) or column in EXACT:
        return value
    return round(value, 1) if column in TIMES else float(f"{value:.{DIGITS}g}")


def _uniform(column: str, cells: Sequence[Any]) -> tuple[list[Any], type]:
    """Return a column's values in one type, and that; a number that is none is no value."""
    given = [c for c in cells if c is not None]
    if column in INTEGERS or (given and all(isinstance(c, int) and not isinstance(c, bool) for c in given)):
        fits = all(abs(c) < 2**63 for c in given)
        return list(cells) if fits else [None if c is None else str(c) for c in cells], int if fits else str
    if given and all(isinstance(c, bool) for c in given):
        return list(cells), bool
    if column not in TEXTS and all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in given):
        return [None if c is None or not math.isfinite(c) else float(c) for c in cells], float
    return [None if c is None else str(c) for c in cells], str

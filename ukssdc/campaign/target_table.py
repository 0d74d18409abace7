"""Read a table of targets: CSV by Python's own means; ECSV, VOTable and FITS through astropy."""

from __future__ import annotations

import csv
import gzip
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from ukssdc.campaign.mistakes import InvalidCampaign, Mistake
from ukssdc.campaign.target_template import parameter_of, place_of
from ukssdc.campaign.target_values import EPOCH, plain_value
from ukssdc.request.request_file import decode_text
from ukssdc.results.table_export import import_optional

PASTED = Path("the pasted table")
MAX_SIZE = 200_000_000  # bytes of a file, unpacked
GZIP = b"\x1f\x8b"
DELIMITERS = ",;\t|"
NUMBER = re.compile(r"[-+]?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][-+]?\d+)?")  # without leading zeros: those are identifiers
INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d{0,14})")
NAME_WITH_UNIT = re.compile(r"([\w.]+)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")
UNITS_IN_NAMES = {  # as people write them -> astropy's
    **{unit: unit for unit in ("deg", "arcmin", "arcsec", "s", "ks", "min", "h", "d", "ev", "kev", "hourangle")},
    "ev": "eV",
    "kev": "keV",
    "sec": "s",
    "degrees": "deg",
    "j2000": "",
    "met": "",
    "hms": "h:m:s",
    "dms": "d:m:s",
    "hh:mm:ss": "h:m:s",
    "h:m:s": "h:m:s",
    "dd:mm:ss": "d:m:s",
    "d:m:s": "d:m:s",
    "hours": "h",
}
ELSEWHERE = re.compile(rb"<(?:\w+:)?STREAM\b[^>]*\bhref\s*=", re.IGNORECASE)
ADVICE = "give a table in CSV, ECSV, VOTable or FITS"


class Targets(list[dict[str, Any]]):
    """The rows of a table, each by column; None where a cell is empty.

    Attributes
    ----------
    units : dict
        Column -> unit, in astropy's notation, for those that have one.
    """

    def __init__(self, rows: Iterable[dict[str, Any]] = (), units: Mapping[str, str] | None = None) -> None:
        super().__init__(rows)
        self.units: dict[str, str] = dict(units or {})


def read_targets(path: str | PathLike[str]) -> Targets:
    """Read a table of targets.

    Parameters
    ----------
    path : path-like
        CSV (with commas, semicolons, tabs or bars), ECSV, VOTable or FITS, maybe compressed by gzip; what a file is,
        its beginning says.

    Returns
    -------
    Targets
        A list of dicts, with the columns' units.

    Raises
    ------
    InvalidCampaign
        Where the file cannot be read.
    ImportError
        Where it needs astropy, which is missing.
    """
    path = Path(path)
    try:
        data = _content(path)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    return _read(path, data)


def read_targets_text(text: str) -> Targets:
    """Read a table of targets that was pasted: CSV, ECSV or VOTable; errors as for `read_targets`."""
    return _read(PASTED, text.strip().encode())


def _read(path: Path, data: bytes) -> Targets:
    form = _form(data)
    if form == "votable" and ELSEWHERE.search(data):  # astropy would fetch it
        raise _unreadable(path, "its data are not in it, but in another place: save the table with its data")
    if form:
        return _read_with_astropy(path, data, form)
    try:
        return _read_csv(path, decode_text(data))
    except ValueError:
        raise _unreadable(path, f"it is none of the forms of a table that are known: {ADVICE}") from None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_SIZE + 1)
    if data.startswith(GZIP):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(MAX_SIZE + 1)
        except (EOFError, ValueError) as error:
            raise OSError(f"it is not whole: {error}") from None
    if len(data) > MAX_SIZE:
        raise OSError(f"it is larger than {MAX_SIZE / 1e6:.0f} MB")
    return data


def _form(data: bytes) -> str | None:
    """Return what astropy calls a table of this form; None for anything else, CSV included."""
    if data.startswith(b"SIMPLE  ="):
        return "fits"
    start = data[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith(b"# %ECSV"):
        return "ascii.ecsv"
    return "votable" if start.startswith(b"<") and b"<VOTABLE" in start.upper() else None


def _read_csv(path: Path, text: str) -> Targets:
    lines = text.splitlines(keepends=True)
    first = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        raise _unreadable(path, f"it holds no table: {ADVICE}")
    if "\0" in text:
        raise ValueError("not a text")
    head = lines[first]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(lines[first:], delimiter=delimiter, skipinitialspace=True)
    try:
        names = [name.strip() for name in next(reader)]
        _require_names(path, names)
        cells = []
        for row in reader:
            if not any(cell.strip() for cell in row) or row[0].startswith("#"):
                continue
            if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
                problem = f"line {first + reader.line_num} has {len(row)} cells, but there are {len(names)} columns"
                raise _unreadable(path, problem)
            cells.append([cell.strip() or None for cell in row[: len(names)]] + [None] * (len(names) - len(row)))
    except csv.Error as error:
        raise _unreadable(path, f"line {first + reader.line_num}: {error}") from None
    names, units = _with_units(names)
    columns = [_numbers(name, [row[n] for row in cells]) for n, name in enumerate(names)]
    return Targets((dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)), units)


def _with_units(names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return names without the units that follow them, `RA (deg)`, where they are those of parameters."""
    units = {}
    kept = list(names)
    for number, found in enumerate(map(NAME_WITH_UNIT.fullmatch, names)):
        unit = UNITS_IN_NAMES.get(found[2].lower()) if found else None
        if found and unit is not None and found[1] not in names and place_of(found[1]):
            kept[number] = found[1]
            units[found[1]] = unit
    return kept, {name: unit for name, unit in units.items() if unit}


def _require_names(path: Path, names: list[str]) -> None:
    if any(not name for name in names):
        raise _unreadable(path, f"column {names.index('') + 1} has no name: {ADVICE}, with a line of names first")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _unreadable(path, f"there are two columns {twice}")


def _numbers(name: str, cells: list[str | None]) -> list[Any]:
    """Return a column's texts as numbers where each of them is one, written as nothing else is."""
    parameter = parameter_of(place_of(name))
    if parameter is not None and parameter.type is str:  # a name may be 47, or 1e5
        return list(cells)
    filled = [cell for cell in cells if cell is not None]
    if all(INTEGER.fullmatch(cell) for cell in filled):
        return [None if cell is None else int(cell) for cell in cells]
    if all(NUMBER.fullmatch(cell) and any(c.isdigit() for c in cell) for cell in filled):
        return [None if cell is None else float(cell) for cell in cells]
    return list(cells)


def _read_with_astropy(path: Path, data: bytes, form: str) -> Targets:
    tables = import_optional("astropy.table", needed_by=f"{path.name}, which is no CSV,", extra="tables")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of units and dates that a standard does not know, one per column
            source: Any = decode_text(data) if form == "ascii.ecsv" else io.BytesIO(data)
            table = tables.Table.read(source, format=form)
            columns, units = _columns(table)
    except Exception as error:  # noqa: BLE001 - each of astropy's readers has its own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise _unreadable(
            path, f"it is no {form.removeprefix('ascii.').upper()} that astropy can read: {reason}"
        ) from None
    return Targets((dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)), units)


def _columns(table: Any) -> tuple[dict[str, list[Any]], dict[str, str]]:
    columns: dict[str, list[Any]] = {}
    units: dict[str, str] = {}
    has_position = any(name.lower() in {"ra", "dec"} for name in table.colnames)
    for name in table.colnames:
        column = table[name]
        if hasattr(column, "icrs"):  # a SkyCoord
            parts = ("RA", "Dec") if not has_position else (f"{name}_RA", f"{name}_Dec")
            for part, angle in zip(parts, (column.icrs.ra, column.icrs.dec), strict=True):
                columns[part], units[part] = [plain_value(float(a)) for a in angle.deg], "deg"
            continue
        if hasattr(column, "scale") and hasattr(column, "utc"):  # a Time
            columns[name], unit = _times(name, column)
        else:
            unit = str(getattr(column, "unit", None) or "")
            values = column.value if hasattr(column, "to_value") else column
            columns[name] = [plain_value(value) for value in values.tolist()]
        if unit:
            units[name] = unit
    return columns, units


def _times(name: str, column: Any) -> tuple[list[Any], str]:
    """Return times as Swift's MET where they are a request's T0, and as UTC otherwise."""
    if name in {"T0", "t0", "Tstart"}:
        epoch = type(column)(EPOCH, scale="utc")
        return [plain_value(float(seconds)) for seconds in (column - epoch).to_value("s")], "s"
    return [str(text) for text in column.utc.isot], ""


def _unreadable(path: Path, problem: str) -> InvalidCampaign:
    return InvalidCampaign([Mistake(None, "", f"cannot read it: {problem}")], source=str(path))

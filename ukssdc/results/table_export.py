"""Tables for pandas and astropy: optional dependencies, imported where they are used."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ukssdc.record.files import write_whole

Columns = Mapping[str, Sequence[Any]]
"""Column name -> its values, one per row."""


def make_pandas(columns: Columns) -> Any:
    """Make a `pandas.DataFrame`."""
    pandas = import_optional("pandas", needed_by="to_pandas()", extra="plots")
    return pandas.DataFrame({name: list(values) for name, values in columns.items()})


def make_table(columns: Columns, units: Mapping[str, str], meta: Mapping[str, Any] | None = None) -> Any:
    """Make an `astropy.table.Table`.

    Parameters
    ----------
    columns : mapping
        Column name -> values.
    units : mapping
        Column name -> unit, in astropy's notation; a column that is not named has none.
    meta : mapping, optional
        Facts about the whole table; those that are None are left out.
    """
    tables = import_optional("astropy.table", needed_by="to_table()", extra="tables")
    table = tables.Table(
        {name: list(values) for name, values in columns.items()},
        meta={key: value for key, value in (meta or {}).items() if value is not None},
    )
    for name, unit in units.items():
        if name in columns:
            table[name].unit = unit
    return table


def table_bytes(table: Any, form: str) -> bytes:
    """Return a table as a file: `form` is astropy's name for what it is, "fits" or "ascii.ecsv"."""
    if form == "fits":
        file = io.BytesIO()
        table.write(file, format=form)
        return file.getvalue()
    text = io.StringIO()
    table.write(text, format=form)
    return text.getvalue().encode()


def write_table_file(path: Path, writers: Mapping[str, Callable[[], bytes]], *, overwrite: bool) -> Path:
    """Write a table in the form that the file's name asks for; see `TableResult.write`."""
    make = writers.get(path.suffix.lower())
    if make is None:
        raise ValueError(f"{path.name} does not say what to write: its name has to end with {' or '.join(writers)}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists already: overwrite=True replaces it")
    write_whole(path, make())
    return path


def import_optional(module: str, *, needed_by: str, extra: str) -> Any:
    """Import a module of an optional dependency; the error says what to install."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs {package}: `pip install {package}`, or `pip install 'xrt-products[{extra}]'`"
        ) from error

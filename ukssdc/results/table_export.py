"""Tables for pandas and astropy: optional dependencies, imported where they are used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

Columns = Mapping[str, Sequence[Any]]
"""Column name -> its values, one per row."""


def make_pandas(columns: Columns) -> Any:
    """Make a `pandas.DataFrame`."""
    pandas = _import("pandas", needed_by="to_pandas()", extra="plots")
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
    tables = _import("astropy.table", needed_by="to_table()", extra="tables")
    table = tables.Table(
        {name: list(values) for name, values in columns.items()},
        meta={key: value for key, value in (meta or {}).items() if value is not None},
    )
    for name, unit in units.items():
        if name in columns:
            table[name].unit = unit
    return table


def _import(module: str, *, needed_by: str, extra: str) -> Any:
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs {package}: `pip install {package}`, or `pip install 'xrt-products[{extra}]'`"
        ) from error

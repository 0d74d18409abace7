"""The values of a table's cells, as a request takes them: sexagesimal angles, and units other than the parameter's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ukssdc.request.parameter_values import Parameter
from ukssdc.results.table_export import import_optional
from ukssdc.sexagesimal import read_sexagesimal

UNITS = {"counts": "ct"}  # a parameter's unit -> astropy's, where the two differ
NO_UNITS = frozenset({"", "sigma", "pixels of 2.36 arcsec"})  # of parameters
HOURS = frozenset({"h", "hr", "hour", "hourangle", "h:m:s"})  # of a right ascension
HOUR = 15.0  # deg
ANGLE_DIGITS = 9  # decimals of an angle in deg, a few microarcseconds: 335.6985, and not 335.69849999999997
EPOCH = "2001-01-01T00:00:00"  # of Swift's MET, UTC

Convert = Callable[[Any], Any]


def plain_value(value: Any) -> Any:
    """Return a cell as Python's own type; None where it is empty, masked or NaN."""
    if isinstance(value, str):
        return str(value).strip() or None
    if value is None or getattr(value, "mask", False) is True or type(value).__name__ == "MaskedConstant":
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip() or None
    if hasattr(value, "tolist") and not hasattr(value, "unit"):  # numpy's
        value = value.tolist()
    return None if isinstance(value, float) and math.isnan(value) else value


def is_quantity(value: Any) -> bool:
    """Tell whether a value is a quantity of astropy's."""
    return hasattr(value, "to_value")


def converter(parameter: Parameter, unit: str) -> Convert:
    """Return what turns a column's cells into a parameter's values.

    Parameters
    ----------
    parameter : Parameter
    unit : str
        The column's, in astropy's notation; empty where it has none.

    Raises
    ------
    ValueError
        Where the unit is not one of the parameter's kind.
    ImportError
        Where astropy is missing, and the unit is not the parameter's own.
    """
    unit = unit.strip().strip('"')
    if parameter.field in {"ra", "dec"}:
        is_hours = parameter.field == "ra" and unit.lower() in HOURS
        factor = 1.0 if unit.lower() in {"", "d:m:s", *HOURS} else _factor(unit, "deg")
        return lambda value: _angle(value, parameter.field, HOUR if is_hours else factor, unit)
    if parameter.type is str:
        return _text_of
    if unit in {"", parameter.unit} or parameter.unit in NO_UNITS:
        return _own_unit(parameter)
    factor = _factor(unit, UNITS.get(parameter.unit, parameter.unit))
    return lambda value: _scaled(value, factor)


def _text_of(value: Any) -> Any:
    """Return a number as a text: a table's column of names may hold nothing but digits."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _own_unit(parameter: Parameter) -> Convert:
    """Return what converts a cell that is a quantity of astropy's; all others stay as they are."""
    unit = UNITS.get(parameter.unit, parameter.unit)
    return lambda value: _of_quantity(value, unit)


def _of_quantity(value: Any, unit: str) -> Any:
    if not is_quantity(value):
        return value
    try:
        return float(value.to_value(unit)) if unit not in NO_UNITS else float(value.value)
    except Exception as error:  # astropy's, for a unit of another kind
        raise ValueError(f"is {value}: give it in {unit}") from error


def _angle(value: Any, field: str, factor: float, unit: str) -> Any:
    if isinstance(value, str):
        found = read_sexagesimal(value)
        if found is not None:
            angle, said = found
            hours = field == "ra" and (said == "h" or (not said and unit.lower() in {"", *HOURS}))
            return round(angle * (HOUR if hours else 1.0), ANGLE_DIGITS)
        return _scaled(value, factor)
    return _of_quantity(value, "deg") if is_quantity(value) else _scaled(value, factor)


def _scaled(value: Any, factor: float) -> Any:
    """Return a number in the parameter's unit; what is no number is left for the request to refuse."""
    if factor == 1.0 or isinstance(value, bool):
        return value
    try:
        return float(value) * factor
    except (TypeError, ValueError):
        return value


def _factor(unit: str, wanted: str) -> float:
    units = import_optional("astropy.units", needed_by=f"a column in {unit}", extra="tables")
    try:
        factor = units.Unit(unit).to(units.Unit(wanted))
    except (TypeError, ValueError):  # the unit is unknown, or of another kind
        raise ValueError(f"its unit is {unit}, which is not one of {wanted}") from None
    # 12 digits: 5 min are 300 s, and not 300.00000000000006; 90 arcsec are 1.5 arcmin
    return float(f"{factor:.12g}") if factor >= 1 else 1 / float(f"{1 / factor:.12g}")

"""Values as the service writes them, read as what they mean (protocol, sections 1 and 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def as_list(value: Any) -> list[Any] | None:
    """Read a list, which PHP writes as an object where it has gaps: `{"1": "WT", "3": "PC"}`.

    Returns
    -------
    list or None
        An object's values in the order of its keys, numbers first; None for what is neither.
    """
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value, key=_list_index)]
    return list(value) if isinstance(value, list | tuple) else None


def is_list(value: Any) -> bool:
    """Tell whether a value can only be a list: an object is one where all its keys are numbers."""
    if isinstance(value, Mapping):
        return bool(value) and all(_is_index(key) for key in value)
    return isinstance(value, list | tuple)


def is_number(value: Any, number: int) -> bool:
    """Tell whether a value is this number, which may come as a string."""
    return bool(value == number) or (isinstance(value, str) and value.strip().lstrip("0") == str(number))


def read_whole_number(value: Any) -> int | None:
    """Read an integer that may come as a string; None for anything else."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value):
        return int(value)
    return None


def _list_index(key: object) -> tuple[bool, int]:
    return (False, int(str(key))) if _is_index(key) else (True, 0)  # sorting is stable: other keys stay as they came


def _is_index(key: object) -> bool:
    text = str(key)
    return text.isascii() and text.isdigit() and len(text) < 16  # noqa: PLR2004 - Python reads no number of 5000 digits

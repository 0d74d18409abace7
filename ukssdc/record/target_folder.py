"""The folder of a target below a destination, made of a pattern: `{name}/{useObs}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from ukssdc.errors import InvalidOptions
from ukssdc.record.folders import safe_name

FIELD = re.compile(r"\{([^{}]*)\}")
MAX_SEGMENT_BYTES = 200  # of a folder's name: file systems take 255
MAX_KNOWN = 40  # fields that a message names


def folder_fields(pattern: str) -> tuple[str, ...]:
    """Return the names of the fields in a folder's pattern.

    Raises
    ------
    InvalidOptions
        Where the pattern is none, or leads out of the destination.
    """
    return tuple(name for segment in _segments(pattern) for name in FIELD.findall(segment))


def expand_folder(pattern: str, values: Mapping[str, object]) -> str:
    """Return a target's folder, relative to the destination.

    Parameters
    ----------
    pattern : str
        A relative path in which `{field}` stands for a value: `{name}`, `M82/{Spectrum.useObs}`.
    values : mapping
        Field -> value. Each is made a safe name of a file; what is None or empty becomes "unnamed".

    Returns
    -------
    str
        With `/` between its parts.

    Raises
    ------
    InvalidOptions
        Where the pattern is none, leads out of the destination, or names a field that is not among the values.
    """
    return "/".join(_expand_segment(segment, values) for segment in _segments(pattern))


def _expand_segment(segment: str, values: Mapping[str, object]) -> str:
    def value_of(field: re.Match[str]) -> str:
        if field[1] not in values:
            known = list(values)
            more = f" and {len(known) - MAX_KNOWN} more" if len(known) > MAX_KNOWN else ""
            raise InvalidOptions(
                f"folder names {{{field[1]}}}, which is not known: there are {', '.join(known[:MAX_KNOWN])}{more}"
            )
        value = values[field[1]]
        return safe_name("" if value is None else str(value))

    return FIELD.sub(value_of, segment).encode()[:MAX_SEGMENT_BYTES].decode(errors="ignore")


@lru_cache(maxsize=16)
def _segments(pattern: str) -> tuple[str, ...]:
    """Return the parts of a pattern, checked; the values are safe, so that what is left of the path is its own."""
    segments = tuple(pattern.removesuffix("/").split("/"))
    for segment in segments:
        literal = FIELD.sub("x", segment)
        if not literal or literal.startswith((".", "~")) or not literal.isprintable():
            raise InvalidOptions(
                f"folder is {pattern!r}: give a path below the destination, like {{name}} or M82/{{useObs}}"
            )
        if set("{}\\") & set(literal):
            raise InvalidOptions(f"folder is {pattern!r}: each {{ needs its }}, and there is no backslash")
    return segments

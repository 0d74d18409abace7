"""FITS files with binary tables, written without any package for it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

BLOCK: Final = 2880  # bytes
CODES: Final = {"I": "h", "J": "i", "E": "f", "D": "d"}
Card = tuple[str, Any]


class Column(NamedTuple):
    """A column; `form` is its TFORM: "I", "J", "E", "D", or "PE" for a list of floats of any length in each row."""

    name: str
    form: str
    values: Sequence[Any]
    unit: str = ""


def fits_file(cards: Iterable[Card], *tables: bytes) -> bytes:
    """Return a file whose primary header has these cards and no data, with its tables."""
    start: list[Card] = [("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)]
    return _header([*start, *cards]) + b"".join(tables)


def fits_table(name: str, cards: Iterable[Card], columns: Sequence[Column]) -> bytes:
    """Return a binary table; `cards` come after those that describe the columns."""
    heap = bytearray()
    packed = [_cells(column, heap) for column in columns]
    rows = b"".join(b"".join(row) for row in zip(*packed, strict=True))
    count = len(columns[0].values)
    head: list[Card] = [
        *(("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", len(rows) // count), ("NAXIS2", count)),
        *(("PCOUNT", len(heap)), ("GCOUNT", 1), ("TFIELDS", len(columns)), ("EXTNAME", name)),
    ]
    for number, column in enumerate(columns, start=1):
        longest = f"({max(map(len, column.values))})" if column.form == "PE" else ""
        head += [(f"TTYPE{number}", column.name), (f"TFORM{number}", column.form + longest)]
        head += [(f"TUNIT{number}", column.unit)] if column.unit else []
    return _header([*head, *cards]) + _padded(rows + heap, b"\0")


def _cells(column: Column, heap: bytearray) -> list[bytes]:
    if column.form != "PE":
        code = f">{CODES[column.form]}"
        return [struct.pack(code, value) for value in column.values]
    cells = []
    for values in column.values:
        cells.append(struct.pack(">ii", len(values), len(heap)))
        heap += struct.pack(f">{len(values)}f", *values)
    return cells


def _header(cards: Iterable[Card]) -> bytes:
    return _padded(
        "".join(f"{_card(key, value):80}" for key, value in cards).encode("ascii") + f"{'END':80}".encode(), b" "
    )


def _card(key: str, value: Any) -> str:
    if isinstance(value, str):
        text = value.encode("ascii", "replace").decode().replace("'", "''")[:67]
        return f"{key:8}= '{text:8}'"
    return f"{key:8}= {'FT'[value] if isinstance(value, bool) else repr(value).upper():>20}"


def _padded(content: bytes | bytearray, filler: bytes) -> bytes:
    return bytes(content) + filler * (-len(content) % BLOCK)

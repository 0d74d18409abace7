"""Read one answer of the service, within limits: a few kB on the way can be GB of objects."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from ukssdc.texts import MAX_TEXT, shorten

MIB = 2**20  # bytes
MAX_PARAMETER = 100_000  # characters: lists of thousands of observations
MAX_CONTAINERS = 500_000  # lists and objects; a row of a light curve is one, and takes far more memory than its bytes
MAX_VALUES = 4_000_000
MAX_DEPTH = 100  # levels of lists and objects; pydantic stores no more than some 250
BLOCK = 65536  # bytes


@dataclass(frozen=True)
class AnswerLimits:
    """How much of an answer is read.

    Attributes
    ----------
    size : int
        Bytes, unpacked.
    text : int
        Characters of each text in it.
    """

    size: int = 4 * MIB
    text: int = MAX_TEXT


TEXTS = AnswerLimits()
PARAMETERS = AnswerLimits(text=MAX_PARAMETER)
RESULTS = AnswerLimits(size=64 * MIB, text=MAX_PARAMETER)  # light curves of years of data are some 10 MB


class AnswerTooLargeError(Exception):
    """More than the limit; its text says what."""


def read_body(response: requests.Response, limit: int) -> bytes:
    """Read a whole answer, unpacked, without ever holding more than the limit.

    Raises
    ------
    AnswerTooLargeError
    EOFError, zlib.error
        For a gzip that ends too early, or is none.
    """
    gzip = response.headers.get("Content-Encoding", "").strip().lower() in {"gzip", "x-gzip"}
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # 16: with gzip's header
    blocks: list[bytes] = []
    left = limit
    while block := response.raw.read1(BLOCK, decode_content=False):
        blocks.append(unpacker.decompress(block, left + 1) if gzip else block)
        left -= len(blocks[-1])
        if left < 0:
            raise AnswerTooLargeError(f"is larger than {limit // MIB} MiB")
    if gzip and blocks and not unpacker.eof:
        raise EOFError("the compressed answer ends too early")
    return b"".join(blocks)


def parse_answer(text: str, clean: Callable[[str], str], limits: AnswerLimits) -> Any:
    """Read JSON, and make every text in it safe: this is the one way in for what the service says.

    What is nested deeper than `MAX_DEPTH` is left out (None).

    Raises
    ------
    AnswerTooLargeError
    ValueError, RecursionError
        For what is no JSON.
    """
    containers = text.count("[") + text.count("{")
    if containers > MAX_CONTAINERS or containers + text.count(",") > MAX_VALUES:
        raise AnswerTooLargeError(f"holds more than {MAX_CONTAINERS} lists, or {MAX_VALUES} values")
    return _clean(json.loads(text), lambda item: shorten(clean(item), limits.text), MAX_DEPTH)


def _clean(value: Any, clean: Callable[[str], str], depth: int) -> Any:
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, list | dict):
        return value
    if depth == 0:
        return None
    if isinstance(value, list):
        for place, item in enumerate(value):  # in place: there may be millions
            value[place] = _clean(item, clean, depth - 1)
        return value
    return {clean(key): _clean(item, clean, depth - 1) for key, item in value.items()}

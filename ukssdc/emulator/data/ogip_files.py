"""Spectra and responses as OGIP describes them (OGIP/92-007, CAL/GEN/92-002), of an absorbed power law seen by XRT."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, Final, NamedTuple

from ukssdc.emulator.data.fits_tables import Card, Column, fits_file, fits_table

CHANNELS: Final = 1024
CHANNEL_WIDTH: Final = 0.01  # keV
FIRST_GOOD_CHANNEL: Final = 30  # 0.3 keV (protocol, section 6)
BAD, INCOMPLETE = 5, 2  # QUALITY: set bad by hand, and of the rest that fills no group
ENERGY_BIN: Final = 0.04  # keV
ENERGIES: Final = tuple(0.2 + ENERGY_BIN * step for step in range(252))  # edges, keV
AREA: Final = (  # keV, cm^2: about what XRT has
    *((0.2, 20.0), (0.5, 65.0), (1.0, 110.0), (1.5, 125.0), (2.0, 115.0), (2.5, 75.0), (4.0, 65.0), (5.0, 58.0)),
    *((6.0, 48.0), (7.0, 32.0), (8.0, 18.0), (10.5, 4.0)),
)
CROSS_SECTION: Final = (  # from, keV; c0, c1, c2 of Morrison & McCammon (1983): (c0 + c1 E + c2 E^2) / E^3, 1e-24 cm^2
    *((0.1, 34.6, 267.9, -476.1), (0.284, 78.1, 18.8, 4.3), (0.4, 71.4, 66.8, -51.4), (0.532, 95.5, 145.8, -61.1)),
    *((0.707, 308.9, -380.6, 294.0), (0.867, 120.6, 169.3, -47.7), (1.303, 141.3, 146.8, -31.5)),
    *((1.84, 202.7, 104.7, -17.0), (2.471, 342.7, 18.7, 0.0), (3.21, 352.2, 18.7, 0.0), (4.038, 433.9, -2.4, 0.75)),
    *((7.111, 629.0, 30.9, 0.0), (8.331, 701.2, 25.2, 0.0)),
)
SOURCE_AREA, BACKGROUND_AREA = 1256.6, 26704.0  # pixels: a circle of 20, and an annulus of 60 to 110
MISSION: Final[tuple[Card, ...]] = (("TELESCOP", "SWIFT"), ("INSTRUME", "XRT"), ("FILTER", "NONE"))


class Redistribution(NamedTuple):
    """Where the photons of one bin of energy go: the first channel, and the part that goes into each from there on."""

    first: int
    parts: tuple[float, ...]


class RegionCounts(NamedTuple):
    """The counts of a region.

    Attributes
    ----------
    exposure : float
        s.
    counts : sequence of int
        Per channel.
    area : float
        Of the region, pixels.
    """

    exposure: float
    counts: Sequence[int]
    area: float


def effective_area(energy: float) -> float:
    """Return the effective area at an energy (keV), cm^2."""
    upper = min(max(bisect_right(AREA, (energy, math.inf)), 1), len(AREA) - 1)
    (low, at_low), (high, at_high) = AREA[upper - 1], AREA[upper]
    return at_low + (at_high - at_low) * (energy - low) / (high - low)


def absorption(energy: float, column: float) -> float:
    """Return the part of the photons of an energy (keV) that a column (cm^-2) lets through."""
    _, c0, c1, c2 = CROSS_SECTION[max(bisect_right(CROSS_SECTION, (energy, math.inf)), 1) - 1]
    return math.exp(-column * 1e-24 * (c0 + c1 * energy + c2 * energy**2) / energy**3)


@cache
def redistribution() -> tuple[Redistribution, ...]:
    """Return the response matrix: a line that is 0.05 to 0.15 keV wide; each row adds up to 1, or less at the ends."""
    rows = []
    for low, high in itertools.pairwise(ENERGIES):
        middle = (low + high) / 2
        sigma = 0.022 + 0.004 * middle
        first = max(0, int((middle - 4 * sigma) / CHANNEL_WIDTH))
        last = min(CHANNELS - 1, int((middle + 4 * sigma) / CHANNEL_WIDTH))
        edges = [
            0.5 * math.erf((channel * CHANNEL_WIDTH - middle) / (sigma * math.sqrt(2)))
            for channel in range(first, last + 2)
        ]
        rows.append(Redistribution(first, tuple(b - a for a, b in itertools.pairwise(edges))))
    return tuple(rows)


def expected_counts(gamma: float, column: float, total: float) -> list[float]:
    """Return the counts expected in each channel of an absorbed power law; together they are `total`."""
    counts = [0.0] * CHANNELS
    for low, high, row in zip(ENERGIES, ENERGIES[1:], redistribution(), strict=False):
        middle = (low + high) / 2
        photons = middle**-gamma * absorption(middle, column) * effective_area(middle)
        for channel, part in enumerate(row.parts, start=row.first):
            counts[channel] += photons * part
    scale = total / sum(counts)
    return [scale * count for count in counts]


def draw_counts(expected: Sequence[float], rng: Random) -> list[int]:
    """Return counts as they are observed."""
    return [_poisson(count, rng) for count in expected]


def spectrum_file(spectrum: RegionCounts, kind: str, files: Mapping[str, str], *cards: Card, grouped: bool) -> bytes:
    """Return a spectrum; `kind` is TOTAL or BKG, `files` the cards that name other files.

    A grouped one has at least a count in each bin, and its channels below 0.3 keV are marked bad.
    """
    names = {key: files.get(key, "NONE") for key in ("BACKFILE", "CORRFILE", "RESPFILE", "ANCRFILE")}
    head: list[Card] = [
        *MISSION, *cards, *names.items(),
        *(("HDUCLASS", "OGIP"), ("HDUCLAS1", "SPECTRUM"), ("HDUCLAS2", kind), ("HDUCLAS3", "COUNT")),
        *(("HDUVERS", "1.2.1"), ("PHAVERSN", "1992a"), ("EXPOSURE", spectrum.exposure), ("AREASCAL", 1.0)),
        *(("BACKSCAL", spectrum.area / 1e6), ("CORRSCAL", 1.0), ("POISSERR", True), ("SYS_ERR", 0)),
        *(("CHANTYPE", "PI"), ("DETCHANS", CHANNELS), ("TLMIN1", 0), ("TLMAX1", CHANNELS - 1)),
    ]  # fmt: skip
    columns = [Column("CHANNEL", "I", range(CHANNELS)), Column("COUNTS", "J", spectrum.counts, "count")]
    if grouped:
        quality, grouping = _group(spectrum.counts)
        columns += [Column("QUALITY", "I", quality), Column("GROUPING", "I", grouping)]
    else:
        head += [("QUALITY", 0), ("GROUPING", 0)]
    return fits_file((), fits_table("SPECTRUM", head, columns))


def arf_file(*cards: Card) -> bytes:
    """Return the effective area."""
    head: list[Card] = [
        *(*MISSION, *cards, ("HDUCLASS", "OGIP"), ("HDUCLAS1", "RESPONSE"), ("HDUCLAS2", "SPECRESP")),
        *(("HDUVERS", "1.1.0"), ("ARFVERSN", "1992a")),
    ]
    areas = [effective_area((low + high) / 2) for low, high in itertools.pairwise(ENERGIES)]
    return fits_file((), fits_table("SPECRESP", head, [*_energy_columns(), Column("SPECRESP", "E", areas, "cm**2")]))


@cache
def rmf_file(mode: str) -> bytes:
    """Return the redistribution matrix, and the energies of the channels."""
    rows = redistribution()
    common: list[Card] = [
        *(*MISSION, ("DATAMODE", mode), ("CHANTYPE", "PI"), ("DETCHANS", CHANNELS)),
        *(("HDUCLASS", "OGIP"), ("HDUCLAS1", "RESPONSE"), ("RMFVERSN", "1992a")),
    ]
    matrix: list[Card] = [
        *(*common, ("HDUCLAS2", "RSP_MATRIX"), ("HDUCLAS3", "REDIST"), ("HDUVERS", "1.3.0"), ("LO_THRES", 0.0)),
        *(("NUMGRP", len(rows)), ("NUMELT", sum(len(row.parts) for row in rows))),
        *(("TLMIN4", 0), ("TLMAX4", CHANNELS - 1)),
    ]
    columns = [
        *_energy_columns(),
        Column("N_GRP", "I", [1] * len(rows)),
        Column("F_CHAN", "I", [row.first for row in rows]),
        Column("N_CHAN", "I", [len(row.parts) for row in rows]),
        Column("MATRIX", "PE", [row.parts for row in rows]),
    ]
    bounds: list[Card] = [
        *common,
        ("HDUCLAS2", "EBOUNDS"),
        ("HDUVERS", "1.2.0"),
        ("TLMIN1", 0),
        ("TLMAX1", CHANNELS - 1),
    ]
    edges = [CHANNEL_WIDTH * channel for channel in range(CHANNELS + 1)]
    channels = [
        Column("CHANNEL", "I", range(CHANNELS)),
        *(Column("E_MIN", "E", edges[:-1], "keV"), Column("E_MAX", "E", edges[1:], "keV")),
    ]
    return fits_file((), fits_table("MATRIX", matrix, columns), fits_table("EBOUNDS", bounds, channels))


def _energy_columns() -> list[Column]:
    return [Column("ENERG_LO", "E", ENERGIES[:-1], "keV"), Column("ENERG_HI", "E", ENERGIES[1:], "keV")]


def _group(counts: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return QUALITY and GROUPING: a bin ends with the first count in it; 1 begins a bin, -1 goes on with it."""
    quality, grouping = [BAD] * FIRST_GOOD_CHANNEL, [1] * FIRST_GOOD_CHANNEL
    start = FIRST_GOOD_CHANNEL
    for channel in range(FIRST_GOOD_CHANNEL, CHANNELS):
        grouping.append(1 if channel == start else -1)
        if counts[channel]:
            start = channel + 1
    quality += [0] * (start - FIRST_GOOD_CHANNEL) + [INCOMPLETE] * (CHANNELS - start)
    return quality, grouping


def _poisson(mean: float, rng: Random) -> int:
    if mean > 50:  # noqa: PLR2004 - as good as normal there
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def header_cards(**values: Any) -> tuple[Card, ...]:
    """Return cards of these names, without those that are None."""
    return tuple((key, value) for key, value in values.items() if value is not None)

"""The folder of a target: a pattern's fields, each made a safe name, and no way out of the destination."""

from __future__ import annotations

import pytest

from ukssdc.errors import InvalidOptions
from ukssdc.record.target_folder import expand_folder, folder_fields

VALUES = {"name": "GRB 200416A", "useObs": "00012345001,00012345002", "Spectrum.useObs": "00012345001", "z": 0.5}


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        ("{name}", "GRB_200416A"),
        ("M82/{Spectrum.useObs}", "M82/00012345001"),
        ("{name}/{useObs}/", "GRB_200416A/00012345001_00012345002"),
        ("z {z} of {name}", "z 0.5 of GRB_200416A"),
    ],
)
def test_fields_become_safe_names(pattern: str, folder: str) -> None:
    assert expand_folder(pattern, VALUES) == folder


@pytest.mark.parametrize(
    "value", ["../../etc", "/etc/passwd", "..", ".", "", None, "a/b\\c\0", "~root", "-rf", "x" * 900]
)
def test_no_value_leads_out_of_the_destination(value: str | None) -> None:
    first, last = expand_folder("{value}/end", {"value": value}).split("/")

    assert last == "end"
    assert first not in {"", ".", ".."}
    assert first[0] not in "./~-"
    assert len(first.encode()) <= 200
    assert "\0" not in first


def test_the_whole_name_of_a_folder_fits_into_a_file_system() -> None:
    assert len(expand_folder("{a}{b}{c}", dict.fromkeys("abc", "é" * 100)).encode()) <= 255


@pytest.mark.parametrize(
    "pattern",
    ["", "/", "/tmp/{name}", "../{name}", "{name}/../..", "a//b", ".x/{name}", "~/{name}", "a\\b", "{name", "}"],  # noqa: S108
)
def test_a_pattern_that_is_none_or_climbs_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidOptions, match="folder is"):
        expand_folder(pattern, VALUES)


def test_an_unknown_field_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(
        InvalidOptions, match=r"\{obsid\}, which is not known: there are name, useObs, Spectrum.useObs, z"
    ):
        expand_folder("{name}/{obsid}", VALUES)


def test_a_pattern_tells_its_fields() -> None:
    assert folder_fields("{name}/{Spectrum.useObs}/x") == ("name", "Spectrum.useObs")

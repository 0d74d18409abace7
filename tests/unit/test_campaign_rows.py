"""The rows of a campaign: columns that set parameters, all mistakes at once, and what a row is known by."""

from __future__ import annotations

import cProfile
import time
from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np
import pytest

from ukssdc import ProductRequest
from ukssdc.campaign import Row, check_rows
from ukssdc.campaign.mistakes import InvalidCampaign

TEMPLATE: dict[str, Any] = {
    "centroid": True,
    "posErr": 1,
    "getTargs": True,
    "LightCurve": {"binMeth": "obsid"},
    "Spectrum": {"hasRedshift": False, "whichData": "hours", "incHours": 12},
}
M82 = {"name": "M82", "RA": 148.9, "Dec": 69.7}


def checked(*targets: dict[str, Any], template: Any = TEMPLATE, folder: str = "{name}") -> list[Row]:
    return check_rows(targets, template, folder)


def mistakes(*targets: dict[str, Any], template: Any = TEMPLATE, folder: str = "{name}") -> list[tuple[Any, str, str]]:
    with pytest.raises(InvalidCampaign) as error:
        check_rows(targets, template, folder)
    return [(mistake.row, mistake.column, mistake.problem) for mistake in error.value.mistakes]


def test_columns_that_are_named_like_parameters_set_them_and_others_are_kept() -> None:
    target = M82 | {"LightCurve.binMeth": "snapshot", "Spectrum.useObs": "00012345001", "redshift": 0.0007}
    [row] = checked(target)

    assert row.request == ProductRequest.model_validate(
        {**TEMPLATE, **M82, "LightCurve": {"binMeth": "snapshot"},
         "Spectrum": {"hasRedshift": False, "useObs": "00012345001", "incHours": 12}}
    )  # fmt: skip
    assert (row.number, row.name, row.folder, row.columns) == (1, "M82", "M82", target)


@pytest.mark.parametrize(
    ("ra", "dec"),
    [
        ("22 22 47.64", "-07 31 04.4"),
        ("22:22:47.64", "-07:31:04.4"),
        ("22h22m47.64s", "\u221207d31m04.4s"),
        ("335.6985", "-7.51788889"),
        (22.3799 * u.hourangle, -7.51788889 * u.deg),
        (20141.91 * u.arcmin, "-7\u00b0 31\u2032 4.4\u2033"),
        (np.float64(335.6985), np.float32(-7.51788889)),
    ],
)
def test_positions_are_read_as_astronomers_write_them(ra: Any, dec: Any) -> None:
    [row] = checked({"Name": "GRB", "ra": ra, "DEC": dec})

    assert row.request.ra == pytest.approx(335.6985, abs=1e-6)
    assert row.request.dec == pytest.approx(-7.51788889, abs=1e-6)


def test_units_of_columns_are_brought_to_those_of_the_parameters() -> None:
    units = {"RA": "hourangle", "Dec": "arcmin", "posErr": "arcsec", "T0": "d", "Spectrum.incHours": "d"}
    target = {"name": "x", "RA": 12, "Dec": "60", "posErr": 90, "T0": 7000.5, "Spectrum.incHours": 0.5}
    [row] = check_rows([target], TEMPLATE, units=units)

    request = row.request
    assert (request.ra, request.dec, request.pos_err, request.t0) == (180, 1, 1.5, 7000.5 * 86400)
    assert request.spectrum
    assert request.spectrum.inc_hours == 12


def test_a_unit_of_another_kind_is_a_mistake_of_its_column() -> None:
    with pytest.raises(InvalidCampaign, match="column RA: its unit is Jy, which is not one of deg"):
        check_rows([M82], TEMPLATE, units={"RA": "Jy"})
    assert mistakes(M82 | {"RA": 3 * u.Jy}) == [(1, "RA", "RA is 3.0 Jy: give it in deg")]


def test_what_a_row_gives_takes_the_place_of_what_the_service_was_to_find() -> None:
    first, second = checked(M82 | {"targ": "12345"}, M82 | {"targ": None})

    assert (first.request.targ, first.request.get_targs) == ("00012345", False)
    assert (second.request.targ, second.request.get_targs) == (None, True)


def test_a_product_s_own_column_says_whether_it_is_asked_for() -> None:
    first, second = checked(M82 | {"Spectrum": "no"}, M82 | {"StandardPos": True})

    assert first.request.products == ("LightCurve",)
    assert second.request.products == ("LightCurve", "Spectrum", "StandardPos")


def test_a_row_may_hold_sections_as_a_request_does() -> None:
    [row] = checked(M82 | {"LightCurve": {"binMeth": "snapshot"}}, template={"centroid": False, "getTargs": True})

    assert row.request.products == ("LightCurve",)
    assert row.columns == M82 | {"LightCurve": True, "LightCurve.binMeth": "snapshot"}


def test_all_mistakes_of_all_rows_are_told_at_once() -> None:
    found = mistakes(
        M82 | {"RA": 400, "LightCurve.binMeth": "foo"},
        M82 | {"Dec": "x", "LightCurve.binMth": "obsid"},
        {"name": "no position", "RA": None, "Dec": None},
    )

    assert [(row, column) for row, column, _ in found] == [
        (None, "LightCurve.binMth"), (1, "RA"), (1, "LightCurve.binMeth"), (2, "Dec"), (3, "RA"), (3, "Dec"),
    ]  # fmt: skip
    assert "did you mean binMeth?" in found[0][2]
    assert found[1][2] == "RA is 400, which is not permitted: give a number from 0 to 360 (deg)"


def test_the_message_names_row_target_and_column() -> None:
    with pytest.raises(InvalidCampaign, match=r"has 1 mistake:\n  - row 2 \(M81\), column RA: RA is 400"):
        checked(M82, M82 | {"name": "M81", "RA": 400})


def test_what_the_template_lacks_or_has_wrong_is_told_once() -> None:
    template = {"centroid": True, "LightCurve": {"binMeth": "obsid", "minEnergy": -1}}
    found = mistakes(M82, M82 | {"name": "M81"}, template=template)

    assert [(row, column) for row, column, _ in found] == [
        (None, "targ"), (None, "posErr"), (None, "LightCurve.minEnergy"),
    ]  # fmt: skip
    assert all(problem.startswith("all rows: ") for _, _, problem in found)


def test_a_column_that_may_have_been_meant_is_named() -> None:
    target = {"name": "x", "RAJ2000": 1, "_DEJ2000": 2, "posErrr": 3}
    found = mistakes(target, template={"getTargs": True, "centroid": True, "Image": {}})

    assert {problem.partition(". If ")[2] for _, _, problem in found} == {
        "it is in column RAJ2000, name that RA",
        "it is in column _DEJ2000, name that Dec",
        "it is in column posErrr, name that posErr",
    }


def test_equal_rows_are_refused_and_both_are_named() -> None:
    other = M82 | {"name": "M81"}

    assert mistakes(M82, other, M82 | {"mag": 3}) == [
        (3, "", "it asks for the same as row 1 (M82), into the same folder: leave out one")
    ]


def test_different_rows_may_share_a_folder() -> None:
    first, second = checked(M82 | {"Spectrum.useObs": "00012345001"}, M82 | {"Spectrum.useObs": "00012345002"})

    assert first.folder == second.folder
    assert first.key != second.key


def test_a_row_is_known_by_what_is_sent_and_its_folder_alone() -> None:
    [row] = checked(M82)
    [moved] = checked(M82, folder="x/{name}")
    [noted] = checked(M82 | {"note": "bright", "Dec": "69.7"})

    assert row.key == noted.key != moved.key
    assert "UserID" not in row.body


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        ("{name}/{useObs}", "M82/00012345001"),
        ("{Spectrum.useObs}", "00012345001"),
        ("{class}/{name}", "ULX/M82"),
        ("{LightCurve.binMeth}-{RA}", "obsid-148.9"),
        ("{Image.useObs}", "unnamed"),
    ],
)
def test_the_folder_is_made_of_columns_and_parameters(pattern: str, folder: str) -> None:
    [row] = checked(M82 | {"Spectrum.useObs": "12345001", "class": "ULX"}, folder=pattern)

    assert row.folder == folder


def test_an_unknown_field_of_the_folder_is_one_mistake() -> None:
    [found] = mistakes(M82, M82 | {"name": "M81"}, folder="{obsid}")

    assert found[2].startswith("all rows: folder names {obsid}, which is not known: there are name, RA, Dec")
    assert mistakes(M82, folder="../{name}")[0][2].startswith("folder is '../{name}'")


def test_no_target_is_a_mistake() -> None:
    assert mistakes() == [(None, "", "there is no target: give a row for each")]


def test_no_account_comes_out_of_a_table() -> None:
    with pytest.raises(InvalidCampaign) as error:
        checked(M82 | {"name": "observer@example.org", "RA": 400, "UserID": "observer@example.org"})
    assert "@" not in str(error.value)


def test_a_column_with_the_account_is_refused() -> None:
    [found] = mistakes(M82 | {"userid": "observer@example.org"}, M82 | {"name": "M81"})

    assert found[:2] == (None, "userid")
    assert "@" not in found[2]


def many(count: int) -> list[dict[str, Any]]:
    """Return so many targets, every 199th of the first fifty of which has a mistake."""
    targets: list[dict[str, Any]] = [M82 | {"name": f"T {n}", "RA": n * 0.0359} for n in range(count)]
    for n in range(min(50, count // 199)):
        targets[n * 199] |= {"Dec": "x"} if n % 2 else {"RA": 400}
    return targets


def calls_of(function: Callable[[], object]) -> int:
    """Return how many calls of Python's a function makes: a time that no other process changes."""
    profile = cProfile.Profile()
    profile.runcall(function)
    return sum(entry.callcount for entry in profile.getstats())


def test_a_row_costs_little_more_than_its_request() -> None:
    values = ProductRequest.model_validate(TEMPLATE | M82).model_dump()
    targets = many(400)

    alone = calls_of(lambda: [ProductRequest.model_validate(values) for _ in targets])

    assert calls_of(lambda: mistakes(*targets)) < 2 * alone


@pytest.mark.long
def test_ten_thousand_targets_with_fifty_mistakes_are_refused_in_seconds() -> None:
    targets = many(10_000)

    began = time.process_time()
    found = mistakes(*targets)
    spent = time.process_time() - began

    assert [(row, column) for row, column, _ in found] == [(n * 199 + 1, ("RA", "Dec")[n % 2]) for n in range(50)]
    assert spent < 5


def test_a_sexagesimal_position_has_no_digits_of_its_own_making() -> None:
    [row] = checked({"name": "GRB", "RA": "22:22:47.64", "Dec": "-07:31:04.4"})

    assert (row.request.ra, row.request.dec) == (335.6985, -7.517888889)


def test_what_one_row_lacks_is_told_with_the_row_first() -> None:
    with pytest.raises(InvalidCampaign) as error:
        checked({"name": "a", "RA": 1, "Dec": 2}, {"name": "b", "RA": 1})

    assert str(error.value.mistakes[0]).startswith("row 2 (b), column Dec: Dec is missing")

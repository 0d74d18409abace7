"""What --dry-run shows: the jobs, the time, and where one job would do."""

from __future__ import annotations

from typing import Any

import pytest

from ukssdc.campaign import Row, check_rows, format_duration, plan

TEMPLATE: dict[str, Any] = {
    "RA": 148.9,
    "Dec": 69.7,
    "centroid": False,
    "getTargs": True,
    "LightCurve": {"binMeth": "obsid"},
    "Spectrum": {"hasRedshift": False},
}


def m82(count: int, template: dict[str, Any] = TEMPLATE) -> list[Row]:
    observations = [f"000{32503000 + n}" for n in range(count)]
    targets = [{"name": f"M82 {o}", "Spectrum.useObs": o, "LightCurve.useObs": o} for o in observations]
    return check_rows(targets, template, "M82/{useObs}")


def test_a_plan_tells_jobs_and_time_and_says_what_that_rests_on() -> None:
    found = plan(m82(227))

    assert (found.jobs, found.finished, found.max_active) == (227, 0, 5)
    assert found.duration == (46 * 540, 46 * 3600)
    text = str(found)
    assert "227 jobs would be submitted, 5 active at once." in text
    assert "Time: 6 h 54 min to 1 d 22 h, if a job takes 9 min to 1 h" in text
    assert "... and 207 more" in text
    assert "What is sent for row 1:\n\n  name: M82 00032503000\n" in text


def test_what_is_done_is_not_sent_again() -> None:
    rows = m82(10)
    found = plan(rows, finished={row.key for row in rows[:9]})

    assert (found.jobs, found.finished) == (1, 9)
    assert "1 job would be submitted, 5 active at once; 9 rows submitted already." in str(found)
    assert str(plan(rows, finished={row.key for row in rows})).count("\n") == 1


def test_observations_of_one_target_are_one_job() -> None:
    [group] = plan(m82(227)).one_job

    assert (len(group.rows), len(group.observations)) == (227, 227)
    text = " ".join(str(plan(m82(227))).split())
    assert "227 rows (1 to 227) differ in useObs alone" in text
    assert "One job with `LightCurve.binMeth: obsid` and `Spectrum.timeslice: obsid`" in text


@pytest.mark.parametrize("product", ["Image", "StandardPos"])
def test_other_products_are_not_made_for_each_observation(product: str) -> None:
    assert plan(m82(3, TEMPLATE | {product: {}})).one_job == ()


def test_targets_that_differ_need_a_job_each() -> None:
    observation = {"Spectrum.useObs": "00012345001", "LightCurve.useObs": "00012345001"}
    targets = [{"name": f"T{n}", "RA": n} | observation for n in range(3)]
    assert plan(check_rows(targets, TEMPLATE)).one_job == ()

    everything = [{"name": f"T{n}"} for n in range(2)]
    assert plan(check_rows(everything, TEMPLATE)).one_job == ()

    nameless = {k: v for k, v in TEMPLATE.items() if k not in {"RA", "Dec"}} | {"getCoords": True}
    assert plan(check_rows([{"name": f"T{n}"} | observation for n in range(2)], nameless)).one_job == ()


def test_the_text_is_eighty_characters_wide_whatever_the_names() -> None:
    targets = [{"name": f"{n} " + "very long \u202e name " * 9, "RA": n} for n in range(30)]
    lines = str(plan([*check_rows(targets, TEMPLATE), *m82(30)])).splitlines()

    assert max(map(len, lines)) <= 80
    assert "\u202e" not in "".join(lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (44.6, "45 s"),
        (90, "2 min"),
        (3600, "1 h"),
        (4200, "1 h 10 min"),
        (86400 + 59, "1 d"),
        (183600, "2 d 3 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_columns_that_set_nothing_are_named_with_what_would() -> None:
    target = {"name": "M82", "useobs": "00032503001", "redshift": 0.1, "state": "high"}

    text = " ".join(str(plan(check_rows([target], TEMPLATE))).split())

    unused = "useobs (LightCurve.useObs would set it), redshift (Spectrum.redshift would set it), state Time:"
    assert f"These columns set nothing, and are in the results: {unused}" in text
    assert "set nothing" not in str(plan(m82(3)))

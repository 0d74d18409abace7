"""Lists of obsIDs, target IDs and times as people paste them: brought to the service's form, or refused by item."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from request_examples import EMAIL, flat, only_problem_of

from ukssdc import Client, ProductRequest
from ukssdc.emulator import Emulator
from ukssdc.request.parameters import Image, LightCurve, Spectrum

TWO = "00012345001,00016843001"
SPECTRUM = {"hasRedshift": False, "timeslice": "user", "rname1": "a"}


def sent(value: Any) -> str | None:
    """Return the observations of a light curve as they are sent."""
    return LightCurve.model_validate({"binMeth": "obsid", "useObs": value}).use_obs


PASTED = [
    "00012345001\n00016843001",
    "00012345001\r\n00016843001\r\n",
    "\n  00012345001\n\n  00016843001  \n\n",
    "00012345001, 00016843001,",
    "00012345001,,00016843001",
    "00012345001;00016843001;",
    "00012345001\t00016843001",
    "00012345001 00016843001",
    "['00012345001', '00016843001']",
    '["00012345001", "00016843001",]',
    "('00012345001', '00016843001')",
    "{00012345001,00016843001}",
    "['00012345001' '00016843001']",
    "[np.int64(12345001), np.int64(16843001)]",
    "[12345001.0, 16843001.0]",
    "12345001.0\n16843001.0",
    "12345001, 16843001",
    "1.2345001E7, 1.6843001E+07",
    "'00012345001\n'00016843001",
    '="00012345001"\n="00016843001"',
    "\ufeff00012345001\u200b,\u00a000016843001",
    "\u201c00012345001\u201d, \u201c00016843001\u201d",
    "::ObsID=00012345001, ObsID 00016843001",
    "sw00012345001, sw00016843001",
    ["00012345001", "00016843001"],
    ["00012345001, 00016843001"],
    ["00012345001", "", " 16843001 "],
    ("00012345001", 16843001),
    {"00016843001", "00012345001"},
    [12345001, 16843001],
    [12345001.0, 16843001.0],
    [Decimal(12345001), Fraction(16843001)],
    np.array([12345001, 16843001]),
    np.array([12345001.0, 16843001.0]),
    np.array(["00012345001", "00016843001"]),
]


@pytest.mark.parametrize("value", PASTED)
def test_a_list_of_observations_is_brought_to_11_digits_each(value: Any) -> None:
    assert sent(value) == TWO


def test_a_column_of_a_table_is_a_list() -> None:
    pandas, astropy = import_module("pandas"), import_module("astropy.table")

    assert sent(pandas.Series([12345001.0, 16843001.0])) == TWO
    assert sent(astropy.Table({"ObsID": [12345001, 16843001]})["ObsID"]) == TWO


@pytest.mark.parametrize("value", [16843001, 16843001.0, "16843001.", np.int32(16843001), Decimal("16843001.0")])
def test_one_observation_is_a_list_as_well(value: Any) -> None:
    assert sent(value) == "00016843001"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("966554", "00966554"),
        ("966554.0\n32503.0", "00966554,00032503"),
        ("['00091489', '00032503']", "00091489,00032503"),
        ("00091489,", "00091489"),
        (32503, "00032503"),
        ([32503.0, np.int64(91489), "00966554"], "00032503,00091489,00966554"),
        ("{00091489,00032503}", "00091489,00032503"),
    ],
)
def test_target_ids_are_brought_to_8_digits(value: Any, expected: str) -> None:
    assert ProductRequest.model_validate(flat(targ=value)).targ == expected


REFUSED = [
    ("00012345001\n00012345002\n0001684300", "item 3, '0001684300', has 10 digits, an obsID 11"),
    ("00012345001,00016843", "item 2, '00016843', is a target ID: an obsID has 11 digits"),
    ("00012345001,32503", "item 2, '32503', may be a target ID or an obsID without its leading zeros"),
    ("00012345001,000123450012", "item 2, '000123450012', has 12 digits"),
    ("00012345001, early", "item 2, 'early', is neither an obsID nor start-stop times"),
    ("00012345001, 16843001.5", "item 2, '16843001.5', is neither"),
    ("00012345001, -16843001", "item 2, '-16843001', is neither"),
    ("00012345001, 9.66554E+08", "item 2, '9.66554E+08', has been rounded by a spreadsheet"),
    ("00012345001, 00012345001-00012345005", "item 2, '00012345001-00012345005', is a range of obsIDs: list each"),
    ("00012345001, 200-100", "item 2, '200-100', ends before it begins"),
    ("00012345001, 100-100", "item 2, '100-100', begins and ends at the same time"),
    ("00012345001, 2020-04-17-2020-04-16", "item 2, '2020-04-17-2020-04-16', ends before it begins"),
    ("00012345001, 2020-13-01-2020-14-01", "item 2, '2020-13-01-2020-14-01', holds 2020-13-01, which is no date"),
    ("[(500000000, 500001000)]", "item 1, '(500000000', is neither"),
    (["00012345001", None], "item 2, None, is neither"),
    (["00012345001", True], "item 2, true, is neither"),
    (["00012345001", float("nan")], "item 2, nan, is neither"),
    (["00012345001", float("inf")], "item 2, inf, is neither"),
    (["00012345001", Decimal("sNaN")], "item 2, Decimal('sNaN'), is neither"),
    (["00012345001", 10**5000], "item 2, a number of thousands of digits, is neither"),
    (["00012345001", ["00012345002"]], "item 2, ['00012345002'], is neither"),
    (["00012345001", {"a": 1}], "item 2, {'a': 1}, is neither"),
    (["00012345001", np.float32(966554000)], "may have been rounded, as its type has too few digits"),
    (["00012345001", "9" * 5000], "has 5000 digits, an obsID 11"),
    ("a,b", "has items that are not permitted: item 1, 'a', is neither an obsID nor start-stop times; item 2, 'b', is"),
    (",".join("abcdefg"), "item 5, 'e', is neither an obsID nor start-stop times; and 2 more"),
]


@pytest.mark.parametrize(("value", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
def test_what_may_mean_two_things_or_none_is_refused_with_its_place(value: Any, problem: str) -> None:
    refusal = only_problem_of(flat(LightCurve={"binMeth": "obsid", "useObs": value}))

    assert refusal.startswith("LightCurve.useObs has ")
    assert problem in refusal
    assert refusal.endswith(': give obsIDs of 11 digits, or start-stop times, comma-separated, like "00966554000"')


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("00091489,00016843001", "item 2, '00016843001', is an obsID: its target ID is 00016843"),
        ("00091489,0032503", "item 2, '0032503', has 7 digits, a target ID 8"),
        (["00091489", "M82"], "item 2, 'M82', is no target ID"),
        (",", "targ is ',', which is not permitted"),
        ([], "targ is [], which is not permitted"),
    ],
)
def test_a_target_id_that_is_none_is_refused_with_its_place(value: Any, problem: str) -> None:
    assert problem in only_problem_of(flat(targ=value))


RANGES = [
    "100-2000",
    "-100-2000",
    "0.5-1e3",
    "1e-3-5e2",
    "608713541.952-608723541.952",
    "58955.1-58956.2",
    "MJD58955-MJD58956",
    "2020-04-16-2020-04-17",
    "2020-04-16 00:00:00-2020-04-17 12:30:00.5",
    "2020-04-16T00:00:00 - 2020-04-16T00:00:01",
    "2020-Apr-16 - 2020-May-01",
    "16-Apr-2020 - 1 May 2020",
    "2020/04/16-2020/04/17",
    "2020-107 - 2020-108",
    "608713541-2020-04-17",
]


@pytest.mark.parametrize("value", RANGES)
def test_times_pass_as_they_are(value: str) -> None:
    assert sent(f"00012345001,{value}") == f"00012345001,{value}"
    assert Spectrum.model_validate(SPECTRUM | {"gti1": value}).gti1 == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0 - 1000", "0-1000"),
        ("0\u20131000", "0-1000"),
        ("0-100\n500-1000,", "0-100,500-1000"),
        (["0-100", "500-1000"], "0-100,500-1000"),
        ("['0-100' '500-1000']", "0-100,500-1000"),
    ],
)
def test_times_are_pasted_in_lists_too(value: Any, expected: str) -> None:
    assert sent(value) == expected
    assert Spectrum.model_validate(SPECTRUM | {"gti1": value}).gti1 == expected


def test_a_date_is_an_observation_of_that_day() -> None:
    assert sent("2020-04-16") == "2020-04-16"


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("early", "gti1 is 'early', which is not permitted (it is no start-stop times)"),
        ("1000-0", "gti1 is '1000-0', which is not permitted (it ends before it begins)"),
        ("0-100,200", "gti1 has an item that is not permitted: item 2, '200', is no start-stop times"),
        (1000, "gti1 is 1000, which is not permitted (it is no start-stop times)"),
        ([0, 1000], "gti1 has items that are not permitted: item 1, 0, is no start-stop times; item 2, 1000, is"),
        ("00012345001", "gti1 is '00012345001', which is not permitted"),
    ],
)
def test_times_of_a_slice_are_refused_with_the_item(value: Any, problem: str) -> None:
    refusal = only_problem_of(flat(Spectrum=SPECTRUM | {"gti1": value}))

    assert problem in refusal
    assert refusal.endswith('give start-stop times, like "0-1000"')


@pytest.mark.parametrize("value", ["powerlaw\napec\n", "['powerlaw', 'apec',]", "{powerlaw,apec}", "powerlaw; APEC"])
def test_models_are_pasted_as_well(value: str) -> None:
    assert Spectrum.model_validate({"hasRedshift": False, "models": value}).models == ("powerlaw", "apec")


@pytest.mark.parametrize("value", ["0.3-10\n1-4\n", "['0.3-10', '1-4']", ("0.3-10", "1-4"), "0.3\u201310, 1-4,"])
def test_bands_are_pasted_as_well(value: Any) -> None:
    assert Image.model_validate({"energies": value}).energies == "0.3-10,1-4"


NUMBERS = [Decimal("1.5"), Fraction(3, 2), np.float64(1.5), np.float32(1.5), np.float16(1.5)]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_a_number_of_any_type_is_sent_as_a_plain_one(number: Any) -> None:
    body = ProductRequest.model_validate(flat(posErr=number, T0=number)).to_wire(EMAIL)

    assert (body["poserr"], type(body["poserr"])) == (1.5, float)
    assert json.loads(json.dumps(body)) == body


@pytest.mark.parametrize("number", [Decimal(20), Fraction(20), np.int64(20), np.uint8(20), np.float64(20)], ids=repr)
def test_a_whole_number_of_any_type_is_sent_as_a_plain_one(number: Any) -> None:
    body = ProductRequest.model_validate(flat(maxCentTries=number)).to_wire(EMAIL)

    assert (body["maxCentTries"], type(body["maxCentTries"])) == (20, int)


@pytest.mark.parametrize("yes", [np.True_, np.int64(1), Decimal(1), 1.0, np.str_("yes")], ids=repr)
def test_a_flag_of_any_type_is_a_flag(yes: Any) -> None:
    body = ProductRequest.model_validate(flat(sss=yes, EnhancedPos=yes, name=np.str_("M82"))).to_wire(EMAIL)

    assert (body["sss"], type(body["sss"]), body["doenh"], type(body["name"])) == (1, int, 1, str)


@pytest.mark.parametrize("grade", [np.int64(4), 4.0, Decimal(4)], ids=repr)
def test_a_word_that_is_a_number_may_be_of_any_type(grade: Any) -> None:
    assert LightCurve.model_validate({"binMeth": "obsid", "grades": grade}).grades == "4"


def test_the_service_gets_the_list_in_its_own_form() -> None:
    request = flat(targ="966554.0\n", LightCurve={"binMeth": "obsid", "useObs": "['16843001.0',\n '12345001']"})

    with Emulator() as emulator:
        job = Client(EMAIL, emulator.url).submit(request)
        pars = emulator.jobs[job.job_id].pars

    assert (pars["targ"], pars["uselcobs"]) == ("00966554", "00016843001,00012345001")

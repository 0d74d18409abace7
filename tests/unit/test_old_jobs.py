"""Parameters of older versions: what can be read is kept, what cannot is named, and nothing is made up."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from request_examples import COUNTS, EMAIL, flat

from ukssdc import Client, InvalidRequest, Product, ProductRequest
from ukssdc.emulator import Emulator
from ukssdc.emulator.core.submission import complete

NEW = complete(ProductRequest.model_validate(flat(LightCurve=COUNTS, Spectrum={"hasRedshift": False})).to_wire(EMAIL))

OLD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"useSXPS": "2SXPS"}, {"use_sxps": None}, "useSXPS is '2SXPS', which is not permitted: give true or false"),
    ({"centMeth": "3"}, {"cent_meth": None}, "centMeth is '3', which is not permitted: give simple or iterative"),
    (
        {"cent": 1, "poserr": 60},
        {"centroid": True, "pos_err": None},
        "posErr is 60, which is not permitted: give a number from 1 to 6 (arcmin)",
    ),
    ({"targ": "unknown"}, {"targ": None}, "targ is 'unknown', which is not permitted (it is no target ID)"),
    ({"RA": "22:22:47.6"}, {"ra": None, "dec": -7.5179}, "RA is '22:22:47.6', which is not permitted"),
    ({"maxCentTries": {"a": 1}}, {"max_cent_tries": None}, "maxCentTries is {'a': 1}, which is not permitted"),
    ({"lc": "perhaps"}, {"light_curve": None}, "LightCurve is 'perhaps': give true or false"),
    ({"usexyz": 1}, {}, "usexyz is not known here"),
]


@pytest.mark.parametrize(("old", "kept", "problem"), OLD, ids=[problem for *_, problem in OLD])
def test_what_cannot_be_read_is_named_and_the_rest_is_kept(
    old: dict[str, Any], kept: dict[str, Any], problem: str
) -> None:
    request, (only,) = ProductRequest.read_wire(NEW | old)

    assert only.startswith(problem)
    assert {field: getattr(request, field) for field in kept} == kept
    assert (request.name, request.spectrum is not None, request.sss) == ("GRB 200416A", True, False)


def test_everything_that_cannot_be_read_is_named_at_once() -> None:
    old = {"useSXPS": "2SXPS", "centMeth": "3", "poserr": 60, "minen": "low", "posRadius": "x", "specgrades": "7"}

    _, problems = ProductRequest.read_wire(NEW | {"doenh": 1} | old)

    assert sorted(problem.split(" is ")[0] for problem in problems) == [
        "LightCurve.minEnergy",
        "Spectrum.grades",
        "StandardPos.posRadius",
        "centMeth",
        "posErr",
        "useSXPS",
    ]


@pytest.mark.parametrize(
    ("old", "field", "value"),
    [
        ({"targ": "{00091489,00032503}"}, "targ", "00091489,00032503"),
        ({"targ": "{00091489}"}, "targ", "00091489"),
        ({"targ": 966554}, "targ", "00966554"),
    ],
)
def test_a_list_in_braces_is_a_list(old: dict[str, Any], field: str, value: str) -> None:
    request, problems = ProductRequest.read_wire(NEW | old)

    assert (getattr(request, field), problems) == (value, ())


def test_models_and_observations_in_braces_are_lists_too() -> None:
    old = {"models": "{powerlaw,apec}", "specobs": "user", "usespecobs": "{00966554000,00966554001}"}

    request, problems = ProductRequest.read_wire(NEW | old)

    assert request.spectrum is not None
    assert (request.spectrum.models, request.spectrum.use_obs, problems) == (
        ("powerlaw", "apec"),
        "00966554000,00966554001",
        (),
    )


def test_a_value_that_the_service_contradicts_is_named_unless_it_is_the_default() -> None:
    odd = {"soft1": 0.1, "soft2": "1.5", "minen": 1, "hrbin": 0, "rname1": "early", "gti1": "0-9"}

    _, problems = ProductRequest.read_wire(NEW | odd)

    assert sorted(problems) == [
        "LightCurve.softLo is 0.1, which contradicts the rest",
        "Spectrum.gti1 is '0-9', which contradicts the rest",
        "Spectrum.rname1 is 'early', which contradicts the rest",
    ]


@pytest.mark.parametrize(
    ("without", "problem"),
    [
        ("name", "name is missing: give the target's name"),
        ("cent", "centroid is missing: give true or false"),
        ("poserr", "posErr is missing (centroid true needs it): give a number from 1 to 6 (arcmin)"),
        ("binMeth", "LightCurve.binMeth is missing: give counts, time, snapshot or obsid"),
    ],
)
def test_what_is_missing_is_not_made_up_and_nothing_else_is_called_missing(without: str, problem: str) -> None:
    body = {key: value for key, value in NEW.items() if key != without}

    with pytest.raises(InvalidRequest) as refused:
        ProductRequest.from_wire(body)
    request, problems = ProductRequest.read_wire(body)

    assert refused.value.problems == problems == (problem,)
    assert request.ra == 335.6985
    assert request.centroid is (None if without == "cent" else True)


def test_a_body_without_a_product_says_so() -> None:
    request, problems = ProductRequest.read_wire({"name": "M82"})

    assert (request.name, request.products) == ("M82", ())
    assert any(problem.startswith("no product is asked for") for problem in problems)


def test_what_is_left_out_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="ukssdc"):
        ProductRequest.from_wire(NEW | {"centMeth": "4"})
        ProductRequest.from_wire(NEW)

    (message,) = caplog.messages
    assert message.startswith("not everything in the request could be read: centMeth is '4', which is not permitted")


def test_an_old_job_is_read_and_its_gaps_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    with Emulator() as emulator, Client(EMAIL, emulator.url) as client:
        client.submit(flat(LightCurve=COUNTS))
        emulator.jobs[951].pars |= {"useSXPS": "2SXPS", "centMeth": "3", "poserr": 60, "name": "GRB 2004&#049;6A"}
        job = client.attach(951)
        with caplog.at_level(logging.WARNING, logger="ukssdc"):
            request = job.request
            again = job.request

        with pytest.raises(InvalidRequest, match="posErr is missing"):
            client.submit(request)

    assert request == again
    assert (request.name, request.products, request.targ) == (
        "GRB 200416A",
        (Product.LightCurve, Product.StandardPos),
        "00966554",
    )
    (message,) = caplog.messages
    assert message.startswith("job 951: not everything in its request could be read: ")
    assert [name for name in ("useSXPS", "centMeth", "posErr") if f"{name} is" in message] == [
        "useSXPS",
        "centMeth",
        "posErr",
    ]
    assert len(emulator.jobs) == 1


def test_a_complete_old_job_can_be_submitted_again() -> None:
    with Emulator() as emulator, Client(EMAIL, emulator.url) as client:
        first = client.submit(flat(LightCurve=COUNTS, Spectrum={"hasRedshift": False}))
        again = client.submit(client.attach(first.job_id).request)

        assert client.attach(again.job_id).request == client.attach(first.job_id).request

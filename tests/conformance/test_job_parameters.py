"""What the emulator makes of a request (`jobPars`) is understood by the reference client and by ours alike."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from request_strategies import EXAMPLES, requests
from swifttools.ukssdc.xrt_prods import XRTProductRequest

from ukssdc import Job, Product, ProductRequest
from ukssdc.emulator import Emulator
from ukssdc.emulator.core.submission import complete, problems
from ukssdc.lookup import matches

REQUESTS = json.loads((Path(__file__).parents[1] / "vectors" / "requests.json").read_text())
EMAIL = "observer@example.org"


def completed(request: dict[str, dict[Any, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the body of a request, and what comes back in `jobPars`, as JSON makes it."""
    body = ProductRequest.model_validate(request).to_wire(EMAIL)
    assert problems(body) == []
    pars: dict[str, Any] = json.loads(json.dumps(complete(body)))
    return body, pars


def products_in(reference: XRTProductRequest) -> set[str]:
    return {product.value for product in Product if reference.hasProd(product.value)}


@settings(max_examples=EXAMPLES)
@given(requests())
def test_the_reference_client_reads_the_completed_parameters(request: dict[str, dict[Any, Any]]) -> None:
    body, pars = completed(request)

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # its own; not those of distutils
        reference = XRTProductRequest(EMAIL, JSONVals=pars, fromServer=True)

    assert {str(p) for p in request["products"]} <= products_in(reference)
    assert reference.getGlobalPars("name") == body["name"]


@settings(max_examples=EXAMPLES)
@given(requests())
def test_what_was_sent_comes_back_with_other_types_at_most(request: dict[str, dict[Any, Any]]) -> None:
    body, pars = completed(request)

    errands = {"getTargs", "getT0", "getCoords"}
    for name in body.keys() - errands:
        assert same(pars[name], body[name]), name
    assert not errands & pars.keys()


def same(returned: Any, sent: Any) -> bool:
    return bool(returned == sent or (isinstance(returned, str) and float(returned) == float(sent)))


@settings(max_examples=EXAMPLES)
@given(requests())
def test_completed_parameters_make_a_request_again(request: dict[str, dict[Any, Any]]) -> None:
    _, pars = completed(request)

    again = ProductRequest.from_wire(pars).to_wire(EMAIL)

    assert problems(again) == []
    assert set(ProductRequest.model_validate(request).products) <= set(ProductRequest.from_wire(pars).products)


@settings(max_examples=EXAMPLES)
@given(requests())
def test_a_job_is_known_by_the_request_that_made_it(request: dict[str, dict[Any, Any]]) -> None:
    made_by = ProductRequest.model_validate(request)

    assert matches(made_by, job_of(made_by))


MORE: list[tuple[str, dict[str, Any]]] = [
    ("LightCurve", {"minEnergy": 1.0}),
    ("LightCurve", {"useObs": "00966554000"}),
    ("Spectrum", {"models": ["apec"]}),
    ("Spectrum", {"doNotFit": True}),
    ("Image", {"energies": "0.3-1"}),
    ("globals", {"sss": True}),
]


@pytest.mark.parametrize(("part", "more"), MORE, ids=[f"{part}-{next(iter(more))}" for part, more in MORE])
def test_a_job_that_was_asked_for_more_is_not_taken_for_it(part: str, more: dict[str, Any]) -> None:
    plain: dict[str, dict[str, Any]] = {
        "LightCurve": {"binMeth": "snapshot"},
        "Spectrum": {"hasRedshift": False},
        "Image": {},
    }
    general = {"name": "M82", "targ": "00032503", "RA": 148.9, "Dec": 69.7, "centroid": False}
    request = ProductRequest.model_validate({"globals": general, "products": plain})
    products = {p: v | (more if p == part else {}) for p, v in plain.items()}
    other = ProductRequest.model_validate(
        {"globals": general | (more if part == "globals" else {}), "products": products}
    )

    assert not matches(request, job_of(other))


def job_of(request: ProductRequest) -> Job:
    pars = json.loads(json.dumps(complete(request.to_wire(EMAIL))))
    answer = {"oldJob": 951, "URL": "http://127.0.0.1/951", "jobPars": pars}
    return Job.from_wire(answer, id_key="oldJob", at="http://127.0.0.1")


@pytest.mark.parametrize("case", REQUESTS, ids=[case["title"] for case in REQUESTS])
def test_the_reference_client_takes_over_the_completed_parameters_without_a_warning(case: dict[str, Any]) -> None:
    reference = XRTProductRequest(EMAIL)
    reference.setGlobalPars(**case["request"]["globals"])
    for product, parameters in case["request"]["products"].items():
        reference.addProduct(product, **parameters)

    with Emulator() as emulator, warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # its own; not those of distutils
        reference._baseURL = emulator.url
        assert reference.submit(updateProds=True), reference.submitError

    assert reference.getGlobalPars("targ")
    assert products_in(reference) == set(case["request"]["products"])

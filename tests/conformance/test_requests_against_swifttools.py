"""Our request bodies are those of the reference client, for the cases on file and for requests drawn at random.

Left out, because the two differ there on purpose: pcMaxGap and wtMaxGap, which the reference client sends in the
wrong case (protocol, section 8); a request without useSXPS, which it leaves unsent and then refuses to submit,
while we send 0; the words mjd and sec of timeFormat, which it passes on and we send as m and s; parameters that
contradict each other, where the last one that is set wins there and which we refuse. The strategies don't draw
whole numbers for RA, Dec and redshift, which it refuses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from request_strategies import EXAMPLES, requests
from swifttools.ukssdc.xrt_prods import XRTProductRequest

from ukssdc import Product, ProductRequest, progress_text

VECTORS = Path(__file__).parents[1] / "vectors"
REQUESTS = json.loads((VECTORS / "requests.json").read_text())
PROGRESS = json.loads((VECTORS / "progress.json").read_text())
EMAIL = "observer@example.org"
WRONG_THERE = ("pcMaxGap", "wtMaxGap")


def reference_body(request: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the body that swifttools makes of a request, entered as its users do."""
    theirs = XRTProductRequest(EMAIL)
    theirs.setGlobalPars(**request["globals"])
    for product, settings_ in request["products"].items():
        theirs.addProduct(str(product), **settings_)
    body: dict[str, Any] = theirs.getJSONDict()
    return body


@pytest.mark.parametrize("case", REQUESTS, ids=[case["title"] for case in REQUESTS])
def test_the_cases_on_file(case: dict[str, Any]) -> None:
    ours = ProductRequest.model_validate(case["request"]).to_wire(EMAIL)

    assert ours == case["body"]
    assert ours == reference_body(case["request"])


@settings(max_examples=EXAMPLES)
@given(requests())
def test_requests_drawn_at_random(request: dict[str, dict[str, Any]]) -> None:
    for name in WRONG_THERE:
        request["products"].get(Product.LightCurve, {}).pop(name, None)

    ours = ProductRequest.model_validate(request).to_wire(EMAIL)

    assert ours == reference_body(request)


@settings(max_examples=EXAMPLES)
@given(requests())
def test_a_body_is_read_back_as_the_request_that_made_it(request: dict[str, dict[str, Any]]) -> None:
    ours = ProductRequest.model_validate(request)

    assert ProductRequest.from_wire(ours.to_wire(EMAIL)) == ours


@settings(max_examples=EXAMPLES)
@given(requests())
def test_a_request_survives_being_stored(request: dict[str, dict[str, Any]]) -> None:
    ours = ProductRequest.model_validate(request)

    assert ProductRequest.model_validate(json.loads(ours.model_dump_json())) == ours


@pytest.mark.parametrize("case", PROGRESS, ids=range(len(PROGRESS)))
def test_progress_texts(case: dict[str, Any]) -> None:
    theirs = XRTProductRequest(EMAIL)._buildProgressString(case["progress"])

    assert progress_text(case["progress"]) == theirs == case["text"]

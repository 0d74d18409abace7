"""What a failure's outcome says, and what it advises (protocol, section 3)."""

from __future__ import annotations

import pytest

from ukssdc import Product, ProductStatus
from ukssdc.outcomes import build_failed

HELP_DESK = "swifthelp@leicester.ac.uk"


@pytest.mark.parametrize("code", [-1, -2, -3, -7, -10])
def test_a_failure_has_the_code_and_the_words_of_the_service(code: int) -> None:
    failure = build_failed(Product.LightCurve, ProductStatus(status_code=code, status_text="It went wrong"))

    assert (failure.product, failure.code, failure.text) == (Product.LightCurve, code, "It went wrong")


@pytest.mark.parametrize(("code", "at_once"), [(-1, False), (-2, True), (-3, True), (-7, False)])
def test_the_codes_that_should_never_exist_ask_for_an_email_at_once(code: int, at_once: bool) -> None:
    failure = build_failed(Product.LightCurve, ProductStatus(status_code=code, status_text="It went wrong"))

    assert HELP_DESK in failure.advice
    assert ("at once" in failure.advice) is at_once


def test_a_product_without_a_status_may_still_be_there() -> None:
    failure = build_failed(Product.LightCurve, ProductStatus.missing())

    assert "collect the job later" in failure.advice

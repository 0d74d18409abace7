"""Cancelling at the emulator: before, during and after a build, some products and all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from raw_calls import cancel, code_of, frozen, status, submit

from ukssdc import Product
from ukssdc.emulator import Build, Emulator

LC, SPEC, PSF, ENH = Product.LightCurve, Product.Spectrum, Product.StandardPos, Product.EnhancedPos


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with frozen() as running:
        yield running


@pytest.mark.parametrize("age", [0, 5, 50])
def test_a_product_can_be_cancelled_until_it_has_ended(emulator: Emulator, age: float) -> None:
    job_id = submit(emulator, LC, SPEC)
    emulator.advance(age)

    answer = cancel(emulator, job_id, LC)
    emulator.advance(1000)

    assert (answer["OK"], answer["statusCodes"], answer["status"]) == (1, {"lc": 0}, {"lc": "Job cancelled OK"})
    assert status(emulator, job_id, LC)["lc"] == {
        "statusCode": -4,
        "statusText": "Cancelled at your request",
        "progress": {"GotProgress": 0},
    }
    assert code_of(emulator, job_id, SPEC) == 4


def test_a_complete_product_cannot_be_cancelled(emulator: Emulator) -> None:
    job_id = submit(emulator, LC)
    emulator.advance(200)

    answer = cancel(emulator, job_id, LC)

    assert answer["OK"] == 0
    assert answer["statusCodes"] == {"lc": 1}
    assert answer["status"] == {"lc": "Job could not be cancelled - has it already finished?"}
    assert code_of(emulator, job_id, LC) == 4


def test_a_product_cannot_be_cancelled_twice(emulator: Emulator) -> None:
    job_id = submit(emulator, LC)
    cancel(emulator, job_id, LC)

    assert cancel(emulator, job_id, LC)["statusCodes"] == {"lc": 1}


@pytest.mark.parametrize(
    ("asked", "ok", "codes"),
    [
        ((LC, PSF), 2, {"lc": 0, "psf": 1}),
        ((LC, SPEC), 2, {"lc": 0, "spec": 2}),
        ((LC, ENH), 1, {"lc": 0, "enh": 0}),
    ],
)
def test_the_answer_to_cancel_tells_some_from_all(
    emulator: Emulator, asked: tuple[Product, ...], ok: int, codes: dict[str, int]
) -> None:
    job_id = submit(emulator, LC, PSF, ENH)
    emulator.advance(80)  # the standard position is complete, the others are running

    answer = cancel(emulator, job_id, *asked)

    assert (answer["OK"], answer["statusCodes"]) == (ok, codes)


@pytest.mark.parametrize("code", [1, 3, 4])
def test_a_cancellation_can_be_made_to_fail(code: int) -> None:
    with frozen({LC: Build(cancel=code)}) as emulator:
        job_id = submit(emulator, LC, SPEC)

        answer = cancel(emulator, job_id, LC, SPEC)

        assert (answer["OK"], answer["statusCodes"]) == (2, {"lc": code, "spec": 0})
        assert code_of(emulator, job_id, LC) == 1


def test_a_cancellation_on_the_web_page_is_seen_by_the_next_status_call(emulator: Emulator) -> None:
    job_id = submit(emulator, LC, SPEC)

    emulator.cancel(job_id, ["LightCurve"])

    assert code_of(emulator, job_id, LC) == -4
    assert code_of(emulator, job_id, SPEC) == 1

"""Steps that repeat: k of N counts, with the sub-steps within it, and what comes next is the next repetition."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ukssdc import Product, ProductStatus
from ukssdc.emulator.data.build_steps import progress as emulated_progress
from ukssdc.product_progress import ProductProgress, product_progress
from ukssdc.progress import progress_percent

DONE, ACTIVE, NOT_REACHED = 2, 1, 0
SPECTRA = {"spec": "1", "timeslice": "user", "rname1": "early", "gti1": "0-100", "rname2": "late", "gti2": "100-900"}


def step(label: str, state: int = NOT_REACHED, extra: str | None = None, *sub: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"StepLabel": label, "StepStatus": state}
    if extra is not None:
        made["StepExtra"] = extra
    if sub:
        made["SubStep"] = list(sub)
    return made


def running(*steps: dict[str, Any]) -> ProductStatus:
    return ProductStatus(
        status_code=3, status_text="Running", progress={"GotProgress": 1, "ProgressSteps": list(steps)}
    )


def spectra(extra: str, *states: int) -> ProductStatus:
    """Return a spectrum whose data are prepared and whose second step, with two sub-steps, is in its middle."""
    extract, fit = states
    sub = step("Extract data.", extract), step("Fit spectrum.", fit)
    return running(step("Prepare data.", DONE), step("Build spectra.", ACTIVE, extra, *sub), step("Pack."))


def seen(status: ProductStatus) -> ProductProgress:
    return product_progress(status)


def test_a_step_that_repeats_counts_its_repetitions_and_the_sub_steps_of_the_current_one() -> None:
    steps = [
        spectra(f"Working on spectrum: {name} ({k}/3)", *states)
        for k, name in enumerate(("early", "middle", "late"), 1)
        for states in ((ACTIVE, NOT_REACHED), (DONE, ACTIVE), (DONE, DONE))
    ]

    percents = [seen(status).percent for status in steps]

    # a third of the job is done; the middle third goes by ninths, of which each has two halves
    assert percents == [round(100 * (1 + (k + half / 2) / 3) / 3) for k in range(3) for half in range(3)]
    assert percents == sorted(percents)


@pytest.mark.parametrize(
    "extra",
    [
        "Working on spectrum: late (2/4)",
        "Working on spectrum: late ( 2 / 4 )",
        "Working on observation 2 / 4",
        "Working on observation 2 of 4",
        "Observation 2 OF 4, please wait",
        "2/4",
        "Item 2 out of 4.",
        "<em>2</em> / 4",
        "Working on spectrum: 1/3 of the burst (2/4)",
        "Working on spectrum: 2012/05/01 (2/4)",
        "Working on image: 0.3-10 keV (2/4)",
        "Working on (2/4): slice 3/4",
        "Working on spectrum: " + "x" * 300 + " (2/4)",
    ],
)
@pytest.mark.parametrize(("sub", "quarters"), [((ACTIVE, NOT_REACHED), 1.0), ((DONE, ACTIVE), 1.5), (None, 1.0)])
def test_k_of_n_is_read_in_any_spelling(extra: str, sub: tuple[int, int] | None, quarters: float) -> None:
    below = [step("Extract data.", sub[0]), step("Fit spectrum.", sub[1])] if sub else []

    percent = progress_percent({"GotProgress": 1, "ProgressSteps": [step("Build.", ACTIVE, extra, *below)]})

    assert percent == round(100 * quarters / 4)


@pytest.mark.parametrize(
    "extra", ["2012/05/01", "5 / 4", "1 / 0", "v1/2b", "0.5/2.5", "half of 4", "", "GRB 050509/1.5"]
)
def test_what_is_no_count_changes_nothing(extra: str) -> None:
    below = step("Extract data.", DONE), step("Fit spectrum.", ACTIVE)

    percent = progress_percent({"GotProgress": 1, "ProgressSteps": [step("Build.", ACTIVE, extra, *below)]})

    assert percent == 50


def test_repetitions_count_within_repetitions_at_any_depth() -> None:
    inner = step("Fit.", ACTIVE, "model 2 of 2", step("Guess.", DONE), step("Refine.", ACTIVE))
    middle = step("Observation.", ACTIVE, "Working on observation 2 / 4", step("Read.", DONE), inner)
    status = running(step("Build spectra.", ACTIVE, "early (1/2)", middle))

    # Refine: 1/2 of the second of 2 models: 3/4; with Read, 7/8 of the second of 4 observations; and of 2 spectra
    assert seen(status).percent == round(100 * (1 + 7 / 8) / 4 / 2)


@pytest.mark.parametrize(
    ("extra", "states", "after"),
    [
        ("early (1/2)", (ACTIVE, NOT_REACHED), "Fit spectrum."),
        ("early (1/2)", (DONE, ACTIVE), "Build spectra (2/2) > Extract data."),
        ("early (1/2)", (DONE, DONE), "Build spectra (2/2) > Extract data."),
        ("early (1/2)", (DONE, NOT_REACHED), "Fit spectrum."),
        ("spectrum 2 of 3", (DONE, ACTIVE), "Build spectra (3/3) > Extract data."),
        ("late (2/2)", (DONE, ACTIVE), "Pack."),
        ("late", (DONE, ACTIVE), "Pack."),
    ],
)
def test_next_is_what_really_comes_next(extra: str, states: tuple[int, int], after: str) -> None:
    assert seen(spectra(extra, *states)).next == after


def test_the_innermost_repetition_that_is_not_over_comes_next() -> None:
    def fit(model: int, observation: int) -> ProductStatus:
        inner = step("Fit.", ACTIVE, f"model {model} of 2", step("Guess.", DONE), step("Refine.", ACTIVE))
        return running(step("Build.", ACTIVE, f"Working on observation {observation} / 2", step("Read.", DONE), inner))

    assert [seen(fit(*at)).next for at in ((1, 1), (2, 1), (1, 2), (2, 2))] == [
        "Fit (2/2) > Guess.",
        "Build (2/2) > Read.",
        "Fit (2/2) > Guess.",
        "download",
    ]


def test_ten_thousand_steps_within_each_other_that_repeat_have_a_next_one() -> None:
    innermost = step("innermost", ACTIVE)
    for _ in range(9_999):
        innermost = step("outer", ACTIVE, "2 of 2", innermost)

    assert seen(running(step("repeated", ACTIVE, "1 of 2", innermost))).next == "repeated (2/2) > outer"


@given(st.randoms(use_true_random=False), st.integers(1, 6), st.integers(1, 6))
def test_a_build_with_repetitions_within_repetitions_never_goes_back(rng: random.Random, n: int, m: int) -> None:
    spelling = rng.choice(["NAME ({}/{})", "Working on observation {} / {}", "{} of {}"])
    percents = [
        seen(
            running(
                step("A.", DONE),
                step(
                    "B.",
                    ACTIVE,
                    spelling.format(k, n),
                    step("C.", DONE if j else ACTIVE),
                    step("D.", ACTIVE if j else NOT_REACHED, spelling.format(max(j, 1), m)),
                ),
            )
        ).percent
        for k in range(1, n + 1)
        for j in range(m + 1)
    ]

    assert percents == sorted(percents)
    assert percents[-1] >= percents[0]


def test_the_emulated_spectra_rise_all_the_way_without_being_held() -> None:
    polls = [
        ProductStatus(
            status_code=3, status_text="Running", progress=emulated_progress(Product.Spectrum, SPECTRA, at, 1000.0)
        )
        for at in range(0, 1000, 10)
    ]

    percents = [seen(status).percent for status in polls]

    assert percents == sorted(percents)
    assert sorted(set(percents)) == [0, 50, 62, 75, 88]

"""Jobs at the emulator, from submission to end, with service time frozen between the test's own jumps."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from raw_calls import BUILDS, call, cancel, code_of, frozen, status, submit

from ukssdc import Product
from ukssdc.emulator import ABSENT, Build, Emulator, Scenario, Stage

LC, SPEC, PSF, ASTROM = Product.LightCurve, Product.Spectrum, Product.StandardPos, Product.AstromPos


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with frozen() as running:
        yield running


@pytest.mark.parametrize(
    ("age", "code"), [(0, 1), (1.9, 1), (2, 2), (11.9, 2), (12, 3), (111.9, 3), (112, 4), (1e6, 4)]
)
def test_a_product_is_requested_then_queued_then_runs_then_is_complete(
    emulator: Emulator, age: float, code: int
) -> None:
    job_id = submit(emulator, LC)

    emulator.advance(age)

    assert code_of(emulator, job_id, LC) == code


def test_nothing_moves_while_time_is_frozen(emulator: Emulator) -> None:
    job_id = submit(emulator, LC, SPEC)
    emulator.advance(50)

    first = status(emulator, job_id, LC, SPEC)

    assert status(emulator, job_id, LC, SPEC) == first


def test_time_that_runs_moves_a_job_on() -> None:
    with Emulator(speed=1e6, scenario=Scenario(BUILDS)) as emulator:
        job_id = submit(emulator, LC)
        codes = {code_of(emulator, job_id, LC) for _ in range(5)}

    assert 4 in codes


def test_the_texts_are_the_documented_ones(emulator: Emulator) -> None:
    job_id = submit(emulator, LC)

    emulator.advance(12)
    running = status(emulator, job_id, LC)["lc"]["statusText"]
    emulator.advance(100)
    complete = status(emulator, job_id, LC)["lc"]["statusText"]

    assert (running, complete) == ("Running", "Complete")


@pytest.mark.parametrize(
    ("into_the_build", "states"),
    [(0, [1, 0, 0, 0]), (20, [2, 1, 0, 0]), (70, [2, 2, 1, 0]), (95, [2, 2, 2, 1])],
)
def test_the_steps_move_while_a_product_runs(emulator: Emulator, into_the_build: float, states: list[int]) -> None:
    job_id = submit(emulator, LC)

    emulator.advance(12 + into_the_build)
    progress = status(emulator, job_id, LC)["lc"]["progress"]

    assert progress["GotProgress"] == 1
    assert [step["StepStatus"] for step in progress["ProgressSteps"]] == states


def test_the_time_running_counts_from_the_builds_start() -> None:
    with frozen({LC: Build(running=5000)}) as slow:
        job_id = submit(slow, LC)
        slow.advance(12 + 3600 + 2 * 60 + 5)

        assert status(slow, job_id, LC)["lc"]["progress"]["TimeRunning"] == "01:02:05"


@pytest.mark.parametrize("age", [0, 5, 500])
def test_there_is_no_progress_unless_a_product_runs(emulator: Emulator, age: float) -> None:
    job_id = submit(emulator, LC)

    emulator.advance(age)

    assert status(emulator, job_id, LC)["lc"]["progress"] == {"GotProgress": 0}


def test_there_is_no_progress_where_it_is_not_asked_for(emulator: Emulator) -> None:
    job_id = submit(emulator, LC, SPEC)
    emulator.advance(50)

    answer = call(emulator, "checkProductStatus.php", JobID=job_id, what="lc,spec", whatProg="spec")

    assert answer["lc"]["progress"] == {"GotProgress": 0}
    assert answer["spec"]["progress"]["GotProgress"] == 1


def test_progress_can_be_unavailable() -> None:
    with frozen({LC: Build(progress=False)}) as emulator:
        job_id = submit(emulator, LC)
        emulator.advance(50)

        assert status(emulator, job_id, LC)["lc"]["progress"] == {"GotProgress": 2}


@pytest.mark.parametrize(("age", "code"), [(0, 1), (5, 2), (12, 5), (61.9, 5), (62, 3), (161.9, 3), (162, 4)])
def test_the_astrometric_position_waits_for_the_standard_position(emulator: Emulator, age: float, code: int) -> None:
    job_id = submit(emulator, PSF, ASTROM)

    emulator.advance(age)

    assert code_of(emulator, job_id, ASTROM) == code


def test_the_astrometric_position_brings_the_standard_position_with_it(emulator: Emulator) -> None:
    job_id = submit(emulator, ASTROM)

    assert emulator.jobs[job_id].products == (PSF, ASTROM)


def test_without_a_standard_position_there_is_no_astrometric_one() -> None:
    with frozen({PSF: Build(running=50, ends=-3)}) as emulator:
        job_id = submit(emulator, PSF, ASTROM)
        emulator.advance(62)

        assert code_of(emulator, job_id, ASTROM) == -3


def test_a_cancelled_standard_position_takes_the_waiting_astrometric_one_with_it(emulator: Emulator) -> None:
    job_id = submit(emulator, PSF, ASTROM)
    emulator.advance(20)

    cancel(emulator, job_id, PSF)

    assert code_of(emulator, job_id, PSF) == -4
    assert code_of(emulator, job_id, ASTROM) == -3


@pytest.mark.parametrize(("end", "before", "after"), [(-1, 1.9, 2), (-2, 1.9, 2), (-3, 111.9, 112), (-17, 111.9, 112)])
def test_a_build_can_end_badly(end: int, before: float, after: float) -> None:
    with frozen({LC: Build(ends=end)}) as emulator:
        job_id = submit(emulator, LC)

        emulator.advance(before)
        pending = code_of(emulator, job_id, LC)
        emulator.advance(after - before)

        assert pending > 0
        assert code_of(emulator, job_id, LC) == end


def test_a_scenario_can_set_any_sequence_of_codes() -> None:
    stages = (Stage(5, "3", "Running"), Stage(5, None, "Unknown status"), Stage(5, ABSENT), Stage(0, 17, "Parked"))
    with frozen({LC: Build(stages=stages)}) as emulator:
        job_id = submit(emulator, LC)
        seen = []
        for _ in range(4):
            seen.append(status(emulator, job_id, LC).get("lc", {}).get("statusCode", "not mentioned"))
            emulator.advance(5)

    assert seen == ["3", None, "not mentioned", 17]


def test_a_product_never_asked_for_has_a_null_code_and_no_error(emulator: Emulator) -> None:
    job_id = submit(emulator, LC)

    answer = status(emulator, job_id, LC, SPEC)

    assert answer["OK"] == 1
    assert answer["spec"] == {"statusCode": None, "statusText": "Unknown status", "progress": {"GotProgress": 0}}


def test_the_moment_of_completion_is_that_of_the_jump_that_passed_it(emulator: Emulator) -> None:
    job_id = submit(emulator, LC)
    pending = emulator.completed_at(job_id, LC)

    before = time.monotonic()
    emulator.advance(112)
    after = time.monotonic()

    completed = emulator.completed_at(job_id, LC)
    assert pending is None
    assert completed is not None
    assert before <= completed <= after


def test_restarting_keeps_the_jobs_and_forgetting_loses_them(emulator: Emulator) -> None:
    job_id = submit(emulator, LC)

    emulator.restart()
    kept = status(emulator, job_id, LC)["OK"]
    emulator.restart(forget=True)

    assert kept == 1
    assert status(emulator, job_id, LC)["OK"] == 0
    assert submit(emulator, LC) == job_id + 1

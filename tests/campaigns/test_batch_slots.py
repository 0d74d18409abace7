"""A campaign at the service's pace: when a row is submitted, and when none is any more."""

from __future__ import annotations

from typing import Any

from campaign_support import run_batch, submitted_names, targets
from prefect_runs import meanwhile
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build

LC = Product.LightCurve
SOME_POLLS = Build(requested=0, queued=0, running=300)
SHORT = Build(requested=0, queued=0, running=30)
ENDLESS = Build(requested=0, queued=0, running=1e6)


def test_jobs_that_were_made_elsewhere_have_their_slots(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SOME_POLLS, Product.Image: ENDLESS}, max_active_jobs=2)
    Client(USER, emulator.url).submit(request_for(Product.Image))

    report = run_batch(targets(3), options, max_active=2)

    assert report.ok
    assert [call for call in emulator.ledger.calls("submit") if call.ok == 0] == []


def test_a_slot_is_taken_as_soon_as_the_service_has_room(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SHORT, Product.Image: ENDLESS})
    Client(USER, emulator.url).submit(request_for(Product.Image))

    with meanwhile(lambda: len(emulator.ledger.calls("active_jobs")) > 2, lambda: emulator.cancel(951)):
        report = run_batch(targets(2), options, max_active=1)

    assert report.ok


def test_without_a_slot_while_the_count_does_not_move_the_rest_is_given_up(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({Product.Image: ENDLESS})
    Client(USER, emulator.url).submit(request_for(Product.Image))

    report = run_batch(targets(2), options | {"max_wait": 1.0}, max_active=1)

    assert [row.outcome for row in report.rows] == ["not_submitted"] * 2
    assert "no slot for 1 s, in which the number of active jobs has not changed" in report.rows[0].problem
    assert len(emulator.jobs) == 1


def test_most_calls_are_polls(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(requested=0, queued=0, running=600)})

    run_batch(targets(6), options, max_active=2)

    calls = [call.call for call in emulator.ledger.calls()]
    assert calls.count("submit") == calls.count("download") == 6
    assert calls.count("active_jobs") == 6
    assert set(calls) == {"submit", "download", "active_jobs", "status"}


def test_each_target_has_its_job_and_no_more_are_active_than_may_be(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SOME_POLLS}, max_active_jobs=3)

    report = run_batch(targets(7), options, max_active=3)

    assert report.ok
    assert [row.name for row in report.rows] == submitted_names(emulator) == [f"GRB {n}" for n in range(1, 8)]
    assert [call for call in emulator.ledger.calls("submit") if call.ok == 0] == []
    for row in report.reports:
        assert row.files[LC].is_file()
        assert row.files[LC].parent == options["destination"] / row.job.name.replace(" ", "_") / str(row.job.job_id)


def test_after_too_many_failures_nothing_more_is_submitted(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(ends=-3)})

    report = run_batch(targets(6), options, max_active=1, max_failures=2)

    assert len(emulator.jobs) == 2
    assert [row.outcome for row in report.rows] == ["failed"] * 2 + ["not_submitted"] * 4
    assert "max_failures is 2" in report.rows[5].problem


def test_a_fraction_of_failures_is_one_of_the_rows(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(ends=-3)})

    run_batch(targets(6), options, max_active=1, max_failures=0.5)

    assert len(emulator.jobs) == 3

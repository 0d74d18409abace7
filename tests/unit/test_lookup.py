"""The job that an unanswered submission may have made, as the service's list tells of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from raw_server import http, raw_server

from ukssdc import Client, ProductRequest, TransportError
from ukssdc.emulator import Emulator, Fault
from ukssdc.emulator.core.name_changes import MIXED, NAME_CHANGES
from ukssdc.emulator.core.submission import complete
from ukssdc.errors import AmbiguousJobs
from ukssdc.lookup import find_submitted
from ukssdc.times import utcnow

USER = "observer@example.org"


@pytest.mark.parametrize("echo", ["M 82 & X-2", "M 82 &amp; X-2", "m 82  & x-2 "])
def test_a_name_that_comes_back_in_another_spelling_is_the_same_target(echo: str) -> None:
    request = ProductRequest(name="M 82 & X-2", targ="00032503", ra=148.9, dec=69.7, centroid=False, standard_pos={})
    entry = {"JobID": 951, "Name": echo, "DateSubmitted": f"{utcnow():%Y-%m-%d %H:%M:%S}"}
    parameters = complete(request.to_wire(USER)) | {"name": echo}
    job = {"OK": 1, "oldJob": 951, "URL": "http://127.0.0.1/951", "jobPars": parameters}
    jobs = http(json.dumps({"OK": 1, "jobs": [entry]}).encode())

    with raw_server(jobs, http(json.dumps(job).encode())) as url:
        found = find_submitted(Client(USER, url), request, utcnow())

    assert [(job.job_id, job.name) for job in found] == [(951, "M 82 & X-2")]


BARNARD = "Barnard's star"
CHANGES = [*NAME_CHANGES, MIXED]


def request_of(name: str, **changes: Any) -> ProductRequest:
    target = {"name": name, "targ": "00032503", "ra": 148.9, "dec": 69.7, "centroid": False, "standard_pos": {}}
    return ProductRequest.model_validate(target | changes)


def submit_without_an_answer(emulator: Emulator, client: Client, request: ProductRequest) -> None:
    emulator.faults.append(Fault("reset_after", "submit"))
    with pytest.raises(TransportError):
        client.submit(request)


@pytest.mark.parametrize("name", [BARNARD, "XTE J1810+197", "A & B <new>", "1E 1740.7-2942"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_job_whose_name_the_service_changes_is_found(change: str, name: str) -> None:
    request = request_of(name)
    with Emulator(name_change=change) as emulator, Client(USER, emulator.url) as client:
        submit_without_an_answer(emulator, client, request)

        found = find_submitted(client, request, utcnow())

    assert [(job.job_id, job.name) for job in found] == [(951, name)]


@pytest.mark.parametrize("change", CHANGES)
def test_a_submitted_job_has_the_name_of_its_request(change: str) -> None:
    with Emulator(name_change=change) as emulator, Client(USER, emulator.url) as client:
        assert client.submit(request_of(BARNARD)).name == BARNARD


@pytest.mark.parametrize(("change", "name"), [("escape", BARNARD), ("shorten", "Barnard'"), ("drop", "unnamed")])
def test_a_job_that_is_taken_up_by_its_number_has_the_services_name(change: str, name: str) -> None:
    with Emulator(name_change=change) as emulator, Client(USER, emulator.url) as client:
        client.submit(request_of(BARNARD))

        assert client.attach(951).name == name


def test_a_name_with_the_other_sign_is_another_target() -> None:
    with Emulator() as emulator, Client(USER, emulator.url) as client:
        client.submit(request_of("XTE J1810-197"))

        assert find_submitted(client, request_of("XTE J1810+197"), utcnow()) == []


@pytest.mark.parametrize("change", ["strip", "shorten", "drop"])
def test_of_several_changed_names_none_is_taken_before_it_is_certain(change: str) -> None:
    request = request_of("A & B star")
    with Emulator(name_change=change) as emulator, Client(USER, emulator.url) as client:
        first = client.submit(request_of("A < B star"))
        submit_without_an_answer(emulator, client, request)

        with pytest.raises(AmbiguousJobs, match=r"951 \(.*\), 952 \(.*Looking again at the next interval") as ambiguous:
            find_submitted(client, request, utcnow())
        found = find_submitted(client, request, utcnow(), known={first.url})

    assert (ambiguous.value.retryable, ambiguous.value.job_ids) == (True, (951, 952))
    assert [job.job_id for job in found] == [952]


def test_an_exact_name_comes_before_one_that_only_resembles_it() -> None:
    with Emulator() as emulator, Client(USER, emulator.url) as client:
        client.submit(request_of("Barnards star"))
        client.submit(request_of("Barnard"))
        submit_without_an_answer(emulator, client, request_of(BARNARD))

        found = find_submitted(client, request_of(BARNARD), utcnow())

    assert [job.job_id for job in found] == [953]


def test_a_better_name_on_record_elsewhere_does_not_hide_a_changed_one() -> None:
    with Emulator() as emulator, Client(USER, emulator.url) as client:
        first = client.submit(request_of(BARNARD))
        client.submit(request_of("Barnards star"))

        found = find_submitted(client, request_of(BARNARD), utcnow(), known={first.url})

    assert [job.job_id for job in found] == [952]


def test_the_parameters_decide_between_jobs_without_a_name() -> None:
    with Emulator(name_change="drop") as emulator, Client(USER, emulator.url) as client:
        client.submit(request_of(BARNARD, ra=10.0))
        client.submit(request_of(BARNARD, image={}))
        submit_without_an_answer(emulator, client, request_of(BARNARD))

        found = find_submitted(client, request_of(BARNARD), utcnow())

    assert [job.job_id for job in found] == [953]


def test_jobs_on_record_are_not_even_asked_for() -> None:
    with Emulator(name_change="drop") as emulator, Client(USER, emulator.url) as client:
        known = {client.submit(request_of(f"star {n}")).url for n in range(5)}
        client.submit(request_of(BARNARD, image={}))

        assert find_submitted(client, request_of(BARNARD), utcnow(), known) == []

    assert len(emulator.ledger.calls("old_job")) == 0


MINUTES = 60.0
HOURS = 3600.0


@pytest.mark.parametrize("skew", [-15 * MINUTES, -23 * HOURS, 15 * MINUTES, 30 * HOURS])
@pytest.mark.parametrize("change", [None, "drop"])
def test_a_service_with_another_calendar_still_has_the_job(skew: float, change: str | None) -> None:
    request = request_of(BARNARD)
    with (
        Emulator(calendar_skew=skew, date_skew=-skew, name_change=change) as emulator,
        Client(USER, emulator.url) as client,
    ):
        submit_without_an_answer(emulator, client, request)

        assert [job.job_id for job in find_submitted(client, request, utcnow())] == [951]


def test_a_job_of_the_day_before_yesterday_is_none_of_ours() -> None:
    with Emulator(calendar_skew=-25 * HOURS) as emulator, Client(USER, emulator.url) as client:
        client.submit(request_of(BARNARD))

        assert find_submitted(client, request_of(BARNARD), utcnow()) == []


def test_of_jobs_before_the_first_attempt_the_nearest_is_taken_and_those_on_record_are_not() -> None:
    with Emulator(calendar_skew=-HOURS) as emulator, Client(USER, emulator.url) as client:
        known = client.submit(request_of(BARNARD)).url
        client.submit(request_of(BARNARD))
        client.submit(request_of(BARNARD))

        found = find_submitted(client, request_of(BARNARD), utcnow(), {known})
        left = find_submitted(client, request_of(BARNARD), utcnow(), {job.base_url for job in emulator.jobs.values()})

    assert [job.job_id for job in found] == [953]
    assert left == []


def test_a_later_job_comes_before_an_earlier_one() -> None:
    with Emulator() as emulator, Client(USER, emulator.url) as client:
        client.submit(request_of(BARNARD))
        emulator.jobs[951].submitted -= timedelta(hours=3)
        submit_without_an_answer(emulator, client, request_of(BARNARD))

        found = find_submitted(client, request_of(BARNARD), utcnow())

    assert [job.job_id for job in found] == [952]


def test_an_unreadable_job_of_yesterday_is_passed_over() -> None:
    with Emulator() as emulator, Client(USER, emulator.url) as client:
        client.submit(request_of(BARNARD))
        emulator.jobs[951].submitted -= timedelta(hours=3)
        emulator.jobs[951].pars = {}

        assert find_submitted(client, request_of(BARNARD), utcnow()) == []

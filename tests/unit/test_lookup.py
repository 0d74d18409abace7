"""The job that an unanswered submission may have made, as the service's list tells of it."""

from __future__ import annotations

import json

import pytest
from raw_server import http, raw_server

from ukssdc import Client, ProductRequest
from ukssdc.emulator.core.submission import complete
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

"""Several jobs followed by one flow: each at its own pace, and none in the way of another."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

from prefect import flow
from xrt_support import INTERVAL, USER, Serve, request_for

from ukssdc import Client, Job, Product
from ukssdc.emulator import Build, Emulator
from ukssdc.outcomes import Failed, JobReport
from ukssdc.record import ProductsFolder
from ukssdc.times import utcnow
from xrt_products.flows.follow import follow
from xrt_products.flows.options import FollowOptions

LC, IMAGE = Product.LightCurve, Product.Image
OTHER = "other@example.org"
ENDLESS = Build(requested=0, queued=0, running=1e9)


def follow_all(jobs: list[Job], options: dict[str, Any]) -> list[JobReport]:
    """Follow jobs in one flow run."""
    chosen = FollowOptions(**options)
    folders = [ProductsFolder(chosen.destination).folder_of(job) for job in jobs]
    for folder in folders:
        folder.begin(None, {})

    @flow(name="follow several jobs")
    def several() -> list[JobReport]:
        return follow(folders, chosen)

    return several()


def times_of_polls(emulator: Emulator, job: Job) -> list[float]:
    return [call.at for call in emulator.ledger.calls("status", job_id=job.job_id)]


def test_each_job_is_asked_an_interval_apart_and_not_any_more_when_it_is_complete(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({IMAGE: Build(requested=0, queued=0, running=600)})
    client = Client(USER, emulator.url)
    short, long = client.submit(request_for(LC)), client.submit(request_for(IMAGE))

    reports = follow_all([short, long], options)

    polls_of_short, polls_of_long = (times_of_polls(emulator, job) for job in (short, long))
    completed = emulator.completed_at(short.job_id, LC)
    assert [(report.job.job_id, report.ok) for report in reports] == [(951, True), (952, True)]
    assert [file.name for report in reports for file in report.files.values()] == ["lc.tar.gz", "image.tar.gz"]
    assert completed is not None
    assert sum(at > completed for at in polls_of_short) == 1  # the poll that saw it
    assert len(polls_of_long) > len(polls_of_short) + 2
    assert all(
        later - earlier >= INTERVAL for polls in (polls_of_short, polls_of_long) for earlier, later in pairwise(polls)
    )


def test_a_job_that_fails_for_good_does_not_stop_the_other(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({IMAGE: Build(requested=0, queued=0, running=300)}, users=(USER, OTHER))
    someone_elses = Client(OTHER, emulator.url).submit(request_for(LC))  # its status is refused
    mine = Client(USER, emulator.url).submit(request_for(IMAGE))

    refused, done = follow_all([someone_elses, mine], options)

    outcome = refused.outcomes[LC]
    assert isinstance(outcome, Failed)
    assert "the service has no job 951 any more" in outcome.text
    assert done.files[IMAGE].is_file()
    assert len(times_of_polls(emulator, someone_elses)) == 1
    assert len(times_of_polls(emulator, mine)) > 2


def test_a_job_that_waits_longer_than_is_allowed_does_not_end_the_others_wait(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({LC: ENDLESS, IMAGE: Build(requested=0, queued=0, running=600)})
    client = Client(USER, emulator.url)
    endless = client.submit(request_for(LC))
    late = endless.model_copy(update={"submitted": utcnow() - timedelta(hours=1)})
    mine = client.submit(request_for(IMAGE))

    timed_out, done = follow_all([late, mine], options)

    assert timed_out.outcomes[LC].outcome == "timed_out"
    assert done.ok
    assert len(times_of_polls(emulator, late)) == 1  # one more look, however late it is

"""A script that was stopped anywhere and is simply run again: one job, and every product on disk."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect_runs import Group, account, group, wait_for
from xrt_support import USER, Serve, request_for

from ukssdc import Product
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Fault
from ukssdc.outcomes import JobReport
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.times import utcnow
from xrt_products import ProductsFailed, request_products

TIMEOUT = 180.0  # s
STALL = 30.0  # s; longer than it takes to stop a process
REQUEST = request_for(Product.LightCurve)


@contextmanager
def script(emulator: Emulator, options: dict[str, Any], home: Path, *, quicklook: bool = False) -> Iterator[Group]:
    """Run the flow in a process of its own."""
    text = (
        "from xrt_products import request_products\n"
        f"request_products({REQUEST.model_dump(mode='json')!r}, destination={str(options['destination'])!r},"
        f" interval=0.2, quicklook={quicklook})\n"
    )
    with group([sys.executable, "-c", text], home / "log", home, **account(emulator.url, USER)) as running:
        yield running


def test_a_script_killed_before_its_pages_are_made_makes_them_when_it_is_run_again(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve(faults=[Fault("stall", "light_curve", seconds=STALL)])
    with script(emulator, options, tmp_path, quicklook=True) as running:
        wait_for("the quick look", lambda: emulator.ledger.calls("download"), TIMEOUT)
        folder = options["destination"] / "GRB_200416A" / "951"
        wait_for("the archive", (folder / "lc.tar.gz").exists, TIMEOUT)
        running.kill()
    assert not (folder / "quicklook.md").exists()
    emulator.faults.clear()

    report = request_products(REQUEST, **options | {"quicklook": True})

    assert report.ok
    assert list(emulator.jobs) == [951]
    assert (folder / "quicklook.md").exists()
    assert len(emulator.ledger.calls("download")) == 1


@pytest.mark.parametrize("image", ["downloaded", "failed"])
def test_a_script_killed_between_its_last_file_and_the_outcomes_goes_on_with_its_job(
    serve: Serve, options: dict[str, Any], image: str
) -> None:
    emulator = serve({Product.Image: Build(ends=4 if image == "downloaded" else -1)})
    request, options = request_for(Product.LightCurve, Product.Image), options | {"on_failure": "return"}
    before = request_products(request, **options)
    with JobFolder(before.directory, before.job).open() as record:  # as it was on disk before the outcomes were
        record.outcomes.clear()
        record.ended = False

    report = request_products(request, **options)

    assert list(emulator.jobs) == [951]
    assert {p: o.outcome for p, o in report.outcomes.items()} == {"LightCurve": "downloaded", "Image": image}
    assert report.files == before.files


def test_a_job_that_the_service_has_removed_is_no_obstacle(
    serve: Serve, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    emulator = serve({Product.LightCurve: Build(running=1e6)})
    with pytest.raises(ProductsFailed):
        request_products(REQUEST, **options | {"max_wait": 1.0})
    emulator.restart(forget=True)

    report = request_products(REQUEST, **options | {"max_wait": 1.0}, on_failure="return")

    assert "is gone at the service: submitting a new job" in caplog.text
    assert list(emulator.jobs) == [report.job.job_id]


def submissions(options: dict[str, Any]) -> list[Path]:
    """Return the files that tell of submissions whose end is not known."""
    return list(options["destination"].rglob("submitting-*.json"))


def test_a_script_killed_while_it_submits_finds_its_job_when_it_is_run_again(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve(faults=[Fault("stall_after", "submit", seconds=STALL)])
    with script(emulator, options, tmp_path) as running:
        wait_for("the submission", lambda: emulator.jobs, TIMEOUT)
        running.kill()
    left = [path.read_text() for path in submissions(options)]

    report = request_products(REQUEST, **options)

    assert len(left) == 1
    assert USER not in left[0]
    assert report.ok
    assert list(emulator.jobs) == [951]
    assert submissions(options) == []


def test_fresh_asks_for_a_new_job_all_the_same(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    emulator = serve(faults=[Fault("stall_after", "submit", seconds=STALL)])
    with script(emulator, options, tmp_path) as running:
        wait_for("the submission", lambda: emulator.jobs, TIMEOUT)
        running.kill()

    report = request_products(REQUEST, **options, fresh=True)

    assert report.job.job_id == 952
    assert submissions(options) == []


def test_ctrl_c_while_it_submits_leaves_what_has_reached_the_service_to_the_next_run(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve(faults=[Fault("stall_after", "submit", seconds=STALL)])
    with script(emulator, options, tmp_path) as running:
        wait_for("the submission", lambda: emulator.jobs, TIMEOUT)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(TIMEOUT) == -signal.SIGINT
    assert (
        "KeyboardInterrupt: whether the service has the request, `xrt-products jobs`" in (tmp_path / "log").read_text()
    )
    assert len(submissions(options)) == 1

    report = request_products(REQUEST, **options)

    assert report.ok
    assert list(emulator.jobs) == [951]


def test_a_finished_job_is_not_taken_for_the_one_that_was_being_submitted(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve()
    began = utcnow()
    state = request_products(REQUEST, **options, return_state=True)
    body = {k: v for k, v in REQUEST.to_wire("").items() if k not in {"UserID", "api_name", "api_version"}}
    run = str(state.state_details.flow_run_id)
    with (
        pytest.raises(InterruptedError),  # as if killed right after its job was on record
        ProductsFolder(options["destination"]).journal(
            REQUEST.name, body, run=run, since=began, until=began + timedelta(days=1)
        ) as left,
    ):
        raise InterruptedError
    assert left.path.exists()

    request_products(REQUEST, **options)

    assert list(emulator.jobs) == [951, 952]


def test_a_job_that_was_cancelled_is_not_gone_on_with(serve: Serve, options: dict[str, Any]) -> None:
    at_once = Build(requested=0, queued=0, running=0)
    emulator = serve({Product.LightCurve: at_once, Product.Image: Build(running=1e6)})
    request, short = request_for(Product.LightCurve, Product.Image), options | {"max_wait": 1.0}
    with pytest.raises(ProductsFailed):  # the light curve is on disk by then, the image still pending
        request_products(request, **short)
    emulator.cancel(951, ["Image"])

    report = request_products(request, **short, on_failure="return")

    assert report.job.job_id == 952


def test_a_run_that_is_tried_again_is_not_in_its_own_way(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve(faults=[Fault("archive_corrupt", "download", product="Image", count=6)])
    flow = request_products.with_options(retries=1)

    report = flow(request_for(Product.LightCurve, Product.Image), **options, if_exists="error")

    assert isinstance(report, JobReport)
    assert {p: o.outcome for p, o in report.outcomes.items()} == dict.fromkeys(
        (Product.LightCurve, Product.Image), "downloaded"
    )
    assert len(emulator.ledger.calls("download", product="LightCurve")) == 1
    assert len(emulator.ledger.calls("download", product="Image")) == 7  # six in the first try of the run
    assert list(emulator.jobs) == [951]


def test_a_poll_that_fails_costs_nothing_that_is_complete_and_is_reported_for_the_rest(
    serve: Serve, options: dict[str, Any]
) -> None:
    serve(
        {Product.Image: Build(running=1e6)},
        faults=[Fault("not_ok", "status", nth=3, count=99), Fault("slow", "download", seconds=2.0)],
    )

    report = request_products(
        request_for(Product.LightCurve, Product.Image), **options | {"max_wait": 4.0}, on_failure="return"
    )

    assert {p: o.outcome for p, o in report.outcomes.items()} == {"LightCurve": "downloaded", "Image": "timed_out"}
    assert "xrt-products collect 951" in str(report.outcomes[Product.Image])
    assert verify_archive(report.files[Product.LightCurve], "tar.gz") is None


@pytest.mark.parametrize("kind", ["http_502", "refuse"])
def test_a_service_that_is_away_when_a_product_is_complete_is_waited_for(
    serve: Serve, options: dict[str, Any], kind: str
) -> None:
    emulator = serve(faults=[Fault(kind, "download", count=12)])

    report = request_products(REQUEST, **options)

    assert report.ok
    assert len(emulator.ledger.calls("download")) == 13


def test_an_archive_that_stays_broken_is_not_fetched_for_ever(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve(faults=[Fault("archive_corrupt", "download", count=99)])

    with pytest.raises(ProductsFailed, match="Given up after 6 tries"):
        request_products(REQUEST, **options)

    assert len(emulator.ledger.calls("download")) == 6


def test_tries_while_the_service_was_away_are_not_those_of_a_broken_archive(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve(
        faults=[
            Fault("http_502", "download", count=7),
            Fault("archive_html", "download", nth=8),
            Fault("archive_404", "download", nth=9),
        ]
    )

    report = request_products(REQUEST, **options)

    assert report.ok
    assert len(emulator.ledger.calls("download")) == 10

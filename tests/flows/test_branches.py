"""One test for each branch, through the whole flow: which status sends a product where."""

from __future__ import annotations

import tarfile
from typing import Any

import pytest
from xrt_support import MINUTE, Serve, request_for

from ukssdc import Product, StatusCode
from ukssdc.emulator import ABSENT, Build, Fault, Stage
from ukssdc.outcomes import Cancelled, Downloaded, Failed, JobReport, TimedOut
from ukssdc.record.record import JobRecord
from xrt_products import ProductsFailed, collect_products, request_products

LC = Product.LightCurve
ENDLESS = Stage(0.0, 3, "Running")


def outcome_of(report: JobReport, kind: type[Any]) -> Any:
    outcome = report.outcomes[LC]
    assert isinstance(outcome, kind), outcome
    return outcome


def test_4_is_downloaded(serve: Serve, options: dict[str, Any]) -> None:
    serve()

    report = request_products(request_for(LC), **options)

    outcome = outcome_of(report, Downloaded)
    assert report.ok
    assert outcome.path == options["destination"] / "GRB_200416A" / "951" / "lc.tar.gz"
    assert outcome.path.stat().st_size == outcome.size
    with tarfile.open(outcome.path) as archive:
        assert any(name.endswith("curve.qdp") for name in archive.getnames())


def test_minus_4_is_a_no_op(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(ends=-4)})

    report = request_products(request_for(LC), **options)

    assert outcome_of(report, Cancelled).text == "Cancelled at your request"
    assert report.ok
    assert emulator.ledger.calls("download") == []


def test_minus_1_is_reported(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(stages=(Stage(0, -1, "It went wrong"),))})

    report = request_products(request_for(LC), **options, on_failure="return")

    outcome = outcome_of(report, Failed)
    assert (outcome.code, outcome.text) == (-1, "It went wrong")
    assert not report.ok
    assert emulator.ledger.calls("download") == []


def test_minus_3_is_reported_and_asks_for_an_email(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(ends=-3)})

    report = request_products(request_for(LC), **options, on_failure="return")

    outcome = outcome_of(report, Failed)
    assert outcome.code == -3
    assert "swifthelp@leicester.ac.uk" in outcome.advice
    assert not report.ok
    assert emulator.ledger.calls("download") == []


def test_the_failure_report_is_in_the_jobs_folder_and_named(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(ends=-3)})

    report = request_products(request_for(LC), **options, on_failure="return")

    page = (report.directory / "failure-LightCurve.md").read_text("utf-8")
    assert "failure-LightCurve.md" in outcome_of(report, Failed).advice
    assert "To: swifthelp@leicester.ac.uk\nSubject: XRT products: job 951, LightCurve failed with code -3" in page


def test_what_is_lost_sight_of_has_its_failure_report_in_the_folder(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(running=1e6)}, faults=[Fault("restart_forgetful", "status", nth=2)])

    report = request_products(request_for(LC), **options, on_failure="return")

    assert "the service has no job 951 any more" in (report.directory / "failure-LightCurve.md").read_text("utf-8")


def test_a_failure_report_that_cannot_be_written_costs_no_more_than_the_report(
    serve: Serve, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    serve({LC: Build(ends=-3)})
    (options["destination"] / "GRB_200416A" / "951" / "failure-LightCurve.md").mkdir(parents=True)

    report = request_products(request_for(LC, Product.Image), **options, on_failure="return")

    assert outcome_of(report, Failed).code == -3
    assert report.outcomes[Product.Image].outcome == "downloaded"
    assert "Cannot write the failure report" in caplog.text


def test_the_failure_report_goes_when_its_product_has_come(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(running=600)})
    late = request_products(request_for(LC), **options | {"max_wait": 1.0}, on_failure="return")
    assert (late.directory / "failure-LightCurve.md").is_file()

    report = collect_products(951, **options)

    assert report.files[LC].is_file()
    assert not (report.directory / "failure-LightCurve.md").exists()


def test_no_status_for_three_polls_in_a_row_is_reported(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(stages=(Stage(0, ABSENT, "Unknown status"),))})

    report = request_products(request_for(LC), **options, on_failure="return")

    assert outcome_of(report, Failed).code == StatusCode.NO_STATUS
    assert len(emulator.ledger.calls("status")) == 3


def test_positive_codes_are_waited_for_and_no_status_now_and_then_is_tolerated(
    serve: Serve, options: dict[str, Any]
) -> None:
    codes = (1, None, None, 2, 5, 17, "3", ABSENT, "nonsense", "3")
    waiting = tuple(Stage(MINUTE, code, "Not yet") for code in codes)
    emulator = serve({LC: Build(stages=(*waiting, Stage(0, "4", "Complete")))})

    report = request_products(request_for(LC), **options, no_status_polls=3)

    record = report.folder.read()
    assert report.ok
    assert record is not None
    assert [seen.code for seen in record.history] == [1, -10, 2, 5, 17, 3, -10, -10, 3, 4]
    assert len(emulator.ledger.calls("status")) == len(codes) + 1


def test_what_is_pending_when_the_longest_wait_is_over_is_timed_out(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(stages=(ENDLESS,))})

    report = request_products(request_for(LC), **options | {"max_wait": 1.5}, on_failure="return")

    outcome = outcome_of(report, TimedOut)
    assert (outcome.code, outcome.text) == (3, "Running")
    assert "xrt-products collect 951" in outcome.advice


def test_an_unknown_code_is_waited_for_no_longer_than_the_longest_wait(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(stages=(Stage(0, 17, "Something new"),))})

    report = request_products(request_for(LC), **options | {"max_wait": 1.5}, on_failure="return")

    assert outcome_of(report, TimedOut).code == 17


def test_a_failure_fails_the_flow_after_everything_else_is_on_disk(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(ends=-3), Product.Image: Build(running=90)})

    with pytest.raises(ProductsFailed, match=r"(?s)1 of 2 products failed.*LightCurve.*Image") as raised:
        request_products(request_for(LC, Product.Image), **options)

    assert raised.value.report.files[Product.Image].is_file()
    assert raised.value.report.outcomes[LC].outcome == "failed"


def test_each_product_takes_its_own_branch(serve: Serve, options: dict[str, Any]) -> None:
    serve({Product.EnhancedPos: Build(ends=-3), Product.AstromPos: Build(ends=-4)})

    report = request_products(request_for(*Product), **options, on_failure="return")

    assert {p: o.outcome for p, o in report.outcomes.items()} == {
        p: {Product.EnhancedPos: "failed", Product.AstromPos: "cancelled"}.get(p, "downloaded") for p in Product
    }


def test_the_error_tells_what_was_downloaded_from_what_was_cancelled(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(ends=-3), Product.AstromPos: Build(ends=-4)})

    with pytest.raises(ProductsFailed, match=r"Downloaded: StandardPos, Image\. Cancelled: AstromPos\. Files: "):
        request_products(request_for(LC, Product.StandardPos, Product.AstromPos, Product.Image), **options)


def test_a_download_that_cannot_be_completed_is_a_failed_outcome(serve: Serve, options: dict[str, Any]) -> None:
    serve()
    folder = options["destination"] / "GRB_200416A" / "951"
    (folder / "lc.tar.gz").mkdir(parents=True)  # a folder stands where the file should go

    report = request_products(request_for(LC, Product.Image), **options, on_failure="return")

    assert "collect 951" in outcome_of(report, Failed).advice
    assert report.outcomes[Product.Image].outcome == "downloaded"


def test_a_job_is_taken_up_by_its_number(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(stages=(ENDLESS,))})
    request_products(request_for(LC, Product.Image), **options | {"max_wait": 1.0}, on_failure="return")
    emulator.cancel(951, ["LightCurve"])

    report = collect_products(951, **options)

    assert {p: o.outcome for p, o in report.outcomes.items()} == {LC: "cancelled", Product.Image: "downloaded"}
    assert len(emulator.jobs) == 1


def test_the_record_tells_the_story(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: Build(stages=(Stage(60, 2, "Queued"), Stage(60, 3, "Running"), Stage(0, 4, "Complete")))})

    report = request_products(request_for(LC), **options)

    record = JobRecord.load(report.directory)
    assert record is not None
    assert [s.code for s in record.history] == [2, 3, 4]
    assert record.outcomes == {LC: "downloaded"}
    assert record.files[LC].sha256 == outcome_of(report, Downloaded).sha256

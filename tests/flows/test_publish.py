"""Products are copied to where they are published, and a run whose local disk is gone finds there what is done."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from xrt_support import Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Fault
from ukssdc.errors import InvalidOptions
from ukssdc.outcomes import Downloaded, Failed
from ukssdc.record import JobRecord
from xrt_products import collect_products, request_products

REQUEST = request_for(Product.LightCurve, Product.Image)
LONG = {Product.Image: Build(running=1e6)}


@pytest.fixture
def publish(tmp_path: Path) -> str:
    return f"file://{tmp_path}/published"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "published" / "GRB_200416A"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_products_quick_look_and_record_are_copied(
    serve: Serve, options: dict[str, Any], publish: str, there: Path
) -> None:
    serve()

    report = request_products(request_for(Product.Image), **options | {"quicklook": True}, publish=publish)

    outcome = report.outcomes[Product.Image]
    assert isinstance(outcome, Downloaded)
    assert outcome.published == f"{publish}/GRB_200416A/951/image.tar.gz"
    assert (there / "951" / "image.tar.gz").read_bytes() == outcome.path.read_bytes()
    assert names(there / "951") == {"job.json", "image.tar.gz", "quicklook.md", "results.json"}
    record = JobRecord.model_validate_json((there / "951" / "job.json").read_bytes())
    assert record.finished
    assert record.files[Product.Image].published == outcome.published
    assert names(there) == {"951"}  # the submission is not under way any more


def test_it_can_be_any_place_that_fsspec_knows(serve: Serve, options: dict[str, Any]) -> None:
    serve()
    MemoryFileSystem.store.clear()

    request_products(request_for(Product.Image), **options, publish="memory://xrt")

    assert set(MemoryFileSystem.store) == {"/xrt/GRB_200416A/951/image.tar.gz", "/xrt/GRB_200416A/951/job.json"}


def test_the_same_request_goes_on_with_its_job_where_the_local_disk_is_gone(
    serve: Serve, options: dict[str, Any], publish: str
) -> None:
    emulator = serve(LONG)
    first = request_products(REQUEST, **options | {"max_wait": 1.0}, publish=publish, on_failure="return")
    shutil.rmtree(options["destination"])
    emulator.advance(2e6)

    report = request_products(REQUEST, **options, publish=publish)

    assert report.ok
    assert report.job.job_id == first.job.job_id
    assert list(emulator.jobs) == [951]
    assert len(emulator.ledger.calls("download", product="LightCurve")) == 1
    curve = report.outcomes[Product.LightCurve]
    assert isinstance(curve, Downloaded)
    assert curve.skipped
    assert curve.path.is_file()


def test_a_submission_that_was_never_answered_is_looked_for_where_the_local_disk_is_gone(
    serve: Serve, options: dict[str, Any], publish: str, there: Path, tmp_path: Path
) -> None:
    emulator = serve(faults=[Fault("reset_after", "submit"), Fault("http_502", "old_jobs", count=99)])
    with pytest.raises(Exception, match="Given up"):
        request_products(REQUEST, **options | {"max_wait": 1.0}, publish=publish)
    assert [name.startswith("submitting-") for name in names(there)] == [True]
    shutil.rmtree(options["destination"])
    emulator.faults.clear()

    report = request_products(REQUEST, **options, publish=publish)

    assert report.ok
    assert list(emulator.jobs) == [951]
    assert names(there) == {"951"}
    assert tmp_path.is_dir()


def test_collecting_fetches_what_is_published_and_not_from_the_service(
    serve: Serve, options: dict[str, Any], publish: str
) -> None:
    emulator = serve()
    request_products(REQUEST, **options, publish=publish)
    shutil.rmtree(options["destination"])

    report = collect_products(951, **options, publish=publish)

    assert report.ok
    assert len(emulator.ledger.calls("download")) == 2
    assert {path.name for path in report.files.values()} == {"lc.tar.gz", "image.tar.gz"}


@pytest.mark.parametrize("harm", ["shorter", "other bytes"])
def test_what_is_not_whole_there_is_downloaded_and_published_again(
    serve: Serve, options: dict[str, Any], publish: str, there: Path, harm: str
) -> None:
    emulator = serve()
    request_products(request_for(Product.Image), **options, publish=publish)
    good = (there / "951" / "image.tar.gz").read_bytes()
    (there / "951" / "image.tar.gz").write_bytes(good[:-1] if harm == "shorter" else bytes(len(good)))
    shutil.rmtree(options["destination"])

    report = collect_products(951, **options, publish=publish)

    assert report.ok
    assert len(emulator.ledger.calls("download")) == 2
    assert (there / "951" / "image.tar.gz").read_bytes() == good


def test_publishing_later_copies_what_is_on_disk(
    serve: Serve, options: dict[str, Any], publish: str, there: Path
) -> None:
    emulator = serve()
    request_products(REQUEST, **options)

    collect_products(951, **options, publish=publish)

    assert len(emulator.ledger.calls("download")) == 2
    assert names(there / "951") == {"image.tar.gz", "lc.tar.gz", "job.json"}


def test_what_has_been_removed_there_is_copied_again(
    serve: Serve, options: dict[str, Any], publish: str, there: Path
) -> None:
    emulator = serve()
    request_products(request_for(Product.Image), **options, publish=publish)
    shutil.rmtree(there)

    collect_products(951, **options, publish=publish)

    assert len(emulator.ledger.calls("download")) == 1
    assert names(there / "951") == {"image.tar.gz", "job.json"}


def test_what_cannot_be_published_is_on_disk_and_reported(
    serve: Serve, options: dict[str, Any], publish: str, there: Path
) -> None:
    serve()
    (there / "951" / "image.tar.gz").mkdir(parents=True)

    report = request_products(request_for(Product.Image), **options, publish=publish, on_failure="return")

    outcome = report.outcomes[Product.Image]
    assert isinstance(outcome, Failed)
    assert outcome.meaning == "complete at the service and on disk, but not published"
    assert f"xrt-products collect 951 --publish {publish}" in outcome.advice
    assert (report.directory / "image.tar.gz").is_file()
    assert json.loads((there / "951" / "job.json").read_text())["outcomes"] == {"Image": "failed"}


def test_nothing_is_sent_where_the_submission_cannot_be_published(
    serve: Serve, options: dict[str, Any], publish: str, there: Path
) -> None:
    emulator = serve()
    there.parent.mkdir()
    there.write_text("a file in the place of the target's folder")

    with pytest.raises(Exception, match="cannot write"):
        request_products(REQUEST, **options | {"max_wait": 1.0}, publish=publish)

    assert emulator.jobs == {}


def test_an_address_with_a_password_is_refused_before_anything_is_sent(
    serve: Serve, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    emulator = serve()

    with pytest.raises(InvalidOptions, match="delete that run"):
        request_products(REQUEST, **options, publish="s3://key:very-secret@bucket/xrt")

    assert emulator.jobs == {}
    assert "very-secret" not in caplog.text

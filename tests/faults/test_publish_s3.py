"""Publishing to a real S3 server: what is cut in the middle leaves nothing, and no credentials are told."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3fs
from campaign_support import run_batch, targets
from s3_server import BUCKET, ENVIRONMENT, SECRET, CuttingProxy, bucket_at, s3_server
from xrt_support import Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build
from ukssdc.errors import PublishError
from ukssdc.outcomes import Downloaded
from ukssdc.record.remote import PART, RemoteFolder
from xrt_products import collect_products, request_products

URL = f"s3://{BUCKET}/xrt"
pytestmark = pytest.mark.xdist_group("s3")  # one server


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    with s3_server() as address:
        yield address


@pytest.fixture
def proxy(server: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(server)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{proxy.address[0]}:{proxy.address[1]}")
    s3fs.S3FileSystem.clear_instance_cache()
    yield proxy
    proxy.close()


@pytest.fixture
def bucket(server: tuple[str, int]) -> Iterator[s3fs.S3FileSystem]:
    system = bucket_at(server)
    yield system
    if system.exists(f"{BUCKET}/xrt"):
        system.rm(f"{BUCKET}/xrt", recursive=True)


def in_parts(path: Path) -> Path:
    """Write an archive that takes several parts."""
    path.write_bytes(bytes(3 * PART))
    return path


def test_products_are_in_the_bucket_and_found_there_where_the_local_disk_is_gone(
    serve: Serve, options: dict[str, Any], proxy: CuttingProxy, bucket: s3fs.S3FileSystem
) -> None:
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=30, size=2 * PART)})
    first = request_products(request_for(Product.LightCurve), **options, publish=URL)
    there = f"{BUCKET}/xrt/GRB_200416A/951"
    assert bucket.size(f"{there}/lc.tar.gz") == 2 * PART
    assert bucket.find(f"{BUCKET}/xrt") == [f"{there}/job.json", f"{there}/lc.tar.gz"]
    shutil.rmtree(options["destination"])

    report = collect_products(951, **options, publish=URL)

    outcome = report.outcomes[Product.LightCurve]
    assert isinstance(outcome, Downloaded)
    assert outcome.published == f"{URL}/GRB_200416A/951/lc.tar.gz"
    assert outcome.path.stat().st_size == 2 * PART
    assert len(emulator.ledger.calls("download")) == 1
    assert outcome.model_copy(update={"skipped": False}) == first.outcomes[Product.LightCurve]
    assert proxy.cuts == 0


def test_an_upload_that_is_cut_in_the_middle_leaves_no_object_and_no_parts(
    proxy: CuttingProxy, bucket: s3fs.S3FileSystem, tmp_path: Path
) -> None:
    archive = in_parts(tmp_path / "lc.tar.gz")
    remote = RemoteFolder.from_url(URL)
    proxy.limit = PART + PART // 2

    with pytest.raises(PublishError, match="this may pass") as failed:
        remote.upload(archive)

    assert failed.value.retryable
    assert proxy.cuts > 0
    assert bucket.find(f"{BUCKET}/xrt") == []
    assert bucket.list_multipart_uploads(BUCKET) == []


def test_an_object_that_was_there_stays_until_the_new_one_is_whole(
    proxy: CuttingProxy, bucket: s3fs.S3FileSystem, tmp_path: Path
) -> None:
    remote = RemoteFolder.from_url(URL)
    remote.write("lc.tar.gz", b"old")
    archive = in_parts(tmp_path / "lc.tar.gz")
    proxy.limit = PART // 2

    with pytest.raises(PublishError):
        remote.upload(archive)

    assert bucket.cat_file(f"{BUCKET}/xrt/lc.tar.gz") == b"old"
    proxy.limit = None
    remote.upload(archive)
    assert bucket.size(f"{BUCKET}/xrt/lc.tar.gz") == 3 * PART


def test_a_place_that_cuts_is_tried_again_and_nothing_secret_is_logged(
    serve: Serve,
    options: dict[str, Any],
    proxy: CuttingProxy,
    bucket: s3fs.S3FileSystem,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=30, size=3 * PART)})
    proxy.limit = PART // 2
    caplog.handler.addFilter(lambda record: bool(_lift(proxy, record.getMessage())))

    report = request_products(request_for(Product.LightCurve), **options, publish=URL)

    assert report.ok
    assert proxy.cuts > 0
    assert bucket.size(f"{BUCKET}/xrt/GRB_200416A/951/lc.tar.gz") == 3 * PART
    assert len(emulator.ledger.calls("download")) == 1
    assert "cannot write s3://" in caplog.text
    assert SECRET not in caplog.text
    assert ENVIRONMENT["AWS_ACCESS_KEY_ID"] not in caplog.text


def _lift(proxy: CuttingProxy, message: str) -> bool:
    """Let everything through once an upload has failed."""
    if "cannot write" in message:
        proxy.limit = None
    return True


def test_a_bucket_that_is_not_there_is_said_at_once(serve: Serve, options: dict[str, Any], proxy: CuttingProxy) -> None:
    emulator = serve()

    with pytest.raises(PublishError, match="is there such a bucket"):
        request_products(request_for(Product.Image), **options, publish="s3://no-such-bucket/xrt")

    assert emulator.jobs == {}
    assert proxy.cuts == 0


def test_a_campaign_whose_disk_is_gone_finds_in_the_bucket_what_is_done(
    serve: Serve, options: dict[str, Any], proxy: CuttingProxy, bucket: s3fs.S3FileSystem
) -> None:
    assert proxy
    emulator = serve({Product.LightCurve: Build(requested=0, queued=0, running=30)})
    run_batch(targets(2), options, publish=URL)
    shutil.rmtree(options["destination"])

    report = run_batch(targets(3), options, publish=URL)

    assert report.ok
    assert [job.name for job in emulator.jobs.values()] == ["GRB 1", "GRB 2", "GRB 3"]
    assert [call.job_id for call in emulator.ledger.calls("download")] == [951, 952, 953]
    assert bucket.exists(f"{BUCKET}/xrt/campaign.csv")

"""A disk that is full, or fails for a moment, costs time and neither the archive nor what has come of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from archive_answers import LC, TAG, archive, head, job, rest
from failing_disk import PASSING, FailingDisk
from raw_server import http, raw_server

from ukssdc import Client, DownloadError
from ukssdc.errors import ExtractionError

HALF = 2000  # bytes


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FailingDisk:
    made = FailingDisk(tmp_path)
    made.install(monkeypatch)
    return made


def fetch(url: str, directory: Path, **options: Any) -> Any:
    return Client("observer@example.org", url, timeout=(1, 1)).download(job(url), LC, directory, **options)


def refused(url: str, directory: Path, **options: Any) -> DownloadError:
    with pytest.raises(DownloadError) as raised:
        fetch(url, directory, **options)
    assert not raised.value.corrupt
    return raised.value


def test_what_has_come_is_kept_while_there_is_no_room(tmp_path: Path, disk: FailingDisk) -> None:
    broken = http(archive()[:HALF], "200 OK", TAG, length=len(archive()))

    with raw_server(broken, rest(HALF), rest(HALF)) as url:
        refused(url, tmp_path)
        disk.full = lambda name: name == "lc.tar.gz.part"
        full = refused(url, tmp_path)
        kept = (tmp_path / "lc.tar.gz.part").stat().st_size
        disk.full = lambda _: False
        file = fetch(url, tmp_path)

    assert full.retryable
    assert f"no room for {tmp_path / 'lc.tar.gz'}: No space left on device. Make room" in str(full)
    assert kept == HALF
    assert file.path.read_bytes() == archive()


@pytest.mark.parametrize("name", ["lc.tar.gz.part", "lc.tar.gz.part.etag", "job.json.part"])
def test_room_that_is_made_is_enough(tmp_path: Path, disk: FailingDisk, name: str) -> None:
    with raw_server(http(archive(), "200 OK", TAG)) as url:
        disk.full = lambda file: file == name
        with pytest.raises(Exception, match="no room for") as raised:
            fetch(url, tmp_path)
        disk.full = lambda _: False
        file = fetch(url, tmp_path)

    assert raised.value.retryable  # type: ignore[attr-defined]
    assert file.path.read_bytes() == archive()
    assert {path.name for path in tmp_path.iterdir()} == {"lc.tar.gz", "job.json"}


def test_what_nothing_could_go_on_from_makes_room(tmp_path: Path, disk: FailingDisk) -> None:
    disk.full = lambda name: name == "lc.tar.gz.part"

    with raw_server(http(archive())) as url:
        refused(url, tmp_path)

    assert not (tmp_path / "lc.tar.gz.part").exists()


def test_an_archive_for_which_there_is_no_room_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result([*real[:4], 0, *real[5:]]))

    with raw_server([head(), *[b""] * 30]) as url:
        error = refused(url, tmp_path)

    assert error.retryable
    assert "no room for" in str(error)
    assert not (tmp_path / "lc.tar.gz.part").exists()


def test_room_is_waited_for_while_an_archive_is_unpacked(tmp_path: Path, disk: FailingDisk) -> None:
    disk.full = lambda name: name == "curve.qdp"

    with raw_server(http(archive()), http(b"", "404 Not wanted")) as url:
        error = refused(url, tmp_path, extract=True)
        left = {path.name for path in tmp_path.iterdir()}
        disk.full = lambda _: False
        file = fetch(url, tmp_path, extract=True)

    assert isinstance(error, ExtractionError)
    assert error.retryable
    assert "no room for" in str(error)
    assert left == {"lc.tar.gz", "job.json"}
    assert file.skipped
    assert [path.name for path in file.extracted.rglob("*.qdp")] == ["curve.qdp"]


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize(
    ("where", "mode"),
    [("lc.tar.gz.part", "ab"), ("lc.tar.gz.part", "rb"), ("curve.qdp", "xb"), ("job.json.part", "wb")],
    ids=["write", "verify", "unpack", "record"],
)
def test_an_error_of_the_moment_passes(tmp_path: Path, disk: FailingDisk, name: str, where: str, mode: str) -> None:
    disk.error, disk.fails = name, lambda file, how: (file, how) == (where, mode)

    with raw_server(http(archive(), "200 OK", TAG)) as url:
        with pytest.raises(Exception, match="This may pass") as raised:
            fetch(url, tmp_path, extract=True)
        disk.error = None
        file = fetch(url, tmp_path, extract=True)

    assert raised.value.retryable  # type: ignore[attr-defined]
    assert file.path.read_bytes() == archive()


@pytest.mark.parametrize("name", ["ESTALE", "EIO", "EMFILE"])
def test_an_archive_that_cannot_be_read_at_the_moment_is_neither_corrupt_nor_fetched_again(
    tmp_path: Path, disk: FailingDisk, name: str
) -> None:
    with raw_server(http(archive()), http(b"", "404 Not wanted")) as url:
        fetch(url, tmp_path)
        disk.error, disk.fails = name, lambda file, _: file == "lc.tar.gz"
        error = refused(url, tmp_path)
        disk.error = None

        assert fetch(url, tmp_path).skipped
    assert error.retryable


def test_a_disk_that_is_read_only_is_not_waited_for(tmp_path: Path, disk: FailingDisk) -> None:
    disk.error, disk.fails = "EROFS", lambda file, mode: (file, mode) == ("lc.tar.gz.part", "ab")

    with raw_server(http(archive())) as url:
        error = refused(url, tmp_path)

    assert not error.retryable
    assert "choose another destination" in str(error)

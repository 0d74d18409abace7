"""A remote folder: files are whole or not there, and its errors repeat no credentials."""

from __future__ import annotations

from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from ukssdc.errors import InvalidOptions, PublishError
from ukssdc.record.remote import BLOCK, RemoteFolder

PLACES = ["memory", "file"]


@pytest.fixture
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> RemoteFolder:
    MemoryFileSystem.store.clear()
    return RemoteFolder.from_url(
        f"memory://{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/there"
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "lc.tar.gz"
    path.write_bytes(bytes(range(256)) * 2**13)
    return path


@pytest.mark.parametrize("remote", PLACES, indirect=True)
def test_a_file_arrives_as_it_is(remote: RemoteFolder, archive: Path) -> None:
    url, digest = (remote / "M82" / "951").upload(archive)

    assert url == f"{remote.url}/M82/951/lc.tar.gz"
    assert len(digest) == 64
    assert b"".join((remote / "M82" / "951").blocks("lc.tar.gz")) == archive.read_bytes()
    assert (remote / "M82" / "951").size("lc.tar.gz") == archive.stat().st_size


@pytest.mark.parametrize("remote", PLACES, indirect=True)
def test_an_upload_that_ends_in_the_middle_leaves_what_was_there_before(remote: RemoteFolder, archive: Path) -> None:
    remote.write("lc.tar.gz", b"old")
    blocks = 0

    def interrupt() -> None:
        nonlocal blocks
        blocks += 1
        if blocks * BLOCK >= archive.stat().st_size:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remote.upload(archive, check=interrupt)

    assert blocks > 1
    assert b"".join(remote.blocks("lc.tar.gz")) == b"old"
    assert remote.find("*") == [("lc.tar.gz",)]
    assert remote.find(".*") == []


@pytest.mark.parametrize("remote", PLACES, indirect=True)
def test_what_is_not_there_has_no_size_and_need_not_be_removed(remote: RemoteFolder) -> None:
    remote.remove("lc.tar.gz")

    assert remote.size("lc.tar.gz") is None
    assert remote.find("*/951/job.json") == []


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:very-secret@bucket/xrt",
        "ftp://user:very-secret@example.org/xrt",
        "sftp://very-secret@example.org/xrt",
        "abfs://container/xrt?sig=very-secret",
        "memory://xrt#very-secret",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidOptions, match="environment") as refused:
        RemoteFolder.from_url(url)

    assert "very-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["", "products", "s3:", "simplecache::memory://xrt", "file://products", "nonsense://xrt"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidOptions, match="publish"):
        RemoteFolder.from_url(url)


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "there").write_text("a file")

    with pytest.raises(PublishError, match=r"cannot write file://.*lc\.tar\.gz") as failed:
        RemoteFolder.from_url(f"file://{tmp_path}/there").upload(archive)

    assert failed.value.__cause__ is None

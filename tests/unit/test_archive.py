"""Whole archives pass, everything else is named for what it is."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from ukssdc import DownloadError
from ukssdc.download.archive import FORMATS, ArchiveFormat, verify_archive
from ukssdc.download.extract import extract_archive

CONTENT = random.Random(951).randbytes(300_000)


def archive(fmt: ArchiveFormat) -> bytes:
    buffer = io.BytesIO()
    if fmt == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("lc/curve.qdp", CONTENT)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz" if fmt == "tar.gz" else "w:") as made:
            member = tarfile.TarInfo("lc/curve.qdp")
            member.size = len(CONTENT)
            made.addfile(member, io.BytesIO(CONTENT))
    return buffer.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_whole_archive_has_no_problem(tmp_path: Path, fmt: ArchiveFormat) -> None:
    assert verify_archive(write(tmp_path / "part", archive(fmt)), fmt) is None


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("missing", [1, 1024, 150_000])
def test_a_truncated_archive_is_found(tmp_path: Path, fmt: ArchiveFormat, missing: int) -> None:
    content = archive(fmt).rstrip(b"\0") + bytes(1024) if fmt == "tar" else archive(fmt)

    assert verify_archive(write(tmp_path / "part", content[:-missing]), fmt) is not None


@pytest.mark.parametrize("fmt", ["tar.gz", "zip"])
def test_a_flipped_byte_in_a_checked_format_is_found(tmp_path: Path, fmt: ArchiveFormat) -> None:
    content = bytearray(archive(fmt))
    content[len(content) // 2] ^= 0xFF

    assert verify_archive(write(tmp_path / "part", bytes(content)), fmt) is not None


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_html_page_is_called_one(tmp_path: Path, fmt: ArchiveFormat) -> None:
    page = write(tmp_path / "part", b"\n<!DOCTYPE html><title>503</title>")

    assert verify_archive(page, fmt) == "it is an HTML page, not an archive"


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("content", [b"", b"\0" * 10240, b"no archive at all" * 100])
def test_what_is_no_archive_is_found(tmp_path: Path, fmt: ArchiveFormat, content: bytes) -> None:
    assert verify_archive(write(tmp_path / "part", content), fmt) is not None


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_more_is_read_than_may_be_unpacked(tmp_path: Path, fmt: ArchiveFormat) -> None:
    part = write(tmp_path / "part", archive(fmt))

    assert "more than 200000 bytes" in str(verify_archive(part, fmt, max_bytes=200_000))
    assert verify_archive(part, fmt, max_bytes=400_000) is None


def test_what_follows_a_tars_end_counts_too(tmp_path: Path) -> None:
    bomb = archive("tar.gz") + gzip.compress(bytes(5 * 2**20))

    assert "more than 400000 bytes" in str(verify_archive(write(tmp_path / "part", bomb), "tar.gz", max_bytes=400_000))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_a_zip_packed_in_a_way_that_may_blow_up_is_refused(tmp_path: Path, method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        made.writestr("lc/curve.qdp", CONTENT)
    part = write(tmp_path / "part", buffer.getvalue())

    assert "neither stored nor deflated" in str(verify_archive(part, "zip"))
    with pytest.raises(DownloadError, match=r"'lc/curve.qdp' is neither stored nor deflated"):
        extract_archive(part, tmp_path / "lc", "zip")

"""An archive is checked while it comes, with the verdict of a check afterwards; with isal as with zlib."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
import threading
from pathlib import Path

import pytest

from ukssdc.download import archive as archives
from ukssdc.download.archive import ArchiveFormat, verify_archive
from ukssdc.download.check import ArchiveCheck

BLOCK = 10_000  # bytes


def tar(size: int = 300_000) -> bytes:
    content, buffer = random.Random(1).randbytes(size), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for number in range(3):
            info = tarfile.TarInfo(f"file{number}")
            info.size = size
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


PACKED = gzip.compress(tar())
GZIPS = {
    "whole": PACKED,
    "two members": gzip.compress(tar()[:400_000]) + gzip.compress(tar()[400_000:]),
    "zeros at the end": PACKED + bytes(600),
    "something else at the end": PACKED + b"nonsense",
    "end missing": PACKED[:-9],
    "check sum missing": PACKED[:-8],
    "other check sum": PACKED[:-8] + bytes(4) + PACKED[-4:],
    "other length": PACKED[:-4] + bytes(4),
    "middle changed": PACKED[:500_000] + bytes(100) + PACKED[500_100:],
    "no deflate": PACKED[:10] + b"\xff" * 1000,
    "half a header": PACKED[:5],
    "nothing": b"",
    "a page": b"<html>busy</html>",
    "empty tar": gzip.compress(bytes(10_240)),
}


@pytest.fixture(params=["isal", "zlib"])
def inflate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "zlib":
        monkeypatch.setattr(archives, "igzip", None)
    return str(request.param)


@pytest.mark.usefixtures("inflate")
@pytest.mark.parametrize("what", GZIPS)
def test_a_gzip_has_the_verdict_of_pythons_own(what: str, tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(GZIPS[what])

    verdict = verify_archive(path, "tar.gz")

    assert (verdict is None) == (what in {"whole", "two members", "zeros at the end"}), verdict


@pytest.mark.usefixtures("inflate")
@pytest.mark.parametrize("archive_format", ["tar.gz", "tar"])
@pytest.mark.parametrize("start", [0, 250_000])
def test_what_comes_in_pieces_is_checked(archive_format: ArchiveFormat, start: int, tmp_path: Path) -> None:
    content, path = PACKED if archive_format == "tar.gz" else tar(), tmp_path / "part"
    path.write_bytes(content[:start])
    check = ArchiveCheck(path, archive_format)
    with path.open("ab") as file:
        for position in range(start, len(content), BLOCK):
            check.arrived(position)
            file.write(content[position : position + BLOCK])
            file.flush()

    assert check.result() == (len(content), hashlib.sha256(content).hexdigest(), None)


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(GZIPS["middle changed"])
    check = ArchiveCheck(path, "tar.gz")
    check.arrived(400_000)

    assert "cannot be read as tar.gz" in str(check.result().problem)


def test_a_file_that_cannot_be_read_is_no_verdict(tmp_path: Path) -> None:
    check = ArchiveCheck(tmp_path / "part", "tar.gz")
    (tmp_path / "part").mkdir()

    with pytest.raises(IsADirectoryError):
        check.result()


@pytest.mark.parametrize("arrived", [0, len(PACKED)])
def test_cancelling_leaves_no_thread_behind(arrived: int, tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(PACKED)
    before = threading.active_count()
    check = ArchiveCheck(path, "tar.gz")
    check.arrived(arrived)
    assert threading.active_count() >= before

    check.cancel()

    assert threading.active_count() == before

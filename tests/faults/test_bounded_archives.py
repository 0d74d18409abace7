"""Whatever an archive claims, the verdict comes: the kernel ends a process that takes too much time or memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_archives import END, TARS, ZIPS, Entry, gzipped, no_members, tar_header, zip_end

from ukssdc.download.archive import ArchiveFormat, verify_archive

CHECK = """
import resource, sys
from pathlib import Path
from ukssdc import DownloadError
from ukssdc.download.archive import verify_archive
from ukssdc.download.extract import extract_archive
limits = {resource.RLIMIT_CPU: 30, resource.RLIMIT_DATA: 400 * 2**20, resource.RLIMIT_FSIZE: 64 * 2**20}
for what, most in limits.items():
    resource.setrlimit(what, (most, most))
path = Path(sys.argv[1])
print(verify_archive(path, sys.argv[2]))
try:
    extract_archive(path, path.parent / "lc", sys.argv[2])
    print("unpacked")
except DownloadError as error:
    print(error)
"""
CASES: list[tuple[ArchiveFormat, str]] = [
    *(("tar", name) for name in TARS),
    *(("tar.gz", name) for name in TARS),
    *(("zip", name) for name in ZIPS),
]


@pytest.mark.parametrize(("archive_format", "name"), CASES)
def test_the_verdict_comes(tmp_path: Path, archive_format: ArchiveFormat, name: str) -> None:
    content = ZIPS[name]() if archive_format == "zip" else TARS[name]()
    archive = tmp_path / "part"
    archive.write_bytes(gzipped(content) if archive_format == "tar.gz" else content)

    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(archive), archive_format], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    verdict, unpacking = done.stdout.splitlines()
    assert verdict.startswith("it ")
    assert unpacking
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 64 * 2**20 + archive.stat().st_size


@pytest.mark.parametrize(
    ("archive_format", "content"),
    [
        ("zip", no_members()),
        ("tar", bytes(10240)),
        ("tar.gz", gzip.compress(bytes(10240))),
        ("tar.gz", gzip.compress(b"")),
    ],
    ids=["zip", "tar", "tar.gz", "gzip of nothing"],
)
def test_what_holds_nothing_is_empty_in_any_format(
    tmp_path: Path, archive_format: ArchiveFormat, content: bytes
) -> None:
    (tmp_path / "part").write_bytes(content)

    assert "empty" in str(verify_archive(tmp_path / "part", archive_format))


@pytest.mark.parametrize("archive_format", ["tar", "tar.gz"])
def test_more_members_than_anybody_needs_are_not_counted_on(tmp_path: Path, archive_format: ArchiveFormat) -> None:
    content = tar_header() * 1001 + END
    (tmp_path / "part").write_bytes(gzipped(content) if archive_format == "tar.gz" else content)

    assert "more than 1000 members" in str(verify_archive(tmp_path / "part", archive_format, max_members=1000))


def test_a_zip_with_too_many_members_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(zip_end([Entry(f"{n}", 0, 0, 0) for n in range(20)], 0))

    assert "more than 10 members" in str(verify_archive(tmp_path / "part", "zip", max_members=10))


def test_gzip_members_without_content_end(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(gzip.compress(tar_header(size=600)) + gzip.compress(b"") * 20_000)

    assert "cannot be read" in str(verify_archive(tmp_path / "part", "tar.gz"))

"""The slices in a spectrum's archive are unpacked with the care of the archive itself: all of it, or nothing."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_archives import TARS, gzipped
from packed_members import Member, pack
from raw_server import http, raw_server
from xrt_support import USER, request_for

from ukssdc import Client, DownloadError, Job, Product
from ukssdc.download.archive import FORMATS, ArchiveFormat
from ukssdc.download.extract import extract_archive
from ukssdc.emulator import Build, Emulator, Scenario

GOOD = Member("interval0pc.pi", b"SIMPLE  =")
BOMB = 5 * 2**20


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(scenario=Scenario({Product.Spectrum: Build(requested=0, queued=0, running=0)})) as running:
        yield running


def refuse(folder: Path, content: bytes, archive_format: ArchiveFormat = "tar.gz", **limits: Any) -> str:
    """See an archive with slices refused, with nothing of it on disk; return the reason."""
    archive = folder / f"spec.{archive_format}"
    archive.write_bytes(content)
    with pytest.raises(DownloadError) as raised:
        extract_archive(archive, folder / "spec", archive_format, slices=True, **limits)
    assert list(folder.iterdir()) == [archive]
    return str(raised.value)


def outer(slice_content: bytes, archive_format: ArchiveFormat = "tar.gz") -> bytes:
    return pack([Member("spec.log"), Member("interval0.tar.gz", slice_content)], archive_format)


def slice_of(*members: Member) -> bytes:
    return pack([GOOD, *members], "tar.gz")


@pytest.mark.parametrize("archive_format", FORMATS)
def test_slices_are_unpacked_in_the_place_of_their_archives(
    emulator: Emulator, archive_format: ArchiveFormat, tmp_path: Path
) -> None:
    with Client(USER, emulator.url) as client:
        job = client.submit(request_for(Product.Spectrum))
        emulator.advance(60)
        file = client.download(job, "Spectrum", tmp_path, archive_format, extract=True)

    names = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "spec").rglob("*") if path.is_file()}
    assert file.extracted == tmp_path / "spec"
    stem = "spec/interval0/interval0pc"
    assert {f"{stem}.pi", f"{stem}.rmf", "spec/interval0/models/interval0pc.xcm"} <= names
    assert not [name for name in names if name.endswith(".tar.gz")]
    assert "spec/spec.log" in names


def test_only_a_spectrums_archive_has_slices(tmp_path: Path) -> None:
    job = Job(job_id=951, url="x", name="GRB 200416A", products=tuple(Product))
    with raw_server(http(outer(b"anything"))) as url:
        client = Client(USER, url, timeout=(1, 1))
        client.download(job.model_copy(update={"url": f"{url}/tprods/USERPROD_951"}), "Image", tmp_path, extract=True)

    assert (tmp_path / "image" / "interval0.tar.gz").read_bytes() == b"anything"


@pytest.mark.parametrize("archive_format", FORMATS)
@pytest.mark.parametrize(
    ("evil", "reason"),
    [
        (Member("../evil"), "outside of its folder"),
        (Member("../../../evil"), "outside of its folder"),
        (Member("/etc/xrt-evil"), "outside of its folder"),
        (Member("evil", kind=tarfile.SYMTYPE, target="/etc/passwd"), "neither a file nor a folder"),
        (Member("evil", kind=tarfile.LNKTYPE, target="../interval0.tar.gz"), "neither a file nor a folder"),
        (Member("evil", kind=tarfile.FIFOTYPE), "neither a file nor a folder"),
        (Member("interval0pc.pi"), "is there twice"),
        (Member("a\x1b[31m"), "control characters"),
    ],
)
def test_a_hostile_slice_is_refused_as_the_archive_would_be(
    evil: Member, reason: str, archive_format: ArchiveFormat, tmp_path: Path
) -> None:
    message = refuse(tmp_path, outer(slice_of(evil), archive_format), archive_format)

    assert "its slice 'interval0.tar.gz'" in message
    assert reason in message
    assert message.isprintable()


@pytest.mark.parametrize("kind", TARS)
def test_a_slice_that_claims_more_than_it_holds_is_refused(kind: str, tmp_path: Path) -> None:
    assert "its slice 'interval0.tar.gz'" in refuse(tmp_path, outer(gzipped(TARS[kind]())), max_bytes=10**7)


def test_a_slice_that_is_a_bomb_is_stopped_at_the_limit(tmp_path: Path) -> None:
    bomb = slice_of(Member("bomb", bytes(BOMB)))

    assert "unpacks to more than 1000000 bytes" in refuse(tmp_path, outer(bomb), max_bytes=1_000_000)


def test_the_limits_are_for_all_slices_together(tmp_path: Path) -> None:
    one = slice_of(Member("events.evt", bytes(400_000)))
    several = pack([Member(f"interval{n}.tar.gz", one) for n in range(3)], "tar.gz")

    assert "its slice 'interval2.tar.gz'" in refuse(tmp_path, several, max_bytes=1_000_000)
    assert "more than 7 members" in refuse(tmp_path, several, max_members=7)


@pytest.mark.parametrize("content", [b"", b"<html>", slice_of(Member("x"))[:100]])
def test_a_slice_that_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    assert "its slice 'interval0.tar.gz'" in refuse(tmp_path, outer(content))


def test_an_archive_within_a_slice_stays_packed(tmp_path: Path) -> None:
    inner = slice_of(Member("interval0.tar.gz", b"not looked into"))
    (tmp_path / "spec.tar.gz").write_bytes(outer(inner))

    extract_archive(tmp_path / "spec.tar.gz", tmp_path / "spec", "tar.gz", slices=True)

    assert (tmp_path / "spec" / "interval0" / "interval0.tar.gz").read_bytes() == b"not looked into"


@pytest.mark.parametrize("order", [1, -1])
def test_a_slice_that_is_there_packed_and_unpacked_is_refused(order: int, tmp_path: Path) -> None:
    both = [Member("interval0.tar.gz", slice_of()), Member("interval0/interval0pc.pi")]

    assert "'interval0' is there twice" in refuse(tmp_path, pack(both[::order], "tar.gz"))

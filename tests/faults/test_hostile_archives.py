"""Archives made to do harm are refused, and leave nothing on disk: neither where they aim, nor where they are."""

from __future__ import annotations

import gzip
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packed_members import Member, pack
from raw_server import http, raw_server
from xrt_support import USER

from ukssdc import ArchiveFormat, Client, DownloadError, Job, Product
from ukssdc.download.archive import FORMATS, verify_archive
from ukssdc.download.extract import extract_archive

TARS: tuple[ArchiveFormat, ...] = ("tar.gz", "tar")
LINKS = {"symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE}
DEVICES = {"character device": tarfile.CHRTYPE, "block device": tarfile.BLKTYPE, "FIFO": tarfile.FIFOTYPE}
ZIP_KINDS = {
    "symlink": stat.S_IFLNK,
    "character device": stat.S_IFCHR,
    "block device": stat.S_IFBLK,
    "FIFO": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}


GOOD = Member("lc/curve.qdp")


@pytest.fixture
def refuse(tmp_path: Path) -> Callable[..., str]:
    """Return a function that sees an archive refused and nothing of it on disk, and that returns the reason."""
    folder = tmp_path / "outer" / "GRB" / "951"
    folder.mkdir(parents=True)

    def see(content: bytes, archive_format: ArchiveFormat, **limits: Any) -> str:
        archive = folder / f"lc.{archive_format}"
        archive.write_bytes(content)
        with pytest.raises(DownloadError) as raised:
            extract_archive(archive, folder / "lc", archive_format, **limits)
        assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [archive]
        assert list(folder.iterdir()) == [archive]
        return str(raised.value)

    return see


@pytest.mark.parametrize("archive_format", FORMATS)
@pytest.mark.parametrize(
    "name", ["../evil", "lc/../../evil", "lc/..", "../../../../../../../../tmp/xrt-evil", "..\\evil", "lc/..\\..\\evil"]
)
def test_a_climbing_name_is_refused(refuse: Callable[..., str], archive_format: ArchiveFormat, name: str) -> None:
    assert "outside of its folder" in refuse(pack([GOOD, Member(name)], archive_format), archive_format)
    assert not Path("/tmp/xrt-evil").exists()  # noqa: S108 - where it aims


@pytest.mark.parametrize("archive_format", FORMATS)
@pytest.mark.parametrize("name", ["/tmp/xrt-evil", "//tmp/xrt-evil", "C:/evil", "C:evil", "\\\\host\\share\\evil"])  # noqa: S108
def test_an_absolute_name_is_refused(refuse: Callable[..., str], archive_format: ArchiveFormat, name: str) -> None:
    assert "outside of its folder" in refuse(pack([GOOD, Member(name)], archive_format), archive_format)
    assert not Path("/tmp/xrt-evil").exists()  # noqa: S108


@pytest.mark.parametrize("archive_format", TARS)
@pytest.mark.parametrize("kind", [*LINKS, *DEVICES])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../../evil", "lc/curve.qdp"])
def test_a_tars_link_or_device_is_refused(
    refuse: Callable[..., str], archive_format: ArchiveFormat, kind: str, target: str
) -> None:
    evil = Member("lc/evil", kind=(LINKS | DEVICES)[kind], target=target)

    assert "'lc/evil' is neither a file nor a folder" in refuse(pack([GOOD, evil], archive_format), archive_format)


@pytest.mark.parametrize("kind", ZIP_KINDS)
def test_a_zips_link_or_device_is_refused(refuse: Callable[..., str], kind: str) -> None:
    evil = Member("lc/evil", kind=ZIP_KINDS[kind], target="/etc/passwd")

    assert "'lc/evil' is neither a file nor a folder" in refuse(pack([GOOD, evil], "zip"), "zip")


@pytest.mark.parametrize("archive_format", TARS)
def test_a_file_through_a_link_goes_nowhere(
    refuse: Callable[..., str], tmp_path: Path, archive_format: ArchiveFormat
) -> None:
    link = Member("lc", kind=tarfile.SYMTYPE, target=str(tmp_path / "outer"))

    assert refuse(pack([link, Member("lc/evil")], archive_format), archive_format)
    assert not (tmp_path / "outer" / "evil").exists()


@pytest.mark.parametrize("archive_format", FORMATS)
def test_a_bomb_is_stopped_at_the_limit(refuse: Callable[..., str], archive_format: ArchiveFormat) -> None:
    bomb = pack([GOOD, Member("lc/bomb", bytes(5 * 2**20))], archive_format)

    assert "more than 1000000 bytes" in refuse(bomb, archive_format, max_bytes=1_000_000)


@pytest.mark.parametrize("archive_format", FORMATS)
def test_the_limit_is_for_all_members_together(refuse: Callable[..., str], archive_format: ArchiveFormat) -> None:
    many = pack([Member(f"{n}.evt", bytes(1000)) for n in range(11)], archive_format)

    assert "more than 10000 bytes" in refuse(many, archive_format, max_bytes=10_000)


def test_a_zip_that_lies_about_a_members_size_is_refused(refuse: Callable[..., str]) -> None:
    size = 5 * 2**20
    lying = pack([Member("bomb", bytes(size))], "zip").replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))

    assert "cannot be read as zip" in refuse(lying, "zip", max_bytes=1000)


@pytest.mark.parametrize("archive_format", TARS)
def test_a_file_with_holes_is_refused(refuse: Callable[..., str], archive_format: ArchiveFormat) -> None:
    info = tarfile.TarInfo("holes")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "holes"}
    info.pax_headers |= {"GNU.sparse.size": str(2**50), "GNU.sparse.map": f"{2**50},0"}
    content = info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)

    reason = refuse(gzip.compress(content) if archive_format == "tar.gz" else content, archive_format)

    assert "'holes' is neither a file nor a folder" in reason


@pytest.mark.parametrize("archive_format", TARS)
def test_headers_without_end_do_not_fill_the_memory(
    refuse: Callable[..., str], tmp_path: Path, archive_format: ArchiveFormat
) -> None:
    info = tarfile.TarInfo("long")
    info.pax_headers = {"comment": "x" * 2**25}
    content = info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)
    packed = gzip.compress(content) if archive_format == "tar.gz" else content

    assert f"cannot be read as {archive_format}" in refuse(packed, archive_format)
    (tmp_path / "part").write_bytes(packed)
    assert verify_archive(tmp_path / "part", archive_format) is not None


@pytest.mark.parametrize("archive_format", FORMATS)
def test_too_many_members_are_refused(refuse: Callable[..., str], archive_format: ArchiveFormat) -> None:
    many = pack([Member(f"{n}", b"") for n in range(1001)], archive_format)

    assert "more than 1000 members" in refuse(many, archive_format, max_members=1000)


@pytest.mark.parametrize("archive_format", FORMATS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names",
    [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")],
    ids=["same", "dot", "below", "over"],
)
def test_a_name_that_is_there_twice_is_refused(
    refuse: Callable[..., str], archive_format: ArchiveFormat, names: tuple[str, str]
) -> None:
    assert "is there twice" in refuse(pack(map(Member, names), archive_format), archive_format)


@pytest.mark.parametrize("archive_format", FORMATS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\x1b[31m", "control characters"),
        ("a\nb", "control characters"),
        ("evil\u202etxt.exe", "control characters"),
        ("x" * 300, "too long a name"),
        ("/".join("x" * 100), "too long a name"),
    ],
    ids=["escape", "line", "right to left", "long", "deep"],
)
def test_a_name_that_nobody_could_type_is_refused(
    refuse: Callable[..., str], archive_format: ArchiveFormat, name: str, reason: str
) -> None:
    message = refuse(pack([GOOD, Member(name)], archive_format), archive_format)

    assert reason in message
    assert message.isprintable()


def test_an_encrypted_zip_is_refused(refuse: Callable[..., str], tmp_path: Path) -> None:
    content = bytearray(pack([GOOD], "zip"))
    content[6] |= 1  # the flag, in the member's header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert "cannot be read as zip" in refuse(bytes(content), "zip")
    (tmp_path / "part").write_bytes(content)
    assert verify_archive(tmp_path / "part", "zip") is not None


@pytest.mark.parametrize("archive_format", FORMATS)
def test_a_damaged_archive_leaves_nothing(refuse: Callable[..., str], archive_format: ArchiveFormat) -> None:
    content = pack([GOOD, Member("lc/big", bytes(range(256)) * 4000)], archive_format)

    assert f"cannot be read as {archive_format}" in refuse(content[: len(content) // 2], archive_format)


def fetch(url: str, directory: Path, **options: Any) -> Any:
    """Download the light curve of job 951 and unpack it."""
    job = Job(job_id=951, url=f"{url}/tprods/USERPROD_951", name="GRB 200416A", products=tuple(Product))
    return Client(USER, url, timeout=(1, 1)).download(job, Product.LightCurve, directory, extract=True, **options)


@pytest.mark.parametrize("archive_format", FORMATS)
def test_an_archive_of_plain_files_is_unpacked_beside_itself(tmp_path: Path, archive_format: ArchiveFormat) -> None:
    with raw_server(http(pack([GOOD, Member("lc/b/c.txt", b"c")], archive_format))) as url:
        file = fetch(url, tmp_path, format=archive_format)

    assert file.extracted == tmp_path / "lc"
    assert {p.relative_to(file.extracted).as_posix() for p in file.extracted.rglob("*")} == {
        "lc",
        "lc/b",
        "lc/curve.qdp",
        "lc/b/c.txt",
    }
    assert (file.extracted / "lc/curve.qdp").read_bytes() == GOOD.content
    assert stat.S_IMODE((file.extracted / "lc/curve.qdp").stat().st_mode) & 0o111 == 0


def test_a_hostile_download_stays_packed(tmp_path: Path) -> None:
    with (
        raw_server(http(pack([Member("../evil")], "tar.gz"))) as url,
        pytest.raises(DownloadError, match="outside of its folder") as raised,
    ):
        fetch(url, tmp_path)

    assert not raised.value.retryable
    assert {p.name for p in tmp_path.iterdir()} == {"lc.tar.gz", "job.json"}


def test_a_folder_that_is_there_is_kept_when_its_archive_is_known(tmp_path: Path) -> None:
    with raw_server(http(pack([GOOD], "tar.gz"))) as url:
        (fetch(url, tmp_path).extracted / "notes.txt").write_text("mine")
        again = fetch(url, tmp_path)

    assert again.skipped
    assert (tmp_path / "lc" / "notes.txt").read_text() == "mine"


def test_an_archive_that_had_to_be_fetched_again_is_unpacked_again(tmp_path: Path) -> None:
    with raw_server(http(pack([GOOD], "tar.gz")), http(pack([Member("new")], "tar.gz"))) as url:
        archive = fetch(url, tmp_path).path
        archive.write_bytes(b"damaged")
        again = fetch(url, tmp_path)

    assert not again.skipped
    assert [p.name for p in again.extracted.iterdir()] == ["new"]


def test_a_folder_that_nobody_knows_is_left_alone_and_not_taken_for_the_archives(tmp_path: Path) -> None:
    (tmp_path / "lc").mkdir()
    (tmp_path / "lc" / "notes.txt").write_text("mine")

    with (
        raw_server(http(pack([GOOD], "tar.gz"))) as url,
        pytest.raises(DownloadError, match=r"lc exists already\. Move it away"),
    ):
        fetch(url, tmp_path)

    assert [p.name for p in (tmp_path / "lc").iterdir()] == ["notes.txt"]


def test_replace_replaces_the_folder_too(tmp_path: Path) -> None:
    with raw_server(http(pack([GOOD], "tar.gz")), http(pack([Member("new")], "tar.gz"))) as url:
        fetch(url, tmp_path)
        fetch(url, tmp_path, if_exists="replace")

    assert [p.name for p in (tmp_path / "lc").iterdir()] == ["new"]
    assert {p.name for p in tmp_path.iterdir()} == {"lc.tar.gz", "lc", "job.json"}


def test_what_a_killed_run_left_half_unpacked_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "lc.part").mkdir()
    (tmp_path / "lc.part" / "half").write_text("")

    with raw_server(http(pack([GOOD], "tar.gz"))) as url:
        fetch(url, tmp_path)

    assert [p.name for p in (tmp_path / "lc").iterdir()] == ["lc"]
    assert not (tmp_path / "lc.part").exists()

"""Archives that claim more than they hold, or that are made to take for ever or to fill the memory."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

EXABYTE = 2**60
END = bytes(1024)


def tar_header(name: str = "lc/curve.qdp", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a tar header with any size."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def pax(*headers: tuple[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """Return the block of extended headers that comes before a member's own."""
    records = b"".join(_record(key, value) for key, value in headers)
    return tar_header("pax", len(records), kind) + records + bytes(-len(records) % 512)


def _record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode()
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _blocks(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


TARS: dict[str, Callable[[], bytes]] = {
    "a file of exabytes": lambda: tar_header(size=EXABYTE) + END,
    "a file of exabytes, by extended header": lambda: pax(("size", str(EXABYTE))) + tar_header() + END,
    "an unknown kind of member of exabytes": lambda: tar_header(size=EXABYTE, kind=b"Z") + END,
    "a contiguous file of exabytes": lambda: tar_header(size=EXABYTE, kind=tarfile.CONTTYPE) + END,
    "an old sparse file of exabytes": lambda: tar_header(size=EXABYTE, kind=tarfile.GNUTYPE_SPARSE) + END,
    "a name of exabytes": lambda: tar_header(size=EXABYTE, kind=tarfile.GNUTYPE_LONGNAME) + END,
    "extended headers of exabytes": lambda: tar_header(size=EXABYTE, kind=tarfile.XHDTYPE) + END,
    "a size below zero": lambda: tar_header(size=-512) + END,
    "a size below zero, by extended header": lambda: pax(("size", "-1024")) + tar_header() + END,
    "a sparse map of millions of holes": lambda: (
        pax(("GNU.sparse.major", "0"), ("GNU.sparse.map", "1," * 7_000_000 + "1")) + tar_header() + END
    ),
    "sparse headers without end": lambda: (
        pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"))
        + tar_header(size=2**24)
        + _blocks(b"9999999999\n" + b"1\n" * 2**23)
    ),
    "digits without end": lambda: (
        tar_header("pax", 2**20 - 512, tarfile.XHDTYPE) + b"1" * (2**20 - 512) + tar_header() + END
    ),
    "headers for all members, more and more": lambda: (
        b"".join(
            pax(*((f"{m}.{n}", "x") for n in range(10_000)), kind=tarfile.XGLTYPE) + tar_header(f"{m}")
            for m in range(20)
        )
        + tar_header(size=EXABYTE)
    ),
}


class Entry(NamedTuple):
    """What a zip archive's directory says of a member."""

    name: str
    crc: int
    packed: int
    size: int
    offset: int = 0


def local_header(entry: Entry) -> bytes:
    """Return the header before a member's bytes."""
    sizes = struct.pack("<LLL", entry.crc, min(entry.packed, 2**32 - 1), min(entry.size, 2**32 - 1))
    name = entry.name.encode()
    return b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0x21) + sizes + struct.pack("<HH", len(name), 0) + name


def zip_end(entries: Sequence[Entry], offset: int, *, claimed: int | None = None) -> bytes:
    """Return a zip archive's directory and end."""
    directory = b"".join(_directory_entry(entry) for entry in entries)
    count = min(len(entries), 65535)
    size = len(directory) if claimed is None else claimed
    return directory + b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, size, offset, 0)


def _directory_entry(entry: Entry) -> bytes:
    big = max(entry.packed, entry.size) >= 2**32
    extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.packed) if big else b""
    packed, size = (2**32 - 1, 2**32 - 1) if big else (entry.packed, entry.size)
    name = entry.name.encode()
    return (
        b"PK\x01\x02"
        + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0x21)
        + struct.pack("<LLLHHHHHLL", entry.crc, packed, size, len(name), len(extra), 0, 0, 0, 0, entry.offset)
        + name
        + extra
    )


def deflate(content: bytes) -> bytes:
    """Return raw deflated bytes, as they stand in a zip archive."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def one_member(*, packed: int | None = None, size: int | None = None, claimed: int | None = None) -> bytes:
    """Return a zip archive with a member that says other sizes of itself than it has."""
    content = b"READ TERR 1 2\n"
    body = deflate(content)
    entry = Entry(
        "lc/curve.qdp",
        zlib.crc32(content),
        len(body) if packed is None else packed,
        len(content) if size is None else size,
    )
    start = local_header(entry) + body
    return start + zip_end([entry], len(start), claimed=claimed)


def overlapping(members: int, kernel: bytes = bytes(2**20)) -> bytes:
    """Return a zip bomb whose members share one kernel: each quotes the headers of those that follow."""
    body, plain, blob = deflate(kernel), kernel, b""
    entries: list[tuple[Entry, int]] = []  # with the distance from the end of the members
    for number in reversed(range(members)):
        if entries:
            header = local_header(entries[-1][0])
            quote = struct.pack("<BHH", 0, len(header), 0xFFFF ^ len(header))
            body, plain, blob = quote + header + body, header + plain, quote + blob
        else:
            blob = body
        entry = Entry(f"{number}", zlib.crc32(plain), len(body), len(plain))
        blob = local_header(entry) + blob
        entries.append((entry, len(blob)))
    placed = [entry._replace(offset=len(blob) - distance) for entry, distance in reversed(entries)]
    return blob + zip_end(placed, len(blob))


def no_members() -> bytes:
    """Return a zip archive that is whole and empty."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w"):
        pass
    return buffer.getvalue()


ZIPS: dict[str, Callable[[], bytes]] = {
    "a file of exabytes": lambda: one_member(size=EXABYTE),
    "a packed file of exabytes": lambda: one_member(packed=EXABYTE),
    "a file that is longer than it says": lambda: one_member(size=3),
    "a directory of gigabytes": lambda: one_member(claimed=2**31),
    "a directory that is long indeed": lambda: zip_end([Entry(f"{n}", 0, 0, 0) for n in range(400_000)], 0),
    "a directory that is not there": lambda: zip_end([Entry("a", 0, 10, 10, offset=2**31)], 0),
    "members that overlap": lambda: overlapping(300),
    "members that overlap, many": lambda: overlapping(3_000, bytes(2**16)),
    "no members": no_members,
}


def gzipped(content: bytes) -> bytes:
    """Return a gzip file of one member."""
    return gzip.compress(content, 1, mtime=0)

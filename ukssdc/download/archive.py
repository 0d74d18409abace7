"""Is an archive whole? Each format read to its end, in blocks, but no further than it may be unpacked."""

from __future__ import annotations

import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from os import SEEK_END
from typing import IO, TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ArchiveFormat = Literal["tar.gz", "tar", "zip"]
IfExists = Literal["skip", "replace", "error"]  # what to do about a file that is there already
FORMATS: tuple[ArchiveFormat, ...] = ("tar.gz", "tar", "zip")
BLOCK = 1 << 20  # bytes
MAX_BYTES = 20 * 2**30  # unpacked; the largest archives of the service have some GB
ZIP_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # others grow a million times, in memory at that
END_MARK = bytes(1024)  # two empty blocks end a tar file
MAX_HEADER_BYTES = 2**24  # bytes of a tar archive that may pass without being a file's content
# What Python's modules raise for archives that are damaged, encrypted, or made to break them, beside OSError.
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ArithmeticError,
    EOFError,
    LookupError,
    RuntimeError,
    ValueError,
)


class _TooLarge(Exception):  # noqa: N818 - private: it becomes a text
    """An archive unpacks to more than it may."""


def verify_archive(path: Path, archive_format: ArchiveFormat, *, max_bytes: int = MAX_BYTES) -> str | None:
    """Read an archive to its end and say what is wrong with it.

    Parameters
    ----------
    path : Path
        The file; its name does not matter.
    archive_format : {"tar.gz", "tar", "zip"}
        What it is meant to be.
    max_bytes : int, optional
        Most bytes that it may unpack to, counted as they come.

    Returns
    -------
    str or None
        None where every member can be read; otherwise what is wrong, in a few words.
    """
    with path.open("rb") as file:
        start = file.read(512).lstrip()
    if start[:1] == b"<":
        return "it is an HTML page, not an archive"
    try:
        if archive_format == "zip":
            return _problem_with_zip(path, max_bytes)
        return _problem_with_tar(path, max_bytes, zipped=archive_format == "tar.gz")
    except _TooLarge:
        return f"it unpacks to more than {max_bytes} bytes"
    except (*BROKEN, OSError) as error:
        return f"it cannot be read as {archive_format} ({error or type(error).__name__})"


def _problem_with_zip(path: Path, max_bytes: int) -> str | None:
    left = max_bytes
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type not in ZIP_METHODS:
                return "a member is neither stored nor deflated"
            with archive.open(member) as content:
                while block := content.read(BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise _TooLarge
    return None


def _problem_with_tar(path: Path, max_bytes: int, *, zipped: bool) -> str | None:
    members = 0
    with gzip.open(path) if zipped else path.open("rb") as opened:
        stream = _Limited(cast("IO[bytes]", opened), max_bytes)
        for _ in tar_members(cast("IO[bytes]", stream)):
            members += 1
        while stream.read(BLOCK):  # on to gzip's check sum, which comes after tar's end mark
            pass
    if not members:
        return "it is empty"
    if not zipped:
        with path.open("rb") as file:
            file.seek(-min(len(END_MARK), path.stat().st_size), SEEK_END)
            if file.read() != END_MARK:
                return "its end is missing"
    return None


def tar_members(stream: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Read a tar archive once, from its start to its end, in little memory.

    Parameters
    ----------
    stream : file
        The archive, not compressed.

    Yields
    ------
    TarInfo
        The member.
    file or None
        Its content, to be read before the next member is asked for, which passes over what is left; None where it is
        no plain file.
    """
    meter = _Meter(stream)
    with tarfile.open(fileobj=cast("IO[bytes]", meter), mode="r|", bufsize=2**16) as archive:
        while True:
            meter.left = MAX_HEADER_BYTES
            member = archive.next()
            if member is None:
                return
            meter.left = None
            content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
            yield member, content
            while content is not None and content.read(BLOCK):
                pass
            archive.members = []  # type: ignore[attr-defined]  # a stream is read once: no need to keep its list


class _Limited:
    """A stream that breaks off where it has brought more than it may."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise _TooLarge
        return block


class _Meter:
    """A stream that breaks off where a tar archive's headers, which are held in memory, go on without end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.left: int | None = MAX_HEADER_BYTES  # bytes; None: any number

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if self.left is not None:
            self.left -= len(block)
            if self.left < 0:
                raise tarfile.ReadError("its headers are too long")
        return block

"""Is an archive whole? Each format read to its end, in blocks."""

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
END_MARK = bytes(1024)  # two empty blocks end a tar file
LONGEST_HEADER = 2**24  # bytes of a tar archive that may pass without being a file's content
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


def problem_with(path: Path, archive_format: ArchiveFormat) -> str | None:
    """Read an archive to its end and say what is wrong with it.

    Parameters
    ----------
    path : Path
        The file; its name does not matter.
    archive_format : {"tar.gz", "tar", "zip"}
        What it is meant to be.

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
            with zipfile.ZipFile(path) as archive:
                bad = archive.testzip()
            return f"its member {bad} is damaged" if bad else None
        return _problem_with_tar(path, zipped=archive_format == "tar.gz")
    except (*BROKEN, OSError) as error:
        return f"it cannot be read as {archive_format} ({error or type(error).__name__})"


def _problem_with_tar(path: Path, *, zipped: bool) -> str | None:
    members = 0
    with gzip.open(path) if zipped else path.open("rb") as stream:
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
            meter.left = LONGEST_HEADER
            member = archive.next()
            if member is None:
                return
            meter.left = None
            content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
            yield member, content
            while content is not None and content.read(BLOCK):
                pass
            archive.members = []  # type: ignore[attr-defined]  # a stream is read once: no need to keep its list


class _Meter:
    """A stream that breaks off where a tar archive's headers, which are held in memory, go on without end."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.left: int | None = LONGEST_HEADER  # bytes; None: any number

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if self.left is not None:
            self.left -= len(block)
            if self.left < 0:
                raise tarfile.ReadError("its headers are too long")
        return block

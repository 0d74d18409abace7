"""Is an archive whole? Each format read to its end, in blocks, but no further than it may be unpacked."""

from __future__ import annotations

import gzip
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from os import SEEK_END
from typing import IO, TYPE_CHECKING, Literal, cast

from ukssdc.record.files import is_retryable

try:  # twice as fast as zlib; where there is no such package, zlib will do
    from isal import igzip, isal_zlib
except ImportError:
    igzip = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ArchiveFormat = Literal["tar.gz", "tar", "zip"]
IfExists = Literal["skip", "replace", "error"]  # what to do about a file that is there already
FORMATS: tuple[ArchiveFormat, ...] = ("tar.gz", "tar", "zip")
BLOCK = 1 << 18  # bytes
MAX_BYTES = 20 * 2**30  # of an archive, and unpacked; the largest of the service have some GB
MAX_MEMBERS = 100_000
ZIP_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # others grow a million times, in memory at that
END_MARK = bytes(1024)  # two empty blocks end a tar file
MAX_HEADER_BYTES = 2**20  # of one member of a tar archive; Python makes up to a hundred times as much of it in memory
MAX_DIRECTORY_BYTES = 2**24  # of a zip archive; read in one piece
# Python before 3.11.10 takes the square of their length over digits in a row (CVE-2024-6232): hours for a megabyte.
MANY_DIGITS = re.compile(rb"[0-9]{256}")
_ISAL_ERRORS = () if igzip is None else (cast("type[Exception]", isal_zlib.error),)  # its stub has an instance
# What Python's modules raise for archives that are damaged, encrypted, or made to break them, beside OSError.
BROKEN = (
    *_ISAL_ERRORS,
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


def verify_archive(
    path: Path,
    archive_format: ArchiveFormat,
    *,
    max_bytes: int = MAX_BYTES,
    max_members: int = MAX_MEMBERS,
    opened: Callable[[], IO[bytes]] | None = None,
) -> str | None:
    """Read an archive to its end and say what is wrong with it.

    What it says of itself is not believed: reading ends with the bytes that are there, or at a limit.

    Parameters
    ----------
    path : Path
        The file; its name does not matter.
    archive_format : {"tar.gz", "tar", "zip"}
        What it is meant to be.
    max_bytes : int, optional
        Most bytes that it may unpack to, counted as they come.
    max_members : int, optional
        Most files and folders that it may hold.
    opened : callable, optional
        Opens the file anew, where it still grows: a tar archive can be read while it comes.

    Returns
    -------
    str or None
        None where every member can be read; otherwise what is wrong, in a few words.

    Raises
    ------
    OSError
        Where the file cannot be read at the moment, which says nothing of the archive.
    """
    read: Callable[[], IO[bytes]] = opened or (lambda: path.open("rb"))
    with read() as file:
        start = file.read(512).lstrip()
    if start[:1] == b"<":
        return "it is an HTML page, not an archive"
    try:
        if archive_format == "zip":
            members = _count_zip_members(path, max_bytes, max_members)
        else:
            with read() as file, unzipped(file) if archive_format == "tar.gz" else file as stream:
                members = _count_tar_members(TarStream(stream, max_bytes), max_members)
    except _TooLarge as error:
        return str(error)
    except (*BROKEN, OSError) as error:
        if isinstance(error, OSError) and is_retryable(error):
            raise
        return f"it cannot be read as {archive_format} ({error or type(error).__name__})"
    if not members:
        return "it is empty"
    return "its end is missing" if archive_format == "tar" and not _has_end_mark(path) else None


def _count_zip_members(path: Path, max_bytes: int, max_members: int) -> int:
    with open_zip(path) as archive:
        members = archive.infolist()
        if len(members) > max_members:
            raise _TooLarge(f"it has more than {max_members} members")
        left = max_bytes
        for member in members:
            if member.compress_type not in ZIP_METHODS:
                raise zipfile.BadZipFile("a member is neither stored nor deflated")
            before = left
            with archive.open(member) as content:
                while block := content.read(BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise _TooLarge(f"it unpacks to more than {max_bytes} bytes")
            if before - left != member.file_size:
                raise zipfile.BadZipFile("a member is not as long as it says")
    return len(members)


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive whose directory is not long, and whose members lie side by side in the file.

    Raises
    ------
    BadZipFile
        Where they share their bytes, as those of bombs do, or would need more than there are.
    """
    with _Directory(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
        if sum(member.compress_size for member in archive.infolist()) > path.stat().st_size:
            raise zipfile.BadZipFile("its members overlap")
        yield archive


class _Directory(io.BufferedReader):
    """A zip archive's file, of which no more is read in one piece than a sane directory has bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("its directory is too long")
        return super().read(size)


def unzipped(file: IO[bytes]) -> IO[bytes]:
    """Return what is in a gzip file, as it is read; errors as for `BROKEN`."""
    return cast("IO[bytes]", (gzip if igzip is None else igzip).open(file))


def _count_tar_members(stream: TarStream, max_members: int) -> int:
    members = 0
    for _ in tar_members(stream):
        members += 1
        if members > max_members:
            raise _TooLarge(f"it has more than {max_members} members")
    while stream.read(BLOCK):  # on to gzip's check sum, which comes after tar's end mark
        pass
    return members


def _has_end_mark(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(len(END_MARK), path.stat().st_size), SEEK_END)
        return file.read() == END_MARK


class TarStream:
    """A tar archive that is read once, from its start to its end, up to a limit; what is sought is read and dropped.

    Python's own (`tarfile.open(mode="r|")`) goes on beyond the end for as long as a header says.

    Parameters
    ----------
    stream : file
        The archive, not compressed.
    max_bytes : int, optional
        Most bytes that are read; by default any number.
    """

    def __init__(self, stream: IO[bytes], max_bytes: int | None = None) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._position = 0
        self._header_left: int | None = None  # bytes; None: what comes is no header

    def expect_header(self, *, expected: bool) -> None:
        """Limit what is read from here on, because a header is held in memory; or leave it to the whole's limit."""
        self._header_left = MAX_HEADER_BYTES if expected else None

    def tell(self) -> int:
        """Return how many bytes have been read."""
        return self._position

    def seekable(self) -> bool:
        """Return False: there is no way back."""
        return False

    def seek(self, position: int) -> int:
        """Read on to a place.

        Raises
        ------
        ReadError
            Where it lies behind, or after the end.
        """
        if position < self._position:
            raise tarfile.StreamError("seeking backwards is not allowed")
        while self._position < position:
            if not self._read(min(position - self._position, BLOCK)):
                raise tarfile.ReadError("unexpected end of data")
        return self._position

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer than `size` only at the end; errors as for `BROKEN`."""
        if self._header_left is None:
            return self._read(size)
        if size > self._header_left:
            raise tarfile.ReadError("its headers are too long")
        self._header_left -= size
        block = self._read(size)
        if MANY_DIGITS.search(block):
            raise tarfile.ReadError("a header holds an endless number")
        return block

    def _read(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._position += len(block)
        if self._max_bytes is not None and self._position > self._max_bytes:
            raise _TooLarge(f"it unpacks to more than {self._max_bytes} bytes")
        return block


def tar_members(stream: TarStream) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Read a tar archive once, from its start to its end, in little memory.

    Yields
    ------
    TarInfo
        The member.
    file or None
        Its content, to be read before the next member is asked for, which passes over what is left; None where it is
        no plain file.
    """
    stream.expect_header(expected=True)
    with tarfile.TarFile(fileobj=cast("IO[bytes]", stream)) as archive:
        while True:
            stream.expect_header(expected=True)
            member = archive.next()
            stream.expect_header(expected=False)
            if member is None:
                return
            if member.size < 0:
                raise tarfile.ReadError("a member has a size below 0")
            content = archive.extractfile(member) if member.isreg() and not member.issparse() else None
            yield member, content
            archive.members = []  # type: ignore[attr-defined]  # a stream is read once: no need to keep its list
            archive.pax_headers = {}  # those for all members, which may grow with each

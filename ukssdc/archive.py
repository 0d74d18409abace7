"""Is an archive whole? Each format read to its end, in blocks."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from os import SEEK_END
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

ArchiveFormat = Literal["tar.gz", "tar", "zip"]
FORMATS: tuple[ArchiveFormat, ...] = ("tar.gz", "tar", "zip")
BLOCK = 1 << 20  # bytes
END_MARK = bytes(1024)  # two empty blocks end a tar file
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, OSError, ValueError)


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
    except _BROKEN as error:
        return f"it cannot be read as {archive_format} ({error or type(error).__name__})"


def _problem_with_tar(path: Path, *, zipped: bool) -> str | None:
    members = 0
    with gzip.open(path) if zipped else path.open("rb") as stream:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=BLOCK) as archive:
            for member in archive:
                members += 1
                content = archive.extractfile(member) if member.isfile() else None
                while content is not None and content.read(BLOCK):
                    pass
                archive.members = []  # type: ignore[attr-defined]  # a stream is read once: there is no need to keep its list
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

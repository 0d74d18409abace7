"""Unpack an archive that nobody vouches for: plain files and folders only, below one folder, up to a limit."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import unicodedata
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from ukssdc.download.archive import (
    BLOCK,
    BROKEN,
    MAX_BYTES,
    MAX_MEMBERS,
    ZIP_METHODS,
    ArchiveFormat,
    TarStream,
    open_zip,
    tar_members,
    unzipped,
)
from ukssdc.errors import ExtractionError
from ukssdc.record.files import write_error

if TYPE_CHECKING:
    from collections.abc import Iterator

SLICE = ".tar.gz"  # how the name of a slice's archive ends
MAX_DEPTH = 32  # folders within each other
MAX_NAME_LENGTH = 60  # characters of a member's name in a message
_Member = tuple[PurePosixPath, IO[bytes] | None]  # a file, or a folder without content


class _Unsafe(Exception):  # noqa: N818 - private: it becomes an ExtractionError
    """Why an archive is not unpacked."""


def extract_archive(
    path: Path,
    directory: Path,
    archive_format: ArchiveFormat,
    *,
    max_bytes: int = MAX_BYTES,
    max_members: int = MAX_MEMBERS,
    replace: bool = False,
    slices: bool = False,
) -> list[Path]:
    """Unpack an archive into a new folder, which is there whole at the end, or not at all.

    Links, device files, absolute and climbing names are refused and not skipped: an archive that has them is not what
    the service makes. Owners, permissions and times are not taken over.

    Parameters
    ----------
    path : Path
        The archive; it stays as it is.
    directory : Path
        The folder, which must not exist yet; the one that it is in must.
    archive_format : {"tar.gz", "tar", "zip"}
    max_bytes : int, optional
        Most bytes that are unpacked, counted as they come: what the archive says of itself is not believed.
    max_members : int, optional
        Most files and folders that are unpacked.
    replace : bool, optional
        Whether a folder that is there already is replaced.
    slices : bool, optional
        Whether the archives in it are unpacked as well, each into a folder of its name in its place, within the same
        limits: `interval0.tar.gz` of a spectrum becomes `interval0/`. Archives within those stay packed.

    Returns
    -------
    list of Path
        The files, in the archive's order.

    Raises
    ------
    ExtractionError
        Where the archive is unsafe, too large or damaged, or cannot be stored. Nothing of it is left on disk.
    """
    if os.path.lexists(directory) and not (replace and directory.is_dir() and not directory.is_symlink()):
        raise _error(path, f"{directory} exists already. Move it away")
    beside = directory.with_name(directory.name + ".part")
    try:
        _remove(beside)
        beside.mkdir()
        try:
            limits = _Limits(max_bytes, max_members)
            names = _unpack(path, beside, archive_format, limits)
            if slices:
                names = [inner for name in names for inner in _unpack_slice(beside, name, limits)]
            _put_in_place(beside, directory)
        finally:
            _remove(beside)
    except _Unsafe as error:
        raise _error(path, f"{error}. The archive itself is left as it is: look at it before you use it") from None
    except BROKEN as error:
        raise _error(path, f"it cannot be read as {archive_format} ({type(error).__name__})") from None
    except OSError as error:
        why = write_error(directory, error)
        problem = _error(path, str(why), retryable=why.retryable)
        problem.disk_full = why.disk_full
        raise problem from None
    return [directory / name for name in names]


class _Limits:
    """How much may be unpacked in all, counted as it comes.

    Parameters
    ----------
    max_bytes, max_members : int
    """

    def __init__(self, max_bytes: int, max_members: int) -> None:
        self._max_bytes, self._max_members = max_bytes, max_members
        self._bytes = self._members = 0

    def add_member(self) -> None:
        """Count a file or folder."""
        self._members += 1
        if self._members > self._max_members:
            raise _Unsafe(f"it has more than {self._max_members} members")

    def add_bytes(self, count: int) -> None:
        """Count what has been read of a file."""
        self._bytes += count
        if self._bytes > self._max_bytes:
            raise _Unsafe(f"it unpacks to more than {self._max_bytes} bytes")


def _unpack(path: Path, folder: Path, archive_format: ArchiveFormat, limits: _Limits) -> list[PurePosixPath]:
    members = _zip_members(path) if archive_format == "zip" else _tar_members(path, zipped=archive_format == "tar.gz")
    names: list[PurePosixPath] = []
    for name, content in members:
        limits.add_member()
        try:
            if content is None:
                (folder / name).mkdir(parents=True, exist_ok=True)
                continue
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("xb") as file:  # x: what exists already is not written again, nor through
                while block := content.read(BLOCK):
                    limits.add_bytes(len(block))
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
        except (FileExistsError, NotADirectoryError):
            raise _Unsafe(f"its member {_shown(str(name))} is there twice") from None
        names.append(name)
    return names


def _unpack_slice(folder: Path, name: PurePosixPath, limits: _Limits) -> list[PurePosixPath]:
    """Put the files of a slice in the place of its archive; what is no archive stays as it is."""
    if not name.name.endswith(SLICE) or name.name == SLICE:
        return [name]
    inner = name.with_name(name.name.removesuffix(SLICE))
    archive, target = folder / name, folder / inner
    try:
        target.mkdir()
        names = _unpack(archive, target, "tar.gz", limits)
    except FileExistsError:
        raise _Unsafe(f"{_shown(str(inner))} is there twice, packed and not") from None
    except _Unsafe as error:
        raise _Unsafe(f"its slice {_shown(str(name))}: {error}") from None
    except BROKEN as error:
        raise _Unsafe(f"its slice {_shown(str(name))} cannot be read as tar.gz ({type(error).__name__})") from None
    archive.unlink()
    return [inner / file for file in names]


def _checked(name: str) -> PurePosixPath:
    """Return a member's name as a path below the folder.

    Raises
    ------
    _Unsafe
        Where it leads elsewhere, on any system, or could not be shown or typed.
    """
    pure = PurePosixPath(name)
    if pure.is_absolute() or "\\" in name or name[1:2] == ":" or ".." in pure.parts:
        raise _Unsafe(f"its member {_shown(name)} would be written outside of its folder")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in name):
        raise _Unsafe(f"its member {_shown(name)} has control characters in its name")
    if len(pure.parts) > MAX_DEPTH or any(len(part.encode()) > 255 for part in pure.parts):  # noqa: PLR2004 - file systems'
        raise _Unsafe(f"its member {_shown(name)} has too long a name")
    return pure


def _tar_members(path: Path, *, zipped: bool) -> Iterator[_Member]:
    """Yield the members of a tar archive."""
    with path.open("rb") as file, unzipped(file) if zipped else file as stream:
        for info, content in tar_members(TarStream(stream)):
            if not info.isdir() and content is None:
                raise _Unsafe(f"its member {_shown(info.name)} is neither a file nor a folder")
            name = _checked(info.name)
            if hasattr(tarfile, "data_filter"):  # Python's own opinion, from 3.11.4 on
                tarfile.data_filter(info, str(path.parent))
            yield name, content


def _zip_members(path: Path) -> Iterator[_Member]:
    """Yield the members of a zip archive."""
    with open_zip(path) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
                raise _Unsafe(f"its member {_shown(info.orig_filename)} is neither a file nor a folder")
            if info.compress_type not in ZIP_METHODS:
                raise _Unsafe(f"its member {_shown(info.orig_filename)} is neither stored nor deflated")
            name = _checked(info.orig_filename)  # ZipInfo.filename ends at the first NUL
            if info.is_dir():
                yield name, None
            else:
                with archive.open(info) as content:
                    yield name, content


def _put_in_place(beside: Path, directory: Path) -> None:
    """Give an unpacked folder its final name; one that is there already goes when the new one is complete."""
    old = directory.with_name(directory.name + ".old")
    _remove(old)
    if directory.exists():
        directory.rename(old)
    beside.rename(directory)
    _remove(old)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _shown(name: str) -> str:
    return repr(name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH] + "...")


def _error(path: Path, problem: str, *, retryable: bool = False) -> ExtractionError:
    return ExtractionError(f"{path} is not unpacked: {problem}", url=path.absolute().as_uri(), retryable=retryable)

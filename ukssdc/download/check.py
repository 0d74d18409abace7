"""Check an archive while it comes: its SHA-256, and a read of the whole, in threads that follow the file."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ukssdc.download.archive import ArchiveFormat, verify_archive

if TYPE_CHECKING:
    from typing_extensions import Buffer

BLOCK = 1 << 18  # bytes


class Checked(NamedTuple):
    """What was found: size in bytes, SHA-256, and what is wrong with the archive, None where it is whole."""

    size: int
    sha256: str
    problem: str | None


class ArchiveCheck:
    """Follows an archive that is written to a file, and is over soon after the last byte.

    Both threads read the file, and so what is on disk: a download that goes on from an earlier one needs no more than
    one from the start. Nothing is read before `arrived`, or `result`, is called for the first time.

    Parameters
    ----------
    path : Path
        The file, which only grows.
    archive_format : {"tar.gz", "tar", "zip"}
    """

    def __init__(self, path: Path, archive_format: ArchiveFormat) -> None:
        self._path = path
        self._format = archive_format
        self._changed = threading.Condition()
        self._size = 0
        self._ended = False
        self._found: dict[str, Any] = {}
        self._errors: list[BaseException] = []
        self._threads: list[threading.Thread] = []

    def arrived(self, size: int) -> None:
        """Note that so many bytes of the file are there."""
        with self._changed:
            self._size = size
            self._changed.notify_all()
        if not self._threads:
            self._start()

    def result(self) -> Checked:
        """Wait for the end, as all bytes are there.

        Raises
        ------
        OSError
            Where the file cannot be read at the moment.
        """
        self.arrived(self._path.stat().st_size)
        self._end()
        if self._errors:
            raise self._errors[0]
        if self._format == "zip":  # its directory comes last
            self._found["problem"] = verify_archive(self._path, self._format)
        return Checked(self._size, self._found["sha256"], self._found["problem"])

    def cancel(self) -> None:
        """End the threads where they are, as nobody wants the result."""
        self._size = 0
        self._end()

    def wait_for(self, position: int, wanted: int) -> int:
        """Wait until so many bytes are there behind a position, or no more come; return how many there are."""
        with self._changed:
            while not self._ended and self._size < position + wanted:
                self._changed.wait()
            return min(wanted, max(self._size - position, 0))

    def _start(self) -> None:
        steps = [self._hash] if self._format == "zip" else [self._hash, self._verify]
        self._threads = [threading.Thread(target=self._run, args=(step,), daemon=True) for step in steps]
        for thread in self._threads:
            thread.start()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asks for the result
            self._errors.append(error)

    def _hash(self) -> None:
        digest, block = hashlib.sha256(), bytearray(BLOCK)
        with memoryview(block) as view, _ArrivingFile(self._path, self) as file:
            while count := file.readinto(block):
                digest.update(view[:count])
        self._found["sha256"] = digest.hexdigest()

    def _verify(self) -> None:
        self._found["problem"] = verify_archive(
            self._path, self._format, opened=lambda: io.BufferedReader(_ArrivingFile(self._path, self), BLOCK)
        )


class _ArrivingFile(io.RawIOBase):
    """A file that still grows: reading waits for what is to come, and ends with the last byte."""

    def __init__(self, path: Path, check: ArchiveCheck) -> None:
        self._file = path.open("rb", buffering=0)
        self._check = check
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        with memoryview(buffer) as view:
            count = self._check.wait_for(self._position, len(view))
            read = self._file.readinto(view[:count]) if count else 0
        self._position += read or 0
        return read or 0

    def close(self) -> None:
        self._file.close()
        super().close()

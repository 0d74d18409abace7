"""Locks between threads and processes; they go with the process that holds them, however that ends."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from ukssdc.errors import UKSSDCError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def file_lock(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Lock a file while the body runs; yield False where somebody else has it. The file goes with the lock.

    Raises
    ------
    UKSSDCError
        Where there can be no lock: the file is someone else's, or the disk full.
    """
    import fcntl  # noqa: PLC0415 - POSIX only; the rest of the package is not

    with ExitStack() as stack:
        while True:
            try:
                lock = stack.enter_context(path.open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(path, lock.fileno()):  # its last holder may have removed it meanwhile
                    break
            except BlockingIOError:
                yield False
                return
            except OSError as error:
                raise write_error(path, error) from None
        try:
            yield True
        finally:
            with suppress(OSError):  # gone already, or not to be removed: what is left behind does no harm
                path.unlink()


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Lock a folder while the body runs, after whoever has it; the folder is made where it is missing.

    Raises
    ------
    UKSSDCError
        Where the folder cannot be made or opened.
    """
    import fcntl  # noqa: PLC0415 - as above

    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise write_error(folder, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Tell whether a process holds a file's lock, or the file is gone, which its holder has seen to, or not ours."""
    import fcntl  # noqa: PLC0415 - as above

    try:
        with path.open("r+") as file:  # NFS locks only what may be written
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError, PermissionError):  # the last: someone else's, in a shared folder
        return True
    return False


def write_error(path: Path, error: OSError) -> UKSSDCError:
    """Say that a file or folder cannot be written, why, and what to do."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    advice = "Make room; what is there already is kept" if full else "Make it writable, or choose another destination"
    problem = UKSSDCError(f"cannot write to {path}: {error.strerror or error}. {advice}")
    problem.retryable = full
    return problem


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False

"""Locks between threads and processes; they go with the process that holds them, however that ends."""

from __future__ import annotations

import os
import re
import socket
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from ukssdc.errors import UKSSDCError
from ukssdc.record.files import write_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_WAIT = 5.0  # s; what is held for longer is waited for by the tasks' retries, which know the deadline
LOCK_INTERVAL = 0.05  # s between two tries
HOLDER = re.compile(rb"(\d{1,10}) ([\w.-]{1,255})")  # process and host


@contextmanager
def file_lock(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Lock a file while the body runs; the file, which names its holder, goes with the lock.

    Parameters
    ----------
    path : Path
    wait : bool, optional
        Whether to wait `LOCK_WAIT` for a lock that somebody else has, and then to raise an error that is retryable.

    Yields
    ------
    bool
        False where somebody else has it.

    Raises
    ------
    UKSSDCError
        Where somebody else has it even after the wait, or where there can be no lock: the file is someone else's, or
        the disk full.
    """
    with ExitStack() as stack:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                # a+: what its holder wrote stays; no buffer: the file closes without a last write that could fail
                lock = stack.enter_context(path.open("ab+", buffering=0))
                free = _try_lock(lock)
                if free and _is_at(path, lock.fileno()):  # its last holder may have removed it meanwhile
                    break
            except OSError as error:
                raise write_error(path, error) from None
            if not free and not wait:
                yield False
                return
            if time.monotonic() > deadline:
                raise _held(path, _holder(lock))
            stack.close()
            if not free:
                time.sleep(LOCK_INTERVAL)
        _sign(lock)
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
        Where the folder cannot be made or opened; retryable where another process has had it for `LOCK_WAIT`.
    """
    deadline = time.monotonic() + LOCK_WAIT
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            while not _try_lock(handle):
                if time.monotonic() > deadline:
                    raise _held(folder, "another process")
                time.sleep(LOCK_INTERVAL)
        except OSError as error:
            raise write_error(folder, error) from None
        yield


def is_locked(path: Path) -> bool:
    """Tell whether a process holds a file's lock, or the file is gone, which its holder has seen to, or not ours.

    Raises
    ------
    UKSSDCError
        Where the file cannot be opened or locked.
    """
    try:
        with path.open("r+") as file:  # NFS locks only what may be written
            return not _try_lock(file)
    except (FileNotFoundError, PermissionError):  # the last: someone else's, in a shared folder
        return True
    except OSError as error:
        raise write_error(path, error) from None


def _try_lock(file: IO[Any] | int) -> bool:
    import fcntl  # noqa: PLC0415 - POSIX only; the rest of the package is not

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held(path: Path, holder: str) -> UKSSDCError:
    error = UKSSDCError(
        f"{path} is in use by {holder}, perhaps another run. It is waited for; if it hangs or was suspended, end it"
    )
    error.retryable = True
    return error


def _sign(lock: IO[bytes]) -> None:
    """Write into a lock's file who holds it."""
    with suppress(OSError):  # a disk that is full leaves a lock without a name
        lock.truncate(0)
        lock.write(f"{os.getpid()} {socket.gethostname()}".encode())


def _holder(lock: IO[bytes]) -> str:
    """Return who holds a lock, as its file says."""
    with suppress(OSError):
        lock.seek(0)
        if match := HOLDER.fullmatch(lock.read(300)):
            return f"process {match[1].decode()} on {match[2].decode()}"
    return "another process"


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False

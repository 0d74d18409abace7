"""Files that are whole or not there, and what is to be done about an error of the file system."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ukssdc.errors import UKSSDCError

if TYPE_CHECKING:
    from pathlib import Path

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# A file server that is away or restarts, a process or machine that is short of something for a moment.
MOMENTARY = frozenset(
    {
        *(errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.ENOLCK, errno.EHOSTDOWN, errno.EHOSTUNREACH),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED, errno.ENOTCONN),
        *(errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS, errno.EINTR, errno.EBUSY),
    }
)


def is_retryable(error: OSError) -> bool:
    """Tell whether an error of the file system passes, by itself or when somebody makes room."""
    return error.errno in DISK_FULL | MOMENTARY


def write_error(path: Path, error: OSError) -> UKSSDCError:
    """Say that a file or folder cannot be written, why, and what to do; retryable where `is_retryable` says so."""
    if error.errno in DISK_FULL:
        why = error.strerror or str(error)
        text = f"no room for {path}: {why}. Make room: a run that waits goes on by itself, with what is there already"
        problem = _retryable(text)
        problem.disk_full = True
        return problem
    return _problem("write to", path, error, "Make it writable, or choose another destination")


def read_error(path: Path, error: OSError) -> UKSSDCError:
    """Say that a file cannot be read, as `write_error` does."""
    return _problem("read", path, error, "Move it away, or choose another destination")


def _problem(doing: str, path: Path, error: OSError, advice: str) -> UKSSDCError:
    text = f"cannot {doing} {path}: {error.strerror or error}. "
    return (
        _retryable(text + "This may pass: try again in a minute") if is_retryable(error) else UKSSDCError(text + advice)
    )


def _retryable(text: str) -> UKSSDCError:
    problem = UKSSDCError(text)
    problem.retryable = True
    return problem


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole: beside its place first, then renamed into it; an error leaves what was there before.

    Raises
    ------
    OSError
    """
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise

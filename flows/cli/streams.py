"""stdout and stderr that take whatever is written: output that cannot be shown never decides how a command ends."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDIN, STDOUT, STDERR = 0, 1, 2
EXIT_PIPE_CLOSED = 141  # as of a program that SIGPIPE ends


class BestEffortFile(io.FileIO):
    """A file whose writing never fails: what cannot be written is lost, which is said once on stderr.

    A pipe that nobody reads any more (`| head`) is no news to whoever closed it.

    Attributes
    ----------
    error : OSError or None
        Why something was lost first.
    """

    error: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or lose, some bytes."""
        try:
            while (written := super().write(data)) is None:  # another program has made it non-blocking, and it is full
                select.select([], [self], [])
            return written  # noqa: TRY300 - what follows is for errors
        except OSError as error:
            if self.error is None:
                self.error = error
                if self.fileno() == STDOUT and error.errno != errno.EPIPE:
                    sys.stderr.write(f"xrt-products: could not write to stdout: {error.strerror}\n")
            return memoryview(data).nbytes


def use_utf8_file_names() -> None:
    """Start anew with file names in UTF-8, where the locale has fewer characters than a target's name may need.

    The terminal keeps the locale's encoding. Python 3.15 has them in UTF-8 anyway.
    """
    if sys.getfilesystemencoding() != "utf-8" and sys.stdout is sys.__stdout__:
        os.environ |= {"PYTHONUTF8": "1", "PYTHONIOENCODING": sys.stdout.encoding if sys.stdout else "utf-8"}
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - itself


def use_best_effort_streams() -> None:
    """Let this process write whatever happens: to a terminal of few characters, a closed pipe, a full disk, nothing."""
    for number in (STDIN, STDOUT, STDERR):  # else the next file that is opened would be taken for the missing one
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is sys.__stderr__:  # first, as it may have to tell of the other
        sys.stderr = _best_effort(sys.stderr, STDERR, errors="backslashreplace")
    if sys.stdout is sys.__stdout__:
        sys.stdout = _best_effort(sys.stdout, STDOUT, errors="replace")


def _best_effort(stream: TextIO | None, number: int, errors: str) -> TextIO:
    if stream is not None:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(BestEffortFile(number, "w", closefd=False)),
        encoding=stream.encoding if stream is not None else None,
        errors=errors,
        line_buffering=number == STDERR or (stream is not None and bool(stream.line_buffering)),
    )


def pipe_is_closed(stream: object) -> bool:
    """Tell whether nobody reads any more what is written to a stream."""
    file = getattr(getattr(stream, "buffer", None), "raw", None)
    return isinstance(file, BestEffortFile) and file.error is not None and file.error.errno == errno.EPIPE

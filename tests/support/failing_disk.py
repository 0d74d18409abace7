"""A folder whose disk is full, or whose file system fails for a while, as the kernel would say it."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PASSING = ("ESTALE", "EIO", "EMFILE", "ENFILE", "EAGAIN", "ETIMEDOUT", "EINTR", "EBUSY", "EHOSTDOWN", "ENOMEM")


class FailingDisk:
    """What opening a file below a folder does.

    Attributes
    ----------
    full : callable
        Whether a file of this name has no room: what is written to it goes to /dev/full, which the kernel refuses.
    error : str or None
        The errno's name, where opening fails.
    fails : callable
        Whether it fails for this path and mode.
    count : int
        How many files could not be opened or had no room.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.full: Callable[[str], bool] = lambda _: False
        self.error: str | None = None
        self.fails: Callable[[str, str], bool] = lambda _name, _mode: True
        self.count = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between `open` and the kernel."""
        opened, os_opened = io.open, os.open

        def through_io(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            real = self._of(file, mode)
            return opened(real, mode if real is file else mode.replace("x", "w"), *args, **options)

        def through_os(path: Any, *args: Any, **options: Any) -> int:
            return os_opened(self._of(path, "r"), *args, **options)

        monkeypatch.setattr(io, "open", through_io)  # what Path.open calls
        monkeypatch.setattr(os, "open", through_os)

    def _of(self, file: Any, mode: str) -> Any:
        if not isinstance(file, str | Path) or not Path(file).is_relative_to(self.folder):
            return file
        name = Path(file).name
        if self.error is not None and self.fails(name, mode):
            self.count += 1
            number = getattr(errno, self.error)
            raise OSError(number, os.strerror(number), str(file))
        if mode[0] in "wax" and self.full(name):
            self.count += 1
            return "/dev/full"
        return file

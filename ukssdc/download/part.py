"""The unfinished file beside an archive's place."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


class Part:
    """The unfinished file beside its target, and what tells whether the server's is still the same."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self._validator = target.with_name(target.name + ".part.etag")

    def resumable(self) -> tuple[int, str]:
        """Return how many bytes are there and the validator they belong to; 0 where it is a fresh start."""
        try:
            validator = self._validator.read_text(encoding="ascii")
            return (self.path.stat().st_size, validator) if validator else (0, "")
        except (FileNotFoundError, ValueError):
            return 0, ""

    def begin(self, validator: str) -> None:
        """Begin anew, with the validator of what is about to come."""
        self.discard()
        self.path.touch()
        if validator:
            self._validator.write_text(validator, encoding="ascii")

    def finish(self) -> None:
        """Make what is there safe on disk, and give it its final name."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        self._validator.unlink(missing_ok=True)
        folder = os.open(self.target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard_useless(self) -> None:
        """Make room where nothing could go on from what is there; an error of the file system is left to the next."""
        with suppress(OSError):
            if self.resumable() == (0, ""):
                self.discard()

    def discard(self) -> None:
        """Remove what is there."""
        self.path.unlink(missing_ok=True)
        self._validator.unlink(missing_ok=True)

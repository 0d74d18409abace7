"""The command in a terminal: what it writes while it runs, and what is left on the screen."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

COMMAND = Path(sys.executable).with_name("xrt-products")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"(\x1b\[[0-9;?]*[a-zA-Z]|\r|\n)")
PAUSE = 0.1  # s
TIMEOUT = 180.0  # s
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """A terminal of 140 columns in which the command runs.

    Parameters
    ----------
    *arguments
        Of `xrt-products`.
    directory : Path, optional
        Where it runs.
    stdout : file, optional
        Takes stdout away from the terminal.
    environment : mapping, optional
        Goes before this process's own.
    """

    def __init__(
        self,
        *arguments: object,
        directory: Path | None = None,
        stdout: IO[str] | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._leader, follower = pty.openpty()
        self.written = ""
        self._process = subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            cwd=directory,
            stdin=follower,
            stdout=stdout or follower,
            stderr=follower,
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"} | dict(environment),
            start_new_session=True,
        )
        os.close(follower)

    def press_ctrl_c(self, after: str) -> None:
        """Interrupt the command and all that is in the foreground with it, once it has written this and pauses."""
        self._read_until(after)
        while select.select([self._leader], [], [], PAUSE)[0] and self._read():
            pass
        os.killpg(self._process.pid, signal.SIGINT)

    def close(self, after: str) -> int:
        """Close the terminal once the command has written this, and return the command's exit status."""
        self._read_until(after)
        os.close(self._leader)
        os.killpg(self._process.pid, signal.SIGHUP)  # the kernel's part, for a session that has it as its terminal
        return self._process.wait(TIMEOUT)

    def end(self) -> int:
        """Wait for the command's end and return its exit status."""
        while self._read():
            pass
        os.close(self._leader)
        return self._process.wait(TIMEOUT)

    def _read_until(self, text: str) -> None:
        while text not in self.written and self._read():
            pass

    def _read(self) -> bool:
        if not select.select([self._leader], [], [], TIMEOUT)[0]:
            self._process.kill()
            raise TimeoutError(f"the command has written nothing for {TIMEOUT:g} s, last: {self.written[-500:]}")
        try:
            block = os.read(self._leader, 65536)
        except OSError:  # the other end is closed
            return False
        self.written += block.decode(errors="replace")
        return bool(block)

    def frames(self, title: str) -> list[list[str]]:
        """Return the lines that were written after each appearance of a title."""
        return [CONTROL.sub("\n", frame).splitlines() for frame in COLOUR.sub("", self.written).split(title)[1:]]

    def screen(self) -> list[str]:
        """Return the lines that are left at the end, scrolled out or not, without the empty ones."""
        return left_on_screen(self.written)

    @property
    def cursor_is_back(self) -> bool:
        """True where the cursor was hidden and is shown again."""
        return 0 <= self.written.find(HIDE_CURSOR) < self.written.rfind(SHOW_CURSOR) > self.written.rfind(HIDE_CURSOR)


def left_on_screen(written: str) -> list[str]:
    """Return the lines that are left of what was written, scrolled out or not, without the empty ones."""
    rows, row, column = [""], 0, 0
    for piece in CONTROL.split(written):
        if piece == "\r":
            column = 0
        elif piece == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif piece == "\x1b[2K":
            rows[row] = ""
        elif piece.startswith("\x1b[") and piece.endswith("A"):
            row -= int(piece[2:-1])
        elif piece and not piece.startswith("\x1b"):
            rows[row] = f"{rows[row]:{column}}"[:column] + piece + rows[row][column + len(piece) :]
            column += len(piece)
    return [line.rstrip() for line in rows if line.strip()]

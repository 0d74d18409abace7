"""Break off an answer that stalls or trickles: a socket's time-out begins anew with each byte."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import requests

from ukssdc.download.archive import MAX_BYTES
from ukssdc.limits import FIRST_BYTE_TIMEOUT, TIMEOUT

MIN_RATE = 1000.0  # bytes/s


@dataclass(frozen=True)
class DownloadLimits:
    """When an attempt at an archive is broken off; what has come is kept and gone on from.

    Attributes
    ----------
    connect : float
        Longest wait for the connection, s.
    first_byte : float
        Longest wait from the request to the first byte of the archive, s.
    read : float
        Longest wait for each further byte, s.
    min_rate, rate_window : float
        The attempt ends where less than this, bytes/s, has come over so long, s.
    max_bytes : int
        Most bytes of an archive.
    """

    connect: float = TIMEOUT[0]
    first_byte: float = FIRST_BYTE_TIMEOUT
    read: float = TIMEOUT[1]
    min_rate: float = MIN_RATE
    rate_window: float = 600.0
    max_bytes: int = MAX_BYTES


class StallGuard:
    """Watches the bytes of an answer from a thread of its own, and shuts its connection down when they stay away.

    Parameters
    ----------
    response : requests.Response
        The answer, of which only the headers have been read.
    limits : DownloadLimits
    sent : float
        When the request was sent, on the monotonic clock, s.

    Attributes
    ----------
    problem : str or None
        Why the connection was shut down.
    began : bool
        Whether a byte has come.
    """

    def __init__(self, response: requests.Response, limits: DownloadLimits, sent: float) -> None:
        self.problem: str | None = None
        self.began = False
        self._limits = limits
        self._sent = sent
        self._size = 0  # bytes
        self._waiting_since: float | None = None  # None: not for the server, but for the disk
        self._window = (0.0, 0)  # its beginning, and the bytes until then
        self._socket: socket.socket | None = None
        with suppress(OSError, ValueError, AttributeError):  # an answer without a body is read already
            self._socket = socket.socket(fileno=os.dup(response.raw.fileno()))
        self._finished = False
        self._wake = threading.Event()  # the first byte has come, or it is over
        self._thread = threading.Thread(target=self._watch, name="download guard", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finished = True
        self._wake.set()
        self._thread.join()
        if self._socket is not None:
            self._socket.close()

    def expect(self) -> None:
        """Note that the next bytes are waited for from now on."""
        self._waiting_since = time.monotonic()

    def receive(self, size: int) -> None:
        """Note that so many bytes have come."""
        self._waiting_since = None
        self._size += size
        if not self.began:
            self._window = (time.monotonic(), self._size)
            self.began = True
            self._wake.set()

    def _watch(self) -> None:
        while self.problem is None:
            now = time.monotonic()
            due = self._check_first_byte(now) if not self.began else min(self._check_wait(now), self._check_rate(now))
            self._wake.wait(max(due - now, 0.0))
            self._wake.clear()  # before the look: what is set after it is seen at the next wait
            if self._finished:
                return
        if self._socket is not None:
            with suppress(OSError):  # closed by the other side meanwhile
                self._socket.shutdown(socket.SHUT_RDWR)

    def _check_first_byte(self, now: float) -> float:
        """Find a problem, or return when to look again."""
        due = self._sent + self._limits.first_byte
        if now >= due:
            self.problem = f"no byte came within {self._limits.first_byte:g} s"
        return due

    def _check_wait(self, now: float) -> float:
        since = self._waiting_since
        due = (now if since is None else since) + self._limits.read
        if now >= due:
            self.problem = f"nothing came for {self._limits.read:g} s"
        return due

    def _check_rate(self, now: float) -> float:
        limits, (start, before) = self._limits, self._window
        if now < start + limits.rate_window:
            return start + limits.rate_window
        if self._size - before < limits.min_rate * limits.rate_window:
            self.problem = f"less than {limits.min_rate:g} bytes/s came over {limits.rate_window:g} s"
        self._window = (now, self._size)
        return now + limits.rate_window

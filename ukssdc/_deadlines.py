"""Connections whose answer has a deadline: status line, headers and chunk lines count, however slowly they come.

The time-out of a socket begins anew with every byte: a server that sends one now and then would hold a call for ever.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from contextlib import suppress
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import pool_classes_by_scheme


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until a deadline; without one, each read has the socket's own time-out."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._file: Any = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        self.deadline = None if self._timeout is None else time.monotonic() + self._timeout

    def makefile(self, *_: object) -> io.BufferedReader:
        """Stand in for the socket where http.client asks it for a file."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._file.fileno())

    def readinto(self, buffer: Any) -> int | None:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the deadline is over")
            self._socket.settimeout(left)
        count: int | None = self._file.readinto(buffer)
        return count

    def remove_deadline(self) -> None:
        self.deadline = None
        with suppress(OSError):  # closed already
            self._socket.settimeout(self._timeout)

    def close(self) -> None:
        if not self.closed:
            self.remove_deadline()
            self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer whose head has to be there, whole, within the socket's time-out."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        self.reader = _DeadlineReader(sock)
        super().__init__(self.reader, *args, **options)  # type: ignore[arg-type]

    def begin(self) -> None:
        super().begin()
        self.reader.remove_deadline()


class _HTTPConnection(HTTPConnection):
    response_class = _Response


class _HTTPSConnection(HTTPSConnection):
    response_class = _Response


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """Makes connections whose answers have deadlines, through proxies as well (not through SOCKS)."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **options)
        _use_deadlines(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools of a proxy's connections."""
        manager = super().proxy_manager_for(proxy, **options)
        _use_deadlines(manager)
        return manager


def _use_deadlines(manager: urllib3.PoolManager) -> None:
    if manager.pool_classes_by_scheme is pool_classes_by_scheme:
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


def set_deadline(response: requests.Response, deadline: float) -> None:
    """Let what is still to come of a streamed answer raise a time-out once `deadline` (`time.monotonic`, s) is over.

    It can be moved while the answer is read.
    """
    reader = getattr(getattr(response.raw, "_original_response", None), "reader", None)
    if isinstance(reader, _DeadlineReader):
        reader.deadline = deadline

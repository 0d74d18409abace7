"""A proxy on loopback in front of a Prefect server: it counts the HTTP requests, and can keep the server away."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

_REQUEST_LINE = re.compile(rb"(?:^|[\n}\]])(GET|POST|PUT|PATCH|DELETE) (/\S*) HTTP/1\.1\r\n")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class PrefectProxy:
    """Passes connections on to a server, unchanged.

    Attributes
    ----------
    api : str
        The address to use in the place of the server's.
    calls : list of str
        The HTTP requests: method and path, with each id as `ID`. Websockets, over which events go, do not count.
    """

    def __init__(self, listener: socket.socket, server: tuple[str, int], path: str) -> None:
        self.api = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
        self.calls: list[str] = []
        self._listener = listener
        self._server = server
        self._open: set[socket.socket] = set()
        self._away = False
        threading.Thread(target=self._accept, daemon=True).start()

    def keep_away(self) -> None:
        """Cut all connections, and let nobody through any more."""
        self._away = True
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def let_through(self) -> None:
        """End what `keep_away` began."""
        self._away = False

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._away:
                client.close()
                continue
            server = socket.create_connection(self._server)
            self._open |= {client, server}
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if sink.getpeername() == self._server and b"Upgrade: websocket" not in data:
                    found = _REQUEST_LINE.findall(data)
                    self.calls += [f"{method.decode()} {_ID.sub('ID', path.decode())}" for method, path in found]
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self._open.discard(end)


def prefect_proxy(api: str) -> PrefectProxy:
    """Stand in front of the server at an address until this process ends.

    Prefect's own threads send events and logs through it to the very end, and would wait for one that is gone.
    """
    target = urlsplit(api)
    listener = socket.create_server(("127.0.0.1", 0))
    return PrefectProxy(listener, (str(target.hostname), int(target.port or 80)), target.path)

"""A server that says exactly the bytes it is told to, or nothing at all: what the emulator is too well-behaved for."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """Return an HTTP answer with this body, and with a length that may lie."""
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: text/html",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    return "\r\n".join([*lines, "Connection: close", *headers, "", ""]).encode() + body


@contextmanager
def raw_server(
    *answers: bytes | Sequence[bytes] | None, heard: list[bytes] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve one answer per connection, the last one again and again; yield the base URL.

    Bytes are sent at once; a sequence of bytes with a tenth of a second between its parts; None: read the request
    and never answer. Whole requests are added to `heard`.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()
    left = list(answers)

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            answer = left.pop(0) if len(left) > 1 else left[0]
            threading.Thread(target=serve_one, args=(connection, answer), daemon=True).start()

    def serve_one(connection: socket.socket, answer: bytes | Sequence[bytes] | None) -> None:
        try:
            secure = tls.wrap_socket(connection, server_side=True) if tls else connection
        except OSError:  # the client does not trust us
            connection.close()
            return
        request = _read_request(secure)
        if heard is not None:
            heard.append(request)
        _answer(secure, answer, stopped)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http{'s' * bool(tls)}://127.0.0.1:{listener.getsockname()[1]}/user_objects"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _answer(connection: socket.socket, answer: bytes | Sequence[bytes] | None, stopped: threading.Event) -> None:
    with connection:
        if answer is None:
            stopped.wait(10)
            return
        for part in [answer] if isinstance(answer, bytes) else answer:
            try:
                connection.sendall(part)
            except OSError:
                return
            if not isinstance(answer, bytes) and stopped.wait(0.1):
                return


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    while block := connection.recv(65536):
        request += block
        head, end, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)^content-length: *([0-9]+)", head, re.MULTILINE)
        if end and len(body) >= (int(length[1]) if length else 0):
            break
    return request

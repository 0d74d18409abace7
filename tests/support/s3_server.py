"""An S3 server on loopback, and a proxy in front of it that cuts an upload in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import s3fs
from moto.server import ThreadedMotoServer

BUCKET = "xrt-tests"
SMALL = 2**16  # bytes
SECRET = "a-secret-of-the-tests"  # noqa: S105 - it opens nothing
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "a-key-of-the-tests",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def s3_server() -> Iterator[tuple[str, int]]:
    """Serve S3, with one bucket; yield the address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield str(host), int(port)
    finally:
        server.stop()


def bucket_at(address: tuple[str, int]) -> s3fs.S3FileSystem:
    """Return a look at a server that goes past every proxy; the bucket is made where it is missing."""
    system = s3fs.S3FileSystem(
        key=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        secret=SECRET,
        endpoint_url=f"http://{address[0]}:{address[1]}",
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    if not system.exists(BUCKET):
        system.mkdir(BUCKET)
    return system


class CuttingProxy:
    """Passes connections on, and cuts uploads once so many bytes have gone through; small calls go on.

    Attributes
    ----------
    address : tuple
        Host and port.
    limit : int or None
        Bytes that may be sent in all, counted down; None: any number.
    cuts : int
        How often it has cut.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._server = server
        self.address = ("127.0.0.1", int(self._listener.getsockname()[1]))
        self.limit: int | None = None
        self.cuts = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                threading.Thread(target=self._pass_on, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        sent = 0
        with suppress(OSError):
            while data := source.recv(65536):
                sent += len(data)
                if counted and self.limit is not None:
                    self.limit -= len(data)
                    if self.limit < 0 and sent > SMALL:
                        self.cuts += 1
                        break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

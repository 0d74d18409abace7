"""A large tar.gz of FITS event lists, with the emulator's tables, and a server that does nothing but send it.

`python tests/benchmarks/fits_archive.py FILE MIB` writes one; `python tests/benchmarks/fits_archive.py serve FILE URL`
serves it in the place of every archive, passes all other calls on to an emulator, and prints its own address.
"""

from __future__ import annotations

import http.client
import random
import socket
import socketserver
import struct
import sys
import zlib
from pathlib import Path
from urllib.parse import urlsplit

from ukssdc.emulator.data.fits_tables import Column, fits_file, fits_table
from ukssdc.emulator.data.tar_files import tar_header

EVENTS = 200_000  # of one list: 18 bytes each
MIB = 2**20


def event_list() -> bytes:
    """Return an event list as the instrument's: times in order, a source on its field, a falling spectrum."""
    rng = random.Random(5)
    time, times, places = 2.0e8, [], []
    for _ in range(EVENTS):
        time += rng.expovariate(2.0)
        times.append(time)
        source = rng.random() < 0.6  # of the events
        x, y = (rng.gauss(500, 6), rng.gauss(480, 6)) if source else (rng.uniform(200, 800), rng.uniform(200, 800))
        places.append((int(x), int(y)))
    energies = [min(int(rng.expovariate(1 / 90)) + 30, 1023) for _ in range(EVENTS)]
    columns = [
        Column("TIME", "D", times, "s"),
        Column("X", "I", [x for x, _ in places], "pixel"),
        Column("Y", "I", [y for _, y in places], "pixel"),
        Column("PI", "I", energies, "chan"),
        Column("PHA", "I", [energy + rng.randrange(-3, 4) for energy in energies], "chan"),
        Column("GRADE", "I", [rng.choice([0, 0, 0, 0, 1, 2, 3, 4]) for _ in range(EVENTS)]),
    ]
    return fits_file([("TELESCOP", "SWIFT"), ("INSTRUME", "XRT")], fits_table("EVENTS", [], columns))


def write_archive(path: Path, size: int) -> float:
    """Write an archive of about so many bytes, and return how much it unpacks to, in terms of its size.

    Each list is the same; deflate looks back 32 KiB, so that costs as much to unpack as if they were not.
    """
    content = event_list()
    padded = content + bytes(-len(content) % 512)
    packed = _deflated(padded)
    head, tail = b"\x1f\x8b\x08" + bytes(6) + b"\x03", _deflated(bytes(1024)) + b"\x03\x00"
    checksum, plain, written = 0, 0, len(head) + len(tail) + 8
    with path.open("wb") as file:
        file.write(head)
        number = 0
        while written < size:
            header = tar_header(f"event/list{number}.evt", len(content))
            pieces = _deflated(header), packed
            for piece, raw in zip(pieces, (header, padded), strict=True):
                file.write(piece)
                checksum, plain, written = zlib.crc32(raw, checksum), plain + len(raw), written + len(piece)
            number += 1
        checksum, plain = zlib.crc32(bytes(1024), checksum), plain + 1024
        file.write(tail + struct.pack("<II", checksum, plain & 0xFFFFFFFF))
    return plain / path.stat().st_size


def _deflated(content: bytes) -> bytes:
    """Return deflate's blocks, to which others can be joined."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)


class _Handler(socketserver.StreamRequestHandler):
    archive: Path
    emulator: str

    def handle(self) -> None:
        """Answer one request, and close."""
        line = self.rfile.readline().decode()
        method, path, _ = line.split(" ", 2)
        headers = dict(http.client.parse_headers(self.rfile))
        if method == "GET" and path.endswith((".tar.gz", ".zip", ".tar")):
            self._send_archive()
            return
        address = urlsplit(self.emulator)
        connection = http.client.HTTPConnection(str(address.hostname), address.port)
        body = self.rfile.read(int(headers.get("Content-Length") or headers.get("content-length") or 0))
        connection.request(method, path, body, headers | {"Connection": "close"})
        answer = connection.getresponse()
        content = answer.read()
        self.wfile.write(f"HTTP/1.1 {answer.status} OK\r\nContent-Length: {len(content)}\r\n".encode())
        self.wfile.write(
            f"Content-Type: {answer.headers['Content-Type']}\r\nConnection: close\r\n\r\n".encode() + content
        )

    def _send_archive(self) -> None:
        size = self.archive.stat().st_size
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nContent-Type: application/x-gzip\r\n"
        self.wfile.write(f"{head}Connection: close\r\n\r\n".encode())
        self.wfile.flush()
        with self.archive.open("rb") as file:
            self.connection.sendfile(file)  # the kernel copies: the server's own time is next to nothing


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve(archive: Path, emulator: str) -> None:
    """Serve on a free port of loopback until the process is ended."""
    _Handler.archive, _Handler.emulator = archive, emulator
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MIB)
        sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}/user_objects\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]), sys.argv[3])
    else:
        sys.stdout.write(f"{write_archive(Path(sys.argv[1]), int(sys.argv[2]) * MIB):.2f}\n")

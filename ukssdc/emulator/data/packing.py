"""Archives of products in the three formats, generated as they are sent: an archive of any size takes no memory.

Where the scenario sets a size, one more file of noise fills the archive up to exactly that many bytes. The noise is
the same each time for the same job, product and revision.
"""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from ukssdc.emulator.contents import Files, files, tar_header
from ukssdc.emulator.job import Job
from ukssdc.status import Product

BLOCK: Final = 2**18  # bytes generated at a time
STORED: Final = 65535  # bytes in a stored block of deflate
MEDIA_TYPES: Final = {"tar.gz": "application/x-gzip", "tar": "application/x-tar", "zip": "application/zip"}
FILLER: Final = "events.evt"


class Archive:
    """The archive of a product of a job.

    Parameters
    ----------
    job : Job
        The job.
    product : Product
        One of its products.
    form : str
        "tar", "tar.gz" or "zip".

    Attributes
    ----------
    size : int
        Bytes.
    etag : str
        With its quotation marks.
    """

    def __init__(self, job: Job, product: Product, form: str) -> None:
        self.media_type = MEDIA_TYPES[form]
        self._pack = _PACKERS[form]
        self._files = files(job, product)
        self._seed = f"{job.id} {product} {job.revision(product)}"
        if job.revision(product):
            self._files["revision.txt"] = f"{job.revision(product)}\n".encode()
        self._wanted = job.build(product).size
        natural = sum(map(len, self._pack(self._files, None, "")))
        self.size = natural if self._wanted is None else max(self._wanted, self._least())
        digest = hashlib.sha256(f"{self._seed} {form} {self.size}".encode()).hexdigest()
        self.etag = f'"{digest[:16]}"'

    def _least(self) -> int:
        return sum(map(len, self._pack(self._files, 0, self._seed)))

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` to before `stop`, with an empty piece for each block that is passed over."""
        position, end = 0, self.size if stop is None else stop
        for block in self._pack(self._files, None if self._wanted is None else self.size, self._seed):
            following = position + len(block)
            yield block[max(start - position, 0) : end - position]
            position = following
            if position >= end:
                return


def noise(size: int, seed: str) -> Iterator[bytes]:
    """Yield `size` bytes that do not compress, in blocks; no two blocks are alike."""
    block = random.Random(seed).randbytes(BLOCK)
    for number in range(-(-size // BLOCK)):
        yield (struct.pack("<Q", number) + block[8:])[: size - number * BLOCK]


def _tar(contents: Files, total: int | None, seed: str) -> Iterator[bytes]:
    """Yield a tar archive; `total` None: without filler, otherwise filled up to so many bytes (0: the fewest)."""
    head = b"".join(tar_header(n, len(c)) + c + bytes(-len(c) % 512) for n, c in contents.items())
    yield head
    rest = 1024
    if total is not None:
        room = max(total - len(head) - 512 - rest, 0)
        filler = room // 512 * 512
        rest += room - filler
        yield tar_header(FILLER, filler)
        yield from noise(filler, seed)
    yield bytes(rest)


def _tar_gz(contents: Files, total: int | None, seed: str) -> Iterator[bytes]:
    if total is None:
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        yield packer.compress(b"".join(_tar(contents, None, seed))) + packer.flush()
        return
    # Stored blocks, whose number follows from the size; what doesn't come out even goes into the header's comment.
    least = sum(map(len, _tar(contents, 0, seed)))
    head, tail, overhead = 11, 8, 5
    room = max(total - head - tail, 0)
    inner = max(room - overhead * -(-room // (STORED + overhead)), least)
    comment = max(total - head - tail - inner - overhead * -(-inner // STORED), 0)
    yield b"\x1f\x8b\x08\x10" + bytes(5) + b"\xff" + b" " * comment + b"\x00"
    checksum, sent = 0, 0
    for block in _rechunk(_tar(contents, inner, seed), STORED):
        checksum, sent = zlib.crc32(block, checksum), sent + len(block)
        last = sent == inner
        yield struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    yield struct.pack("<II", checksum, inner & 0xFFFFFFFF)


def _zip(contents: Files, total: int | None, seed: str) -> Iterator[bytes]:
    filler = None
    if total is not None:
        least = sum(map(len, _zip_of(contents, 0, seed)))
        filler = max(total - least, 0)
    yield from _zip_of(contents, filler, seed)


def _zip_of(contents: Files, filler: int | None, seed: str) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in contents.items():
            archive.writestr(_zip_info(name, zipfile.ZIP_DEFLATED), content)
        yield sink.take()
        if filler is not None:
            with archive.open(_zip_info(FILLER, zipfile.ZIP_STORED), "w") as member:
                for block in noise(filler, seed):
                    member.write(block)
                    yield sink.take()
    yield sink.take()


def _zip_info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=(2020, 4, 16, 1, 20, 0))
    info.compress_type, info.external_attr = method, 0o644 << 16
    return info


class _Sink(io.RawIOBase):
    """A file that can only be written to, and emptied."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """Return what has been written since the last time."""
        held = bytes(self._held)
        self._held.clear()
        return held


def _rechunk(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of `size`, the last one shorter."""
    held = bytearray()
    for block in blocks:
        held += block
        full = len(held) // size * size
        for begin in range(0, full, size):
            yield bytes(held[begin : begin + size])
        del held[:full]
    if held:
        yield bytes(held)


_PACKERS: Final[Mapping[str, Callable[[Files, int | None, str], Iterator[bytes]]]] = {
    "tar": _tar,
    "tar.gz": _tar_gz,
    "zip": _zip,
}

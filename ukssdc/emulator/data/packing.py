"""Archives as tar, tar.gz or zip, generated while they are sent: an archive of any size takes no memory.

Where a size is set, one more file of noise fills the archive up to exactly that many bytes; the same seed gives the
same noise.
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

from ukssdc.emulator.data.archive_contents import ArchiveFiles
from ukssdc.emulator.data.tar_files import tar_header

BLOCK_SIZE: Final = 2**18  # bytes generated at a time
MAX_STORED_BLOCK: Final = 65535  # bytes in a stored block of deflate
MEDIA_TYPES: Final = {"tar.gz": "application/x-gzip", "tar": "application/x-tar", "zip": "application/zip"}
FILLER_NAME: Final = "events.evt"


class Archive:
    """An archive in one of the three formats.

    Parameters
    ----------
    files : dict
        Name -> content.
    archive_format : str
        "tar", "tar.gz" or "zip".
    size : int, optional
        Size of the archive, bytes; by default whatever the files take.
    seed : str
        Seed of the noise that fills it up to the size.

    Attributes
    ----------
    size : int
        Bytes.
    etag : str
        With its quotation marks.
    """

    def __init__(self, files: ArchiveFiles, archive_format: str, *, size: int | None, seed: str) -> None:
        self.media_type = MEDIA_TYPES[archive_format]
        self._pack = _PACKERS[archive_format]
        self._files = files
        self._seed = seed
        self._filled = size is not None
        self.size = self._packed_size(None) if size is None else max(size, self._packed_size(0))
        digest = hashlib.sha256(f"{seed} {archive_format} {self.size}".encode()).hexdigest()
        self.etag = f'"{digest[:16]}"'

    def _packed_size(self, total: int | None) -> int:
        return sum(map(len, self._pack(self._files, total, self._seed)))

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` to before `stop`, with an empty block for each one skipped before."""
        position, end = 0, self.size if stop is None else stop
        for block in self._pack(self._files, self.size if self._filled else None, self._seed):
            following = position + len(block)
            yield block[max(start - position, 0) : end - position]
            position = following
            if position >= end:
                return


def noise(size: int, seed: str) -> Iterator[bytes]:
    """Yield `size` bytes that do not compress, in blocks; no two blocks are alike."""
    block = random.Random(seed).randbytes(BLOCK_SIZE)
    for number in range(-(-size // BLOCK_SIZE)):
        yield (struct.pack("<Q", number) + block[8:])[: size - number * BLOCK_SIZE]


def _tar(contents: ArchiveFiles, total: int | None, seed: str) -> Iterator[bytes]:
    """Yield a tar archive; `total` None: without filler, otherwise filled up to so many bytes (0: the minimum)."""
    head = b"".join(tar_header(n, len(c)) + c + bytes(-len(c) % 512) for n, c in contents.items())
    yield head
    rest = 1024
    if total is not None:
        available = max(total - len(head) - 512 - rest, 0)
        filler = available // 512 * 512
        rest += available - filler
        yield tar_header(FILLER_NAME, filler)
        yield from noise(filler, seed)
    yield bytes(rest)


def _tar_gz(contents: ArchiveFiles, total: int | None, seed: str) -> Iterator[bytes]:
    if total is None:
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        yield packer.compress(b"".join(_tar(contents, None, seed))) + packer.flush()
        return
    # Stored blocks, so that the size is known beforehand; the remainder goes into the header's comment.
    minimum = sum(map(len, _tar(contents, 0, seed)))
    head, tail, overhead = 11, 8, 5
    available = max(total - head - tail, 0)
    inner = max(available - overhead * -(-available // (MAX_STORED_BLOCK + overhead)), minimum)
    comment = max(total - head - tail - inner - overhead * -(-inner // MAX_STORED_BLOCK), 0)
    yield b"\x1f\x8b\x08\x10" + bytes(5) + b"\xff" + b" " * comment + b"\x00"
    checksum, sent = 0, 0
    for block in _rechunk(_tar(contents, inner, seed), MAX_STORED_BLOCK):
        checksum, sent = zlib.crc32(block, checksum), sent + len(block)
        last = sent == inner
        yield struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    yield struct.pack("<II", checksum, inner & 0xFFFFFFFF)


def _zip(contents: ArchiveFiles, total: int | None, seed: str) -> Iterator[bytes]:
    filler = None
    if total is not None:
        minimum = sum(map(len, _zip_with_filler(contents, 0, seed)))
        filler = max(total - minimum, 0)
    yield from _zip_with_filler(contents, filler, seed)


def _zip_with_filler(contents: ArchiveFiles, filler: int | None, seed: str) -> Iterator[bytes]:
    output = _DrainableBuffer()
    with zipfile.ZipFile(output, "w") as archive:
        for name, content in contents.items():
            archive.writestr(_zip_info(name, zipfile.ZIP_DEFLATED), content)
        yield output.drain()
        if filler is not None:
            with archive.open(_zip_info(FILLER_NAME, zipfile.ZIP_STORED), "w") as member:
                for block in noise(filler, seed):
                    member.write(block)
                    yield output.drain()
    yield output.drain()


def _zip_info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=(2020, 4, 16, 1, 20, 0))
    info.compress_type, info.external_attr = method, 0o644 << 16
    return info


class _DrainableBuffer(io.RawIOBase):
    """A write-only file whose content is taken out as it grows."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._buffer += data
        return len(data)

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        buffer = bytes(self._buffer)
        self._buffer.clear()
        return buffer


def _rechunk(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in chunks of `size`, the last one shorter."""
    buffer = bytearray()
    for block in blocks:
        buffer += block
        full = len(buffer) // size * size
        for begin in range(0, full, size):
            yield bytes(buffer[begin : begin + size])
        del buffer[:full]
    if buffer:
        yield bytes(buffer)


_PACKERS: Final[Mapping[str, Callable[[ArchiveFiles, int | None, str], Iterator[bytes]]]] = {
    "tar": _tar,
    "tar.gz": _tar_gz,
    "zip": _zip,
}

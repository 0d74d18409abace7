"""Archives as tar, tar.gz or zip, generated while they are sent: an archive of any size takes no memory.

Where a size is set, noise fills the archive up to exactly that many bytes: in the archives of slices that are in it,
equally, and in one more file; the same seed gives the same noise.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, Protocol

from ukssdc.emulator.data.archive_contents import ArchiveFiles
from ukssdc.emulator.data.tar_files import tar_header

BLOCK_SIZE: Final = 2**18  # bytes generated at a time
MAX_STORED_BLOCK: Final = 65535  # bytes in a stored block of deflate
MEDIA_TYPES: Final = {"tar.gz": "application/x-gzip", "tar": "application/x-tar", "zip": "application/zip"}
FILLER_NAME: Final = "events.evt"
SLICE: Final = ".tar.gz"  # how the name of a slice's archive ends
MIN_SHARE: Final = 2**16  # bytes of noise in a slice; less is not worth it
END: Final = bytes(1024)  # of a tar archive
GZIP_HEAD, GZIP_TAIL, STORED_HEAD = 10, 8, 5  # bytes


class LazyFile(Protocol):
    """A file that is made as it is sent."""

    def __len__(self) -> int:
        """Its size, bytes."""

    def blocks(self) -> Iterator[bytes]:
        """Yield its bytes."""


Contents = Mapping[str, "bytes | LazyFile"]


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
        self._files: Contents = files
        self._seed = seed
        self._filled = size is not None
        self.size = self._packed_size(None) if size is None else max(size, self._packed_size(0))
        if size is not None and archive_format != "zip":
            self._files = _fill_slices(files, self.size - self._packed_size(0), seed)
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


class _FilledSlice:
    """The archive of a slice, with a file of noise in it: made as it is sent.

    Parameters
    ----------
    packed : bytes
        The archive without it: tar.gz.
    size : int
        About what it shall take, bytes, and never more.
    seed : str
    """

    def __init__(self, packed: bytes, size: int, seed: str) -> None:
        self._head = gzip.decompress(packed)[: -len(END)]
        self._seed = seed
        fixed = len(self._head) + 512 + len(END)
        self._filler = max(_most_stored(size) - fixed, 0) // 512 * 512
        self._inner = fixed + self._filler

    def __len__(self) -> int:
        return GZIP_HEAD + GZIP_TAIL + self._inner + STORED_HEAD * -(-self._inner // MAX_STORED_BLOCK)

    def blocks(self) -> Iterator[bytes]:
        """Yield its bytes."""
        filler = noise(self._filler, self._seed)
        content = chain([self._head, tar_header(FILLER_NAME, self._filler)], filler, [END])
        yield b"\x1f\x8b\x08\x00" + bytes(5) + b"\xff"
        yield from _stored(content, self._inner)


def _fill_slices(files: ArchiveFiles, room: int, seed: str) -> Contents:
    """Spread noise over the archives of slices, where there is enough room to make a difference."""
    slices = [name for name in files if name.endswith(SLICE)]
    share = _most_stored(room) // len(slices) - 512 if slices else 0
    if share < MIN_SHARE:
        return files
    filled = {name: _FilledSlice(files[name], len(files[name]) + share, f"{seed} {name}") for name in slices}
    return {**files, **{name: made for name, made in filled.items() if len(made) <= len(files[name]) + share}}


def _most_stored(size: int) -> int:
    """Return the most bytes that gzip can store in so many."""
    available = max(size - GZIP_HEAD - GZIP_TAIL, 0)
    return max(available - STORED_HEAD * -(-available // (MAX_STORED_BLOCK + STORED_HEAD)), 0)


def _stored(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield bytes in stored blocks of deflate, and the tail of gzip."""
    checksum, sent = 0, 0
    for block in _rechunk(blocks, MAX_STORED_BLOCK):
        checksum, sent = zlib.crc32(block, checksum), sent + len(block)
        last = sent == size
        yield struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    yield struct.pack("<II", checksum, size & 0xFFFFFFFF)


def _tar_length(contents: Contents) -> int:
    """Return the length of the members in a tar archive."""
    return sum(512 + len(content) + -len(content) % 512 for content in contents.values())


def _tar(contents: Contents, total: int | None, seed: str) -> Iterator[bytes]:
    """Yield a tar archive; `total` None: without filler, otherwise filled up to so many bytes (0: the minimum)."""
    for name, content in contents.items():
        yield tar_header(name, len(content))
        yield from [content] if isinstance(content, bytes) else content.blocks()
        yield bytes(-len(content) % 512)
    rest = len(END)
    if total is not None:
        available = max(total - _tar_length(contents) - 512 - rest, 0)
        filler = available // 512 * 512
        rest += available - filler
        yield tar_header(FILLER_NAME, filler)
        yield from noise(filler, seed)
    yield bytes(rest)


def _tar_gz(contents: Contents, total: int | None, seed: str) -> Iterator[bytes]:
    if total is None:
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        yield packer.compress(b"".join(_tar(contents, None, seed))) + packer.flush()
        return
    # Stored blocks, so that the size is known beforehand; the remainder goes into the header's comment.
    minimum = _tar_length(contents) + 512 + len(END)
    inner = max(_most_stored(total - 1), minimum)  # the comment ends with a byte of its own
    taken = GZIP_HEAD + 1 + GZIP_TAIL + inner + STORED_HEAD * -(-inner // MAX_STORED_BLOCK)
    comment = max(total - taken, 0)
    yield b"\x1f\x8b\x08\x10" + bytes(5) + b"\xff" + b" " * comment + b"\x00"
    yield from _stored(_tar(contents, inner, seed), inner)


def _zip(contents: Contents, total: int | None, seed: str) -> Iterator[bytes]:
    filler = None
    if total is not None:
        minimum = sum(map(len, _zip_with_filler(contents, 0, seed)))
        filler = max(total - minimum, 0)
    yield from _zip_with_filler(contents, filler, seed)


def _zip_with_filler(contents: Contents, filler: int | None, seed: str) -> Iterator[bytes]:
    output = _DrainableBuffer()
    with zipfile.ZipFile(output, "w") as archive:
        for name, content in contents.items():
            packed = content if isinstance(content, bytes) else b"".join(content.blocks())
            archive.writestr(_zip_info(name, zipfile.ZIP_DEFLATED), packed)
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


_PACKERS: Final[Mapping[str, Callable[[Contents, int | None, str], Iterator[bytes]]]] = {
    "tar": _tar,
    "tar.gz": _tar_gz,
    "zip": _zip,
}

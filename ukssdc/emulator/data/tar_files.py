"""The headers of files in tar archives."""

from __future__ import annotations

import tarfile
from typing import Final

MTIME: Final = 1587000000  # 16 April 2020, for every file: the same archive each time it is built


def tar_header(name: str, size: int) -> bytes:
    """Return the header of a file in a tar archive."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, MTIME, 0o644
    return info.tobuf(tarfile.GNU_FORMAT)

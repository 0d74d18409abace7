"""Archives with members of any kind, name and content, as nobody packs them by chance."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass

from ukssdc import ArchiveFormat


@dataclass(frozen=True)
class Member:
    """What goes into an archive; `kind` is a tar type or a Unix file type, where it is no plain file."""

    name: str
    content: bytes = b"READ TERR 1 2\n"
    kind: bytes | int | None = None
    target: str = ""


def pack(members: Iterable[Member], archive_format: ArchiveFormat) -> bytes:
    """Return an archive with these members, each as it stands."""
    buffer = io.BytesIO()
    if archive_format == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made_zip:
            for member in members:
                entry = zipfile.ZipInfo(member.name)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (int(member.kind or stat.S_IFREG) | 0o777) << 16
                made_zip.writestr(entry, member.target or member.content)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz" if archive_format == "tar.gz" else "w:") as made_tar:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.linkname = member.target
            info.size = 0 if member.kind else len(member.content)
            info.type = member.kind if isinstance(member.kind, bytes) else tarfile.REGTYPE
            made_tar.addfile(info, io.BytesIO(member.content))
    return buffer.getvalue()

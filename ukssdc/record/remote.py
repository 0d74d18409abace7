"""A folder at an fsspec URL, an S3 bucket for example, in which files are whole or not there."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ukssdc.errors import InvalidOptions, PublishError
from ukssdc.record.files import read_error

BLOCK = 1 << 20  # bytes
PART = 8 * BLOCK  # bytes of one part of an upload; S3 allows 10,000 of them
COMMITS = {"s3", "s3a"}  # here an upload is invisible until it is complete: no other name is needed meanwhile
INSTALL = {"s3": "pip install 'xrt-products[s3]'", "s3a": "pip install 'xrt-products[s3]'"}
# What no waiting mends, by the names of the storage libraries' own exceptions, of which only some are Python's.
FINAL = {
    "FileNotFoundError": "is there such a bucket or folder?",
    "NotADirectoryError": "a file is in the place of a folder",
    "IsADirectoryError": "a folder is in the place of the file",
    "NotImplementedError": "its library cannot do that",
    "ParamValidationError": "its library does not take this address",
    "PermissionError": "see that the credentials are right, and may write there",
    "NoCredentialsError": "give the process credentials, in its environment or in the library's own file",
    "PartialCredentialsError": "give the process credentials, in its environment or in the library's own file",
    "ImportError": "a library for it is missing",
    "ModuleNotFoundError": "a library for it is missing",
}


@dataclass(frozen=True)
class RemoteFolder:
    """A folder at an fsspec URL; nothing is asked of it before a method is called.

    Attributes
    ----------
    url : str
        Without a slash at its end.
    """

    url: str

    @classmethod
    def from_url(cls, url: str) -> RemoteFolder:
        """Check an address.

        Raises
        ------
        InvalidOptions
            Where it is none, holds a password, or nothing is installed that can write there.
        """
        found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", url)
        address = urlsplit(url)
        if found is None or "::" in url or not (address.netloc or address.path):
            raise InvalidOptions(
                "publish takes an address like s3://bucket/xrt, or file:///folder for one on this machine"
            )
        scheme = found[1].lower()
        if "@" in address.netloc or "?" in url or "#" in url:
            raise InvalidOptions(
                "publish takes no address with a user, a password or a ? in it: credentials belong into the process's "
                "environment. Where a flow was given this one, the Prefect server has stored it: delete that run"
            )
        if scheme in {"file", "local"} and not address.path.startswith("/"):
            raise InvalidOptions("publish needs the whole path of a folder on this machine, as in file:///home/me/xrt")
        _require_library(scheme)
        return cls(url.rstrip("/"))

    def __truediv__(self, name: str) -> RemoteFolder:
        return RemoteFolder(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.url.rpartition("/")[2]

    def upload(self, path: Path, *, check: Callable[[], None] = lambda: None) -> tuple[str, str]:
        """Copy a file here, whole or not at all.

        Parameters
        ----------
        path : Path
        check : callable, optional
            Called with each block; what it raises ends the upload.

        Returns
        -------
        tuple of str
            The file's URL, and the SHA-256 of what was sent, hexadecimal.

        Raises
        ------
        PublishError
        UKSSDCError
            The file cannot be read.
        """
        url, digest = f"{self.url}/{path.name}", hashlib.sha256()
        try:
            source = path.open("rb")
        except OSError as error:
            raise read_error(path, error) from None
        with source, _errors("write", url), self._writing(path.name) as target:
            while block := source.read(BLOCK):
                check()
                digest.update(block)
                target.write(block)
        return url, digest.hexdigest()

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all; errors as for `upload`."""
        with _errors("write", f"{self.url}/{name}"), self._writing(name) as target:
            target.write(content)

    def blocks(self, name: str) -> Iterator[bytes]:
        """Read a file; errors as for `upload`."""
        with _errors("read", f"{self.url}/{name}"):
            system, root = self._open()
            with system.open(f"{root}/{name}", "rb") as source:
                while block := source.read(BLOCK):
                    yield block

    def size(self, name: str) -> int | None:
        """Return a file's size, bytes; None where there is none; errors as for `upload`."""
        with _errors("look at", f"{self.url}/{name}"):
            system, root = self._open()
            try:
                return int(system.size(f"{root}/{name}"))
            except FileNotFoundError:
                return None

    def find(self, pattern: str) -> list[tuple[str, ...]]:
        """Return the files that a pattern of shell fits, each as the parts of its path below here."""
        with _errors("look into", self.url):
            system, root = self._open()
            found = system.glob(f"{_escape(root)}/{pattern}")
        depth = pattern.count("/") + 1
        return sorted(tuple(path.split("/")[-depth:]) for path in found)

    def remove(self, name: str) -> None:
        """Remove a file where there is one; errors as for `upload`."""
        with _errors("remove", f"{self.url}/{name}"):
            system, root = self._open()
            with suppress(FileNotFoundError):
                system.rm_file(f"{root}/{name}")

    def _open(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - only where something is published

        system, root = url_to_fs(self.url, use_listings_cache=False)
        return system, str(root).rstrip("/")

    @contextmanager
    def _writing(self, name: str) -> Iterator[Any]:
        """Open a file that gets its name at the end; after an error, nothing of it is left.

        A file of fsspec must not be closed by `with` after an error: closing completes it with what there is.
        """
        system, root = self._open()
        place = f"{root}/{name}"
        commits = urlsplit(self.url).scheme.lower() in COMMITS
        beside = place if commits else f"{root}/.{name}.{secrets.token_hex(4)}.part"
        if not commits:
            system.makedirs(root, exist_ok=True)
        file = system.open(beside, "wb", block_size=PART, **({"autocommit": False} if commits else {}))
        try:
            yield file
            file.close()
            if commits:
                file.commit()
            else:
                _rename(system, beside, place)
        except BaseException:
            with suppress(Exception):
                if commits:
                    file.discard()
                    file.closed = True  # otherwise it is uploaded when Python forgets it
                else:
                    file.close()
                    system.rm_file(beside)
            raise


def _require_library(scheme: str) -> None:
    from fsspec import get_filesystem_class  # noqa: PLC0415 - as above

    try:
        get_filesystem_class(scheme)
    except ImportError as error:
        install = INSTALL.get(scheme, f"install {error.name}" if error.name else "install its library")
        raise InvalidOptions(f"publish to {scheme}:// needs a library that is not installed: {install}") from None
    except ValueError:
        raise InvalidOptions(f"publish does not know addresses that begin with {scheme}://") from None


def _rename(system: Any, beside: str, place: str) -> None:
    if "file" not in system.protocol:
        system.mv(beside, place)
        return
    with Path(beside).open("rb") as file:
        os.fsync(file.fileno())
    Path(beside).replace(place)  # fsspec's own moves a file into a folder of that name


def _escape(path: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", path)


@contextmanager
def _errors(doing: str, url: str) -> Iterator[None]:
    """Make one error of all that the storage libraries raise, without their texts: those may repeat credentials."""
    try:
        yield
    except Exception as error:  # each library has its own
        if type(error).__module__.partition(".")[0] in {"ukssdc", "xrt_products"}:
            raise
        kind, number = type(error).__name__, getattr(error, "errno", None)
        why = os.strerror(number) if isinstance(number, int) else kind
        advice = FINAL.get(kind, "this may pass")
        raise PublishError(f"cannot {doing} {url} ({why}): {advice}", url=url, retryable=kind not in FINAL) from None

"""Products and records copied to a remote folder, and fetched back where the local disk is gone.

The files lie there as they do here: `{url}/{target}/{job number}/lc.tar.gz`. What is published stands in `job.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ukssdc.errors import PublishError
from ukssdc.record.files import write_error, write_whole
from ukssdc.record.folders import MAX_FOLDERS, JobFolder, ProductsFolder, safe_name
from ukssdc.record.journal import FILE
from ukssdc.record.locks import file_lock
from ukssdc.record.record import NAME
from ukssdc.status import Product

if TYPE_CHECKING:
    from ukssdc.record.record import RecordedFile
    from ukssdc.record.remote import RemoteFolder

LOCK = ".publish.lock"
NOT_PUBLISHED = (".part", ".part.etag", ".lock", ".old")
MAX_RECORD_BYTES = 2**24


def publish_archive(folder: JobFolder, product: Product, *, check: Callable[[], None] = lambda: None) -> str:
    """Copy a product's archive to the remote folder, unless it is there already, and then `job.json`.

    Parameters
    ----------
    folder : JobFolder
    product : Product
        One whose archive is on disk and on record.
    check : callable, optional
        Called with each block; what it raises ends the upload.

    Returns
    -------
    str
        Where the archive is now.

    Raises
    ------
    PublishError
        The remote folder cannot be written; or the archive is not what is on record.
    UKSSDCError
        The record cannot be read or written.
    """
    remote, known = _remote(folder), _recorded(folder, product)
    if known is None:
        raise PublishError(f"{product.label} is not on record in {folder.path}", url=remote.url)
    url = f"{remote.url}/{known.name}"
    if known.published != url or remote.size(known.name) != known.bytes:
        url, digest = remote.upload(folder.path / known.name, check=check)
        if digest != known.sha256:
            remote.remove(known.name)
            raise PublishError(
                f"{folder.path / known.name} is not the file that {NAME} knows: download it again", url=url
            )
        with folder.open() as record:
            if (now := record.files.get(product)) is not None and now.sha256 == digest:
                record.files[product] = now.model_copy(update={"published": url})
    publish_record(folder)
    return url


def publish_record(folder: JobFolder) -> None:
    """Copy `job.json` to the remote folder; errors as for `publish_archive`."""
    with file_lock(folder.path / LOCK, wait=True):  # an older one must not come last
        try:
            content = (folder.path / NAME).read_bytes()
        except OSError as error:
            raise write_error(folder.path / NAME, error) from None
        _remote(folder).write(NAME, content)


def publish_folder(folder: JobFolder) -> None:
    """Copy what is made of the results (quick look, tables, failure reports), and then `job.json`; errors as above."""
    remote, record = _remote(folder), folder.read()
    archives = {file.name for file in record.files.values()} if record is not None else set()
    for path in sorted(folder.path.iterdir()):
        mine = path.name in archives or path.name == NAME or path.name.startswith(".")
        if path.is_file() and not mine and not path.name.endswith(NOT_PUBLISHED):
            remote.upload(path)
    publish_record(folder)


def restore_results(products: ProductsFolder, names: Sequence[str]) -> list[Path]:
    """Fetch other files of these names from all jobs' remote folders, where they are not here; as `restore_records`.

    What is larger than a record stays where it is.
    """
    patterns = ("*/" * depth + name for depth in range(2, MAX_FOLDERS + 2) for name in names)
    found = [parts for pattern in patterns for parts in _remote(products).find(pattern)]
    return _restore(products, found, may_be_large=True)


def restore_records(products: ProductsFolder, name: str | None) -> list[Path]:
    """Fetch the records and the journal of a target that are in the remote folder and not here.

    Parameters
    ----------
    products : ProductsFolder
    name : str or None
        The target's name; None for all targets.

    Returns
    -------
    list of Path
        What was fetched.

    Raises
    ------
    PublishError, UKSSDCError
        The remote folder cannot be read, or a file not be written.
    """
    if name is None:
        targets = ["*/" * depth for depth in range(1, MAX_FOLDERS + 1)]
    else:
        targets = [f"{products.target or safe_name(name)}/"]
    patterns = (f"{target}{file}" for target in targets for file in (f"*/{NAME}", FILE.format("*")))
    return _restore(products, [parts for pattern in patterns for parts in _remote(products).find(pattern)])


def restore_job(products: ProductsFolder, job_id: int) -> list[Path]:
    """Fetch the record of a job that is in the remote folder and not here; as `restore_records`."""
    patterns = ("*/" * depth + f"{job_id}/{NAME}" for depth in range(1, MAX_FOLDERS + 1))
    return _restore(products, [parts for pattern in patterns for parts in _remote(products).find(pattern)])


def restore_archive(folder: JobFolder, product: Product, archive_format: str) -> str | None:
    """Fetch a product's archive from the remote folder where it is there whole, and not here.

    Returns
    -------
    str or None
        Where it came from; None where it is to be downloaded from the service.

    Raises
    ------
    PublishError, UKSSDCError
        The remote folder cannot be read, or the file not be written.
    """
    from ukssdc.download.part import Part  # noqa: PLC0415 - its package imports this one

    target, known = folder.archive(product, archive_format), _recorded(folder, product)
    if folder.remote is None or known is None or known.name != target.name or target.exists():
        return None
    url = f"{folder.remote.url}/{known.name}"
    if known.published != url or folder.remote.size(known.name) != known.bytes:
        return None
    with folder.lock_archive(product):
        part, digest = Part(target), hashlib.sha256()
        try:
            part.begin("")
            with part.path.open("wb") as file:
                for block in folder.remote.blocks(known.name):
                    digest.update(block)
                    file.write(block)
            whole = digest.hexdigest() == known.sha256
            part.finish() if whole else part.discard()
        except OSError as error:
            raise write_error(target, error) from None
    return url if whole else None


def _restore(products: ProductsFolder, found: Iterable[tuple[str, ...]], *, may_be_large: bool = False) -> list[Path]:
    """Fetch small files that are missing here; what cannot be read as what it is, is left to who reads it."""
    fetched: list[Path] = []
    for parts in found:
        path, remote = products.path.joinpath(*parts), _remote(products)
        if path.exists() or any(part in {"", ".", ".."} for part in parts):
            continue
        for part in parts[:-1]:
            remote = remote / part
        content = b""
        for block in remote.blocks(parts[-1]):
            content += block
            if len(content) > MAX_RECORD_BYTES:
                if may_be_large:
                    break
                raise PublishError(f"{remote.url}/{parts[-1]} is too large to be a record", url=remote.url)
        if len(content) > MAX_RECORD_BYTES:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            raise write_error(path, error) from None
        fetched.append(path)
    return fetched


def _recorded(folder: JobFolder, product: Product) -> RecordedFile | None:
    record = folder.read()
    return record.files.get(product) if record is not None else None


def _remote(folder: JobFolder | ProductsFolder) -> RemoteFolder:
    if folder.remote is None:
        raise ValueError("nothing is published from here")
    return folder.remote

"""One archive: streamed in blocks, resumed where the server can, verified, renamed into place."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ukssdc.download.archive import FORMATS, ArchiveFormat, IfExists
from ukssdc.download.check import ArchiveCheck
from ukssdc.download.extract import extract_archive
from ukssdc.download.fetch import Progress, Source, fetch
from ukssdc.download.part import Part
from ukssdc.errors import DownloadError
from ukssdc.notebook import ShortRepr
from ukssdc.record import JobFolder, RecordedFile
from ukssdc.record.files import write_error
from ukssdc.status import Product
from ukssdc.times import utcnow

if TYPE_CHECKING:
    from ukssdc.job import Job

STEM = re.compile(r"([A-Za-z0-9_+][A-Za-z0-9_.+-]{0,99})?")  # of a file's name; nothing hidden, no folder


@dataclass(frozen=True, repr=False)
class DownloadedFile(ShortRepr):
    """An archive that is on disk, whole.

    Attributes
    ----------
    product : Product
    path : Path
    size : int
        Bytes.
    sha256 : str
        Hexadecimal.
    url : str
        Where it came from.
    skipped : bool
        True where it was there already and nothing was fetched.
    seconds : float
        How long it took, s.
    extracted : Path or None
        The folder with its unpacked files, where that was asked for.
    """

    product: Product
    path: Path
    size: int
    sha256: str
    url: str
    skipped: bool = False
    seconds: float = 0.0
    extracted: Path | None = None


def download_archive(
    source: Source,
    folder: JobFolder,
    product: Product,
    *,
    archive_format: ArchiveFormat = "tar.gz",
    if_exists: IfExists = "skip",
    extract: bool = False,
    progress: Progress | None = None,
) -> DownloadedFile:
    """Fetch a product's archive into a job's folder, and unpack it where that is wanted; see `Client.download`."""
    if archive_format not in FORMATS:
        raise ValueError(f"format is one of {', '.join(FORMATS)}, not {archive_format!r}")
    if if_exists not in {"skip", "replace", "error"}:
        raise ValueError(f'if_exists is "skip", "replace" or "error", not {if_exists!r}')
    if not STEM.fullmatch(folder.stem):
        raise ValueError(
            f"stem is {folder.stem!r:.80}: give letters, digits, _, ., + and -, and no . or - at its beginning"
        )
    with folder.open() as record:  # the folder can be written, and is this job's
        known = product in record.files
    with folder.lock_archive(product):  # two runs that fetch the same would spoil each other's file
        try:
            file = _present_file(folder, product, archive_format, if_exists) or _fetch_and_verify(
                source, folder, product, archive_format, progress=progress
            )
        except OSError as error:
            target, url = folder.archive(product, archive_format), _url_of(folder.job, product, archive_format)
            why = write_error(target, error)
            problem = DownloadError(str(why), url=url, retryable=why.retryable)
            problem.disk_full = why.disk_full
            raise problem from None
        if not extract:
            return file
        unpacked = folder.extracted(product)
        if not (file.skipped and unpacked.is_dir()):  # a folder that is there is whole
            # beside an archive that was on record, it is that one's
            ours = if_exists == "replace" or (if_exists == "skip" and known)
            slices = product is Product.Spectrum
            extract_archive(file.path, unpacked, archive_format, replace=ours, slices=slices)
        return replace(file, extracted=unpacked)


def _present_file(
    folder: JobFolder, product: Product, archive_format: ArchiveFormat, if_exists: IfExists
) -> DownloadedFile | None:
    """Return the archive that is there already, as it is on record; None where one is to be fetched.

    Raises
    ------
    DownloadError
        Where there is a file that is not to be replaced.
    """
    target, url = folder.archive(product, archive_format), _url_of(folder.job, product, archive_format)
    if if_exists == "replace" or not target.exists():
        return None
    record = folder.read()
    known = record.files.get(product) if record is not None else None
    if if_exists == "error" or known is None or known.name != target.name:
        raise DownloadError(
            f"{target} exists already"
            + ("" if if_exists == "error" else f" and nothing tells that it is job {folder.job.job_id}'s")
            + '. Move it away, or ask for if_exists="replace"',
            url=url,
        )
    size, digest = _digest(target)
    return DownloadedFile(product, target, size, digest, url, skipped=True) if digest == known.sha256 else None


def _fetch_and_verify(
    source: Source, folder: JobFolder, product: Product, archive_format: ArchiveFormat, *, progress: Progress | None
) -> DownloadedFile:
    target, url = folder.archive(product, archive_format), _url_of(folder.job, product, archive_format)
    began = time.monotonic()
    part = Part(target)
    check = ArchiveCheck(part.path, archive_format)
    try:
        fetch(source, url, part, check, progress=progress)
        size, digest, problem = check.result()
        if problem is not None:
            part.discard()
            raise source.error(f"the archive from {url} is corrupt: {problem}. It was discarded", url)
        with folder.open() as record:  # before the rename: what has its name is on record
            record.files[product] = RecordedFile(name=target.name, bytes=size, sha256=digest, at=utcnow())
        part.finish()
    except OSError:
        part.discard_useless()
        raise
    finally:
        check.cancel()
    return DownloadedFile(product, target, size, digest, url, seconds=time.monotonic() - began)


def _url_of(job: Job, product: Product, archive_format: ArchiveFormat) -> str:
    return f"{job.url}/{product.wire}.{archive_format}"


def _digest(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()

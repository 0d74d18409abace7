"""job.json: the provenance record in a job's folder, written as things happen and never half-written."""

from __future__ import annotations

import errno
import os
import re
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from ukssdc.errors import UKSSDCError
from ukssdc.job import Job
from ukssdc.status import Product, StatusCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NAME = "job.json"
LOCK = ".lock"
VERSION: Final = 1
MAX_NAME_BYTES = 100  # characters of a folder's name: file systems take 255 bytes


class RecordedStatus(BaseModel):
    """A product's status, from `at` (UTC) on."""

    at: AwareDatetime
    product: Product
    code: int
    text: str


class RecordedFile(BaseModel):
    """A file that has arrived whole: name in the folder, size in bytes, check sum."""

    name: str
    bytes: int
    sha256: str
    at: AwareDatetime


class JobRecord(BaseModel):
    """What is known of a job: enough for a second run to skip what is done.

    Attributes
    ----------
    version : int
        Of this format.
    request, parameters : dict
        As asked for, and as the service completed it; wire names, without the account.
    history : list of RecordedStatus
        Every change of a product's status, with the time at which it was seen.
    files : dict
        Product -> file.
    outcomes : dict
        Product -> "downloaded", "failed", "cancelled" or "timed_out".
    software : dict
        Name -> version of what made the record.
    """

    version: Literal[1] = VERSION
    job_id: int
    url: str
    name: str
    products: tuple[Product, ...]
    request: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    submitted: AwareDatetime | None = None
    last_poll: AwareDatetime | None = None
    history: list[RecordedStatus] = Field(default_factory=list)
    files: dict[Product, RecordedFile] = Field(default_factory=dict)
    outcomes: dict[Product, str] = Field(default_factory=dict)
    software: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def load(cls, directory: Path) -> Self | None:
        """Read a folder's record; None where there is none.

        Raises
        ------
        UKSSDCError
            Where there is one that cannot be read: it is the user's, and is not overwritten.
        """
        path = directory / NAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a record of this version"
            raise UKSSDCError(f"cannot read {path}: {reason}. Move it away, or choose another destination") from None

    def save(self, directory: Path) -> None:
        """Write the record whole: beside its place first, then renamed into it."""
        path = directory / NAME
        beside = path.with_suffix(".json.part")
        text = self.model_dump_json(indent=2)
        with beside.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def note_status(self, product: Product, code: int, text: str, at: datetime) -> bool:
        """Add a status to the history if it is a change; return whether it was."""
        last = next((s for s in reversed(self.history) if s.product == product), None)
        if last is not None and (last.code, last.text) == (code, text):
            return False
        self.history.append(RecordedStatus(at=at, product=product, code=code, text=text))
        return True

    @property
    def finished(self) -> bool:
        """True where nothing is left to wait for or to fetch."""
        last = {s.product: s.code for s in self.history}
        return all(
            self.outcomes.get(p) in {"downloaded", "cancelled"}
            or (self.outcomes.get(p) == "failed" and last.get(p) != StatusCode.COMPLETE)
            for p in self.products
        )

    @property
    def job(self) -> Job:
        """The job, as it was when the record began."""
        return Job(
            job_id=self.job_id,
            url=self.url,
            name=self.name,
            products=self.products,
            parameters=self.parameters,
            submitted=self.submitted,
        )


def recorded_job(destination: Path, name: str, url: str) -> Job | None:
    """Find a target's job by its address, whatever has become of it; None where it has no record."""
    return next((record.job for _, record in _records(destination, name) if record.url == url), None)


def unfinished_job(destination: Path, name: str, request: Mapping[str, Any], at: str) -> Job | None:
    """Find the job that an earlier run submitted for the same request and did not bring to its end.

    Parameters
    ----------
    destination : Path
        Where the earlier run's files went.
    name : str
        The target's name.
    request : mapping
        The request's body, without the account.
    at : str
        The service's address: another service's jobs, or an emulator's, are not this one's.

    Returns
    -------
    Job or None
        The newest; None where there is none, or where another run is following it right now.
    """
    found = [
        record
        for folder, record in _records(destination, name)
        if record.request == request
        and _host(record.url) == _host(at)
        and not record.finished
        and not _is_followed(folder)
    ]
    return max(found, key=lambda record: record.job_id).job if found else None


def finished_jobs(destination: Path, name: str) -> frozenset[str]:
    """Return the addresses of a target's jobs that were brought to their end; parameters as for `unfinished_job`."""
    return frozenset(record.url for _, record in _records(destination, name) if record.finished)


def _records(destination: Path, name: str) -> Iterator[tuple[Path, JobRecord]]:
    """Yield the folder and the record of each of a target's jobs."""
    for path in (destination / safe_name(name)).glob(f"*/{NAME}"):
        with suppress(UKSSDCError):  # not ours to judge; opening that folder for its job will tell
            record = JobRecord.load(path.parent)
            if record is not None:
                yield path.parent, record


def lock_job(directory: Path) -> AbstractContextManager[bool]:
    """Hold a job's folder while its job is followed; False where another run has it already."""
    return file_lock(directory / LOCK)


@contextmanager
def file_lock(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Lock a file while the body runs; yield False where somebody else has it.

    The lock goes with the process, however that ends, and the file with the lock.

    Raises
    ------
    UKSSDCError
        Where there can be no lock: the file is someone else's, or the disk full.
    """
    import fcntl  # noqa: PLC0415 - POSIX only; the rest of the package is not

    with ExitStack() as stack:
        while True:
            try:
                lock = stack.enter_context(path.open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(path, lock.fileno()):  # its last holder may have removed it meanwhile
                    break
            except BlockingIOError:
                yield False
                return
            except OSError as error:
                raise write_error(path, error) from None
        try:
            yield True
        finally:
            with suppress(OSError):  # gone already, or not to be removed: what is left behind does no harm
                path.unlink()


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _is_followed(directory: Path) -> bool:
    try:
        with lock_job(directory) as free:
            return not free
    except UKSSDCError:  # someone else's: not ours to take up
        return True


@contextmanager
def open_record(directory: Path, job: Job) -> Iterator[JobRecord]:
    """Change a job's record: read it, or begin one; let the caller change it; write it if it differs.

    The folder is locked meanwhile, so that threads and processes don't overwrite each other's changes.

    Parameters
    ----------
    directory : Path
        The job's folder; it is made where it is missing.
    job : Job
        Whose record it is.

    Raises
    ------
    UKSSDCError
        Where the folder cannot be written, or holds another job's record.
    """
    import fcntl  # noqa: PLC0415 - POSIX only; the rest of the package is not

    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
    except OSError as error:
        raise write_error(directory, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        record = JobRecord.load(directory) or JobRecord(
            job_id=job.job_id, url=job.url, name=job.name, products=job.products, parameters=job.parameters
        )
        if record.job_id != job.job_id or _host(record.url) != _host(job.url):
            raise UKSSDCError(
                f"{directory} belongs to job {record.job_id} at {record.url} (its {NAME} says so), not to job "
                f"{job.job_id} at {job.url}: choose another destination"
            )
        before = record.model_copy(deep=True)
        yield record
        if record != before or not (directory / NAME).exists():
            try:
                record.save(directory)
            except OSError as error:
                raise write_error(directory, error) from None
    finally:
        os.close(handle)


def _host(url: str) -> str:
    """Return whose job it is: the service's, and that of an emulator, may have the same number."""
    return url.partition("://")[2].partition("/")[0]


def job_directory(destination: Path, job: Job) -> Path:
    """Return `{destination}/{target}/{job number}`, with the target's name made safe."""
    return destination / safe_name(job.name) / str(job.job_id)


def safe_name(name: str) -> str:
    """Make a folder's name of a target's: no separators, nothing hidden, not too long.

    `GRB 200416A` becomes `GRB_200416A`, `../../etc` becomes `etc`.
    """
    kept = re.sub(r"[^\w.+-]+", "_", name).strip("._-")
    return kept.encode()[:MAX_NAME_BYTES].decode(errors="ignore") or "unnamed"


def write_error(directory: Path, error: OSError) -> UKSSDCError:
    """Say that a folder cannot be written, why, and what to do."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    advice = "Make room; what is there already is kept" if full else "Make it writable, or choose another destination"
    problem = UKSSDCError(f"cannot write to {directory}: {error.strerror or error}. {advice}")
    problem.retryable = full
    return problem

"""Where things are on disk: one folder for all products, and in it one for each job: record, lock, archives."""

from __future__ import annotations

import re
import tempfile
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ukssdc.addresses import is_same_service, origin
from ukssdc.errors import JobInProgress, UKSSDCError
from ukssdc.job import Job
from ukssdc.notebook import ShortRepr
from ukssdc.record.claims import Claim, claim_request
from ukssdc.record.files import write_error
from ukssdc.record.journal import JournalEntry, PendingSubmission, journal_submission, read_journal
from ukssdc.record.locks import file_lock, folder_lock
from ukssdc.record.record import NAME, JobRecord
from ukssdc.record.remote import RemoteFolder
from ukssdc.status import Product

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from ukssdc.status import JobStatus

LOCK = ".lock"
FAILURE_REPORT = "failure-{}.md"  # of a product, in its job's folder
MAX_FOLDERS = 3  # one below the other, of a target
MAX_NAME_BYTES = 100  # of a folder's name: file systems take 255


@dataclass(frozen=True, repr=False)
class JobFolder(ShortRepr):
    """A job's folder, with its record, its lock and its archives.

    Attributes
    ----------
    path : Path
    job : Job
    request : mapping, optional
        What was asked for, wire names, without the account; for a record that is begun.
    software : mapping, optional
        Name -> version of what asks; for a record that is begun.
    stem : str, optional
        What the names of archives, and of the folders with their files, begin with.
    remote : RemoteFolder, optional
        Where it is published.
    """

    path: Path
    job: Job
    request: Mapping[str, Any] | None = None
    software: Mapping[str, str] | None = None
    stem: str = ""
    remote: RemoteFolder | None = None

    def read(self) -> JobRecord | None:
        """Return what is on record; None where there is nothing yet.

        Raises
        ------
        UKSSDCError
            Where the record cannot be read.
        """
        return JobRecord.load(self.path)

    @contextmanager
    def open(self) -> Iterator[JobRecord]:
        """Change the record: read it, or begin one; let the caller change it; write it if it differs.

        The folder is locked meanwhile, so that threads and processes don't overwrite each other's changes.

        Raises
        ------
        UKSSDCError
            Where the folder cannot be written, or holds another job's record.
        """
        job = self.job
        with folder_lock(self.path):
            record = self.read() or self._new_record()
            if record.job_id != job.job_id or (record.url != job.url and not is_same_service(record.url, job.url)):
                raise UKSSDCError(
                    f"{self.path} belongs to job {record.job_id} at {record.url} (its {NAME} says so), not to job "
                    f"{job.job_id} at {job.url}: choose another destination"
                )
            before = record.model_copy(deep=True)
            yield record
            if record != before or not (self.path / NAME).exists():
                try:
                    record.save(self.path)
                except OSError as error:
                    raise write_error(self.path, error) from None

    def begin(self, request: Mapping[str, Any] | None, software: Mapping[str, str]) -> JobFolder:
        """Put the job on record, with what was asked for and the versions of what asks; errors as for `open`.

        A record of another submission that had the same number (an emulator was started again) is moved away.

        Returns
        -------
        JobFolder
            One that knows both, and begins the record anew should it be swept away.
        """
        self._move_namesake_away()
        folder = replace(self, request=request, software=software)
        with folder.open() as record:
            record.submitted = record.submitted or self.job.submitted
            record.software = dict(software)
            record.ended = False
            if request is not None:
                record.request = dict(request)
        return folder

    def note_end(self) -> None:
        """Put on record that a run has brought the job to its end, reports included; errors as for `open`."""
        with self.open() as record:
            record.ended = record.all_ended

    def note_cancelled(self, products: Iterable[Product]) -> None:
        """Put on record that these products were cancelled from here: the job is over; errors as for `open`."""
        with self.open() as record:
            record.outcomes |= dict.fromkeys(record.files, "downloaded") | dict.fromkeys(products, "cancelled")
            record.ended = record.all_ended

    def note_gone(self) -> None:
        """Put on record that the service has removed the job; errors as for `open`."""
        with self.open() as record:
            record.gone = True

    def _new_record(self) -> JobRecord:
        job = self.job
        return JobRecord(
            job_id=job.job_id,
            url=job.url,
            name=job.name,
            products=job.products,
            parameters=job.parameters,
            submitted=job.submitted,
            request=dict(self.request or {}),
            software=dict(self.software or {}),
            ended=False,
        )

    def _move_namesake_away(self) -> None:
        record = self.read()
        if record is None or not is_same_service(record.url, self.job.url):
            return
        times = record.submitted, self.job.submitted
        if None not in times and times[0] != times[1]:
            aside = self.path.with_name(f"{self.path.name}-{record.submitted:%Y%m%dT%H%M%S}")
            try:
                self.path.rename(aside)
            except OSError as error:
                raise write_error(self.path, error) from None

    def note_statuses(self, status: JobStatus, at: datetime) -> None:
        """Put the answer to a poll on record; errors as for `open`."""
        with self.open() as record:
            record.last_poll = at
            for name, state in status.items():
                record.note_status(Product(name), state.status_code, state.status_text, at)

    def note_outcomes(self, outcomes: Mapping[Product, str]) -> None:
        """Put on record what became of the products; errors as for `open`."""
        with self.open() as record:
            record.outcomes = dict(outcomes)

    @property
    def last_poll(self) -> datetime | None:
        """When the job was last polled, by whichever process; UTC."""
        record = self.read()
        return record.last_poll if record is not None else None

    def lock(self) -> AbstractContextManager[bool]:
        """Hold the folder while its job is followed; yields False where another run has it already."""
        return file_lock(self.path / LOCK)

    def lock_archive(self, product: Product) -> AbstractContextManager[bool]:
        """Hold a product's place in this folder; where another run fetches it, the error is retryable."""
        return file_lock(self.path / f".{product.wire}.lock", wait=True)

    def archive(self, product: Product, archive_format: str) -> Path:
        """Return where a product's archive belongs: `lc.tar.gz`."""
        return self.path / f"{self.stem}{product.wire}.{archive_format}"

    def extracted(self, product: Product) -> Path:
        """Return where a product's files are unpacked to: `lc/`."""
        return self.path / f"{self.stem}{product.wire}"

    def failure_report(self, product: str) -> Path:
        """Return where a product's failure report belongs: `failure-LightCurve.md`."""
        return self.path / FAILURE_REPORT.format(product)


@dataclass(frozen=True)
class ProductsFolder:
    """The folder of all products, `destination` of the flows: `{path}/{target}/{job number}/`.

    Attributes
    ----------
    path : Path
    target : str, optional
        The target's folder below it; by default, it is called as the target.
    remote : RemoteFolder, optional
        Where it is published.
    """

    path: Path
    target: str | None = None
    remote: RemoteFolder | None = None

    def require_writable(self) -> None:
        """Make the folder, and see that a file can be written there, before a job is submitted for it.

        Raises
        ------
        UKSSDCError
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise write_error(self.path, error) from None

    def folder_of(self, job: Job) -> JobFolder:
        """Return a job's folder, whether or not it is there yet: that of its record, whatever the target was called."""
        number = str(job.job_id)
        below = _records_below(self.path, number) if self.target is None else self._target("").glob(f"{number}/{NAME}")
        for path in below:
            with suppress(UKSSDCError):
                record = JobRecord.load(path.parent)
                if record is not None and record.url == job.url:
                    return self._job_folder(path.parent, job)
        return self._job_folder(self._target(job.name) / number, job)

    def find(self, name: str, url: str) -> JobFolder | None:
        """Find a target's job by its address, whatever became of it; None where it has no record."""
        return next((folder for folder, record in self.jobs(name) if record.url == url), None)

    def find_unfinished(self, name: str, request: Mapping[str, Any], service: str) -> JobFolder | None:
        """Find the job that an earlier run submitted for the same request and did not finish.

        Parameters
        ----------
        name : str
            The target's name.
        request : mapping
            The request's body, without the account.
        service : str
            The service's address: another service's jobs, or an emulator's, are not this one's.

        Returns
        -------
        JobFolder or None
            The newest; None where there is none.

        Raises
        ------
        JobInProgress
            Another run is following it right now.
        """
        found = [
            folder
            for folder, record in self.jobs(name)
            if record.request == request and is_same_service(record.url, service) and not record.finished
        ]
        newest = max(found, key=lambda folder: folder.job.job_id, default=None)
        if newest is None:
            return None
        try:
            with newest.lock() as free:
                if free:
                    return newest
        except UKSSDCError:  # another user's folder cannot be locked, and its job is not ours to resume
            return None
        raise JobInProgress("another run", newest.job.job_id)

    def recorded_jobs(self) -> frozenset[str]:
        """Return the addresses of all jobs that are on record here, of whichever target."""
        return frozenset(record.url for _, record in self._load(_records_below(self.path)))

    def journal(
        self, name: str, request: Mapping[str, Any], *, run: str, since: datetime, until: datetime, row: str = ""
    ) -> AbstractContextManager[PendingSubmission]:
        """Put on disk that a request is about to be sent; see `journal_submission`."""
        folder = self._target(name)
        remote = self.remote and self.remote / folder.relative_to(self.path).as_posix()
        return journal_submission(folder, request, run=run, since=since, until=until, row=row, remote=remote)

    def submissions_of(self, run: str) -> Iterator[JournalEntry]:
        """Yield a run's submissions that are in the journal, of whichever target; see `read_journal`."""
        return read_journal(self.path, run)

    def claim(self, name: str, request: Mapping[str, Any], service: str, run: str) -> AbstractContextManager[Claim]:
        """Hold the claim on a request for this destination; see `claim_request`."""
        return claim_request(self._target(name), request, str(origin(service)), run)

    def claim_campaign(self, service: str, run: str) -> AbstractContextManager[Claim]:
        """Hold this folder for a campaign; see `claim_request`."""
        return claim_request(self.path, {}, str(origin(service)), run, what="a campaign")

    def jobs(self, name: str = "") -> Iterator[tuple[JobFolder, JobRecord]]:
        """Yield the folder and the record of each of a target's jobs; those that cannot be read are left out."""
        return self._load(self._target(name).glob(f"*/{NAME}"))

    def _target(self, name: str) -> Path:
        return self.path / (self.target or safe_name(name))

    def _job_folder(self, path: Path, job: Job) -> JobFolder:
        return JobFolder(path, job, remote=self.remote and self.remote / path.relative_to(self.path).as_posix())

    def _load(self, paths: Iterable[Path]) -> Iterator[tuple[JobFolder, JobRecord]]:
        for path in paths:
            with suppress(UKSSDCError):  # not ours to judge; opening that folder for its job will tell
                record = JobRecord.load(path.parent)
                if record is not None:
                    yield self._job_folder(path.parent, record.job), record


def _records_below(path: Path, job: str = "*") -> Iterator[Path]:
    """Yield the records of a job, or of all, of any target."""
    for depth in range(1, MAX_FOLDERS + 1):
        yield from path.glob("*/" * depth + f"{job}/{NAME}")


def safe_name(name: str) -> str:
    """Make a folder's name of a target's: no separators, nothing hidden, not too long.

    `GRB 200416A` becomes `GRB_200416A`, `../../etc` becomes `etc`.
    """
    kept = re.sub(r"[^\w.+-]+", "_", name).strip("._-")
    return kept.encode()[:MAX_NAME_BYTES].decode(errors="ignore") or "unnamed"

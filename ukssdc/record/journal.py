"""The journal of submissions under way: on disk before anything is sent, so that a killed process costs no job.

A submission is in `{destination}/{target}/submitting-{run}.json` until its job has a record of its own. The file is
locked while its process lives; one that nobody holds is an orphan.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ValidationError

from ukssdc.errors import NoSlot, PublishError, SubmissionRefused
from ukssdc.record.files import write_error
from ukssdc.record.locks import is_locked
from ukssdc.record.remote import RemoteFolder
from ukssdc.times import utcnow

RETENTION = timedelta(days=30)  # an orphan is looked for at the service even long after its wait is over
FILE = "submitting-{}.json"


class JournalEntry(BaseModel):
    """A submission as the journal has it; an orphan where its process is gone.

    Attributes
    ----------
    run : str
        Who submits; letters, digits and dashes.
    row : str
        Which of the run's submissions it is, where it makes several; letters and digits.
    since, until : datetime
        When it began, and when its job would not be waited for any more; UTC.
    request : dict
        The request's body, without the account.
    """

    version: Literal[1] = 1
    run: str
    row: str = ""
    since: AwareDatetime
    until: AwareDatetime
    request: dict[str, Any]

    @property
    def file(self) -> str:
        """The name of its file."""
        return FILE.format("-".join(filter(None, (self.run, self.row))))


class PendingSubmission(NamedTuple):
    """A submission of one's own, and the orphans of the same request.

    Attributes
    ----------
    path : Path
        Its file in the journal.
    orphaned : tuple of JournalEntry
        Their process is gone; whether they reached the service, it alone knows.
    remote : RemoteFolder, optional
        Where the target's folder is published.
    earlier : JournalEntry, optional
        What this very submission left here at an earlier attempt, perhaps in a process that is gone: its file is kept.
    """

    path: Path
    orphaned: tuple[JournalEntry, ...] = ()
    remote: RemoteFolder | None = None
    earlier: JournalEntry | None = None

    def publish(self) -> None:
        """Copy it to where the target's folder is published.

        Raises
        ------
        PublishError
        """
        if self.remote is not None:
            self.remote.upload(self.path)

    def resolve(self) -> None:
        """Take it out of the journal, and the orphans with it: what became of them is known."""
        for path in (self.path, *(self.path.with_name(entry.file) for entry in self.orphaned)):
            _forget(path, self.remote)


def _forget(path: Path, remote: RemoteFolder | None) -> None:
    with suppress(OSError):  # the job is on record: what is left behind does no harm
        path.unlink(missing_ok=True)
    if remote is not None:
        with suppress(PublishError):  # nor does it there
            remote.remove(path.name)


@contextmanager
def journal_submission(
    folder: Path,
    request: Mapping[str, Any],
    *,
    run: str,
    since: datetime,
    until: datetime,
    row: str = "",
    remote: RemoteFolder | None = None,
) -> Iterator[PendingSubmission]:
    """Put on disk that a request is about to be sent; until `resolve`, or a refusal.

    Parameters
    ----------
    folder : Path
        The target's folder.
    request : mapping
        The request's body, without the account.
    run : str
        Who submits; letters, digits and dashes.
    since, until : datetime
        When it began, and when its job would not be waited for any more; UTC.
    row : str, optional
        Which of the run's submissions it is, where it makes several.
    remote : RemoteFolder, optional
        Where the target's folder is published: what is taken out of the journal is removed there, too.

    Raises
    ------
    UKSSDCError
        Where the file cannot be written; nothing has been sent then.
    """
    import fcntl  # noqa: PLC0415 - POSIX only; the rest of the package is not

    submission = JournalEntry(run=run, row=row, since=since, until=until, request=dict(request))
    path = folder / submission.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = _read(path, submission.request)
        file = path.open("w" if earlier is None else "r+", encoding="utf-8")
    except OSError as error:
        raise write_error(folder, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if earlier is None:
                file.write(submission.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with suppress(OSError):  # what could not be written is tried again as the file closes
                file.close()
            with suppress(OSError):  # the job is on record: what is left behind does no harm
                path.unlink(missing_ok=True)
            raise write_error(folder, error) from None
        try:
            yield PendingSubmission(path, tuple(_orphans(submission, folder)), remote, earlier)
        except (SubmissionRefused, NoSlot):
            _forget(path, remote)
            raise


def _read(path: Path, request: Mapping[str, Any]) -> JournalEntry | None:
    """Return the entry in a file, if it is there, whole, and of this request."""
    with suppress(OSError, ValidationError):
        found = JournalEntry.model_validate_json(path.read_bytes())
        return found if found.request == request else None
    return None


def read_journal(folder: Path, run: str) -> Iterator[JournalEntry]:
    """Yield the submissions of a run that are in the journal in a folder, or further below."""
    for path in sorted(folder.rglob(FILE.format(f"{run}*"))):
        with suppress(OSError, ValidationError):  # gone meanwhile; or not whole, and so never sent
            yield JournalEntry.model_validate_json(path.read_bytes())


def _orphans(submission: JournalEntry, folder: Path) -> Iterator[JournalEntry]:
    """Yield the other submissions of the same request whose process is gone; forget those that are too old."""
    for path in sorted(folder.glob(FILE.format("*"))):
        if is_locked(path):  # its own as well
            continue
        with suppress(OSError, ValidationError):  # gone meanwhile; or not whole, and so never sent
            found = JournalEntry.model_validate_json(path.read_bytes())
            if found.until < utcnow() - RETENTION:
                path.unlink()
            elif found.request == submission.request:
                yield found

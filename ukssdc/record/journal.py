"""What is about to be submitted, on disk before it is sent: a process killed on the way costs no job, and makes no two.

A submission stands in `{destination}/{target}/submitting-{run}.json` until its job has a record of its own. The file is
locked while its process lives; one that nobody holds was left behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ValidationError

from ukssdc._http import SUBMIT
from ukssdc.errors import ServiceError
from ukssdc.record.record import safe_name, write_error
from ukssdc.times import utcnow

RETENTION = timedelta(days=30)  # what was left behind is looked for at the service even long after its wait is over
_NAME = "submitting-{}.json"


class Submission(BaseModel):
    """A submission under way.

    Attributes
    ----------
    run : str
        Who submits; letters, digits and dashes.
    since, until : datetime
        When it began, and when its job would not be waited for any more; UTC.
    request : dict
        The request's body, without the account.
    """

    version: Literal[1] = 1
    run: str
    since: AwareDatetime
    until: AwareDatetime
    request: dict[str, Any]


class PendingSubmission(NamedTuple):
    """A submission of one's own, and those of the same request that were left behind.

    Attributes
    ----------
    path : Path
        The file that tells of it.
    abandoned : tuple of Submission
        Their process is gone; whether they reached the service, it alone knows.
    """

    path: Path
    orphaned: tuple[Submission, ...] = ()

    def resolve(self) -> None:
        """Take note that it is known what became of it, and with it of the abandoned ones."""
        for run in (None, *(s.run for s in self.orphaned)):
            path = self.path if run is None else self.path.with_name(_NAME.format(run))
            path.unlink(missing_ok=True)


@contextmanager
def journal_submission(
    destination: Path, name: str, request: Mapping[str, Any], *, run: str, since: datetime, until: datetime
) -> Iterator[PendingSubmission]:
    """Put on disk that a request is about to be sent; it stays there until `Intent.fulfil`, or a refusal.

    Parameters
    ----------
    destination : Path
        Where the files are to go.
    name : str
        The target's name.
    request : mapping
        The request's body, without the account.
    run : str
        Who submits; letters, digits and dashes.
    since, until : datetime
        When it began, and when its job would not be waited for any more; UTC.

    Raises
    ------
    UKSSDCError
        Where the file cannot be written; nothing has been sent then.
    """
    import fcntl  # noqa: PLC0415 - POSIX only; the rest of the package is not

    folder = destination / safe_name(name)
    path = folder / _NAME.format(run)
    submission = Submission(run=run, since=since, until=until, request=dict(request))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise write_error(folder, error) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            file.write(submission.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise write_error(folder, error) from None
        intent = PendingSubmission(path, tuple(_orphaned(submission, folder)))
        try:
            yield intent
        except ServiceError as error:
            if error.call == SUBMIT:
                path.unlink(missing_ok=True)
            raise


def _orphaned(submission: Submission, folder: Path) -> Iterator[Submission]:
    """Yield the other submissions of the same request whose process is gone; forget those that are too old."""
    for path in sorted(folder.glob(_NAME.format("*"))):
        if _is_held(path):  # its own as well
            continue
        with suppress(OSError, ValidationError):  # gone meanwhile; or not whole, and so never sent
            found = Submission.model_validate_json(path.read_bytes())
            if found.until < utcnow() - RETENTION:
                path.unlink()
            elif found.request == submission.request:
                yield found


def _is_held(path: Path) -> bool:
    import fcntl  # noqa: PLC0415 - as above

    try:
        with path.open("r+") as file:  # NFS locks only what may be written
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return True
    return False

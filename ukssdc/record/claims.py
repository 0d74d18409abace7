"""One live run for one request and destination: a claim is a lock that says who has it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ukssdc.errors import JobInProgress
from ukssdc.record.files import write_error


class Claim:
    """A claim that is held, and what it tells others.

    Attributes
    ----------
    run : str
        Who has it.
    """

    def __init__(self, file: IO[str], run: str) -> None:
        self._file = file
        self.run = run
        self.note_job(None)

    def note_job(self, job_id: int | None) -> None:
        """Tell others which job it is."""
        with suppress(OSError):  # who has it is of help, and no more
            self._file.seek(0)
            self._file.truncate()
            self._file.write(json.dumps({"run": self.run, "job_id": job_id}) + "\n")
            self._file.flush()


@contextmanager
def claim_request(
    folder: Path, request: Mapping[str, Any], service: str, run: str, *, what: str = "the same request"
) -> Iterator[Claim]:
    """Hold the claim on a request while the body runs.

    Parameters
    ----------
    folder : Path
        The target's folder.
    request : mapping
        The request's body, without the account.
    service : str
        Where it goes: host and port.
    run : str
        Who asks, in words.
    what : str, optional
        What is claimed, in words.

    Raises
    ------
    JobInProgress
        Another run has it.
    UKSSDCError
        The folder cannot be written.
    """
    import fcntl  # noqa: PLC0415 - POSIX only; the rest of the package is not

    text = json.dumps([service, request], sort_keys=True, default=str)
    path = folder / f".claim-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_progress(path, what) from None
    except OSError as error:
        raise write_error(path, error) from None
    with file:
        try:
            yield Claim(file, run)
        finally:
            with suppress(OSError):
                path.unlink()


def _locked(path: Path, operation: int) -> IO[str]:
    import fcntl  # noqa: PLC0415 - as above

    while True:
        file = path.open("a+", encoding="utf-8")  # a: what its holder has written stays
        try:
            fcntl.flock(file, operation)
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # its last holder has removed it meanwhile


def _in_progress(path: Path, what: str) -> JobInProgress:
    run, job_id = "another run", None
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text("utf-8"))
        run, job_id = str(found["run"]), found["job_id"]
    return JobInProgress(run, job_id, what=what)

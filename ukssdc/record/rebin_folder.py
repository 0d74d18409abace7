"""A rebinning's folder, in that of its job: the light curve's files, and `rebin.json`, which says what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ValidationError

from ukssdc.rebin import Rebin
from ukssdc.record.files import write_error, write_whole
from ukssdc.record.folders import JobFolder
from ukssdc.times import utcnow

NAME: Final = "rebin.json"
MAX_AGE = timedelta(days=1)  # of a rebinning that is taken up: it takes minutes


class RebinRecord(BaseModel):
    """What is known of a rebinning.

    Attributes
    ----------
    version : int
        Of this format.
    rebin : Rebin
    outcome : str or None
        "downloaded", "failed", "cancelled" or "timed_out"; None while a run follows it, or where one was killed.
    at : datetime
        When that was written, UTC.
    """

    version: Literal[1] = 1
    rebin: Rebin
    outcome: str | None = None
    at: AwareDatetime


@dataclass(frozen=True)
class RebinFolder:
    """A rebinning's folder: `{job's folder}/rebin-{number}/`.

    Attributes
    ----------
    path : Path
    rebin : Rebin
    """

    path: Path
    rebin: Rebin

    @classmethod
    def of(cls, job_folder: JobFolder, rebin: Rebin) -> RebinFolder:
        """Return a rebinning's folder, whether or not it is there yet."""
        return cls(job_folder.path / f"rebin-{rebin.rebin_id}", rebin)

    @classmethod
    def find_unfinished(
        cls, job_folder: JobFolder, parameters: Mapping[str, Any], number: int | None = None
    ) -> RebinFolder | None:
        """Find what an earlier run has asked for, with the same parameters, and not seen the end of.

        Parameters
        ----------
        job_folder : JobFolder
        parameters : mapping
            As of `Rebin`.
        number : int, optional
            That of the rebinning; without it, the newest is found.
        """
        found = []
        for path in job_folder.path.glob(f"rebin-*/{NAME}"):
            with suppress(OSError, ValidationError):
                record = RebinRecord.model_validate_json(path.read_bytes())
                rebin, since = record.rebin, record.rebin.submitted
                same = rebin.parameters == parameters and rebin.job.url == job_folder.job.url
                recent = since is not None and utcnow() - since < MAX_AGE
                wanted = number is None or rebin.rebin_id == number
                if same and recent and wanted and record.outcome in {None, "timed_out"}:
                    found.append(cls(path.parent, rebin))
        return max(found, key=lambda folder: folder.rebin.rebin_id, default=None)

    def note_outcome(self, outcome: str | None) -> None:
        """Put on record what became of it, None for nothing yet.

        Raises
        ------
        UKSSDCError
            The folder cannot be written.
        """
        record = RebinRecord(rebin=self.rebin, outcome=outcome, at=utcnow())
        self.write(NAME, record.model_dump_json(indent=1) + "\n")

    def write(self, name: str, text: str) -> str:
        """Write a file whole, and return its SHA-256; errors as for `note_outcome`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(self.path / name, text)
        except OSError as error:
            raise write_error(self.path, error) from None
        return hashlib.sha256(text.encode()).hexdigest()

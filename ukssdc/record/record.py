"""job.json: what is known of a job, written as things happen and never half-written."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from ukssdc.errors import UKSSDCError
from ukssdc.job import Job
from ukssdc.record.files import read_error, write_whole
from ukssdc.status import Action, Product, action_for

if TYPE_CHECKING:
    from pathlib import Path

NAME = "job.json"
VERSION: Final = 1


class RecordedStatus(BaseModel):
    """A product's status, from `at` (UTC) on."""

    at: AwareDatetime
    product: Product
    code: int
    text: str


class RecordedFile(BaseModel):
    """A file that has arrived whole: name in the folder, size in bytes, check sum, and where it is published."""

    name: str
    bytes: int
    sha256: str
    at: AwareDatetime
    published: str | None = None


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
    ended : bool or None
        Whether a run has brought the job to its end, quick look and reports included; None in a record of version
        0.1.0, which is judged by its outcomes alone.
    gone : bool
        Whether the service has removed the job.
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
    ended: bool | None = None
    gone: bool = False
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
        except OSError as error:
            raise read_error(path, error) from None
        except ValidationError:
            raise UKSSDCError(
                f"cannot read {path}: it is not a record of this version. Move it away, or choose another destination"
            ) from None

    def save(self, directory: Path) -> None:
        """Write the record whole: beside its place first, then renamed into it."""
        write_whole(directory / NAME, self.model_dump_json(indent=2) + "\n")

    def note_status(self, product: Product, code: int, text: str, at: datetime) -> bool:
        """Add a status to the history if it is a change; return whether it was."""
        last = next((s for s in reversed(self.history) if s.product == product), None)
        if last is not None and (last.code, last.text) == (code, text):
            return False
        self.history.append(RecordedStatus(at=at, product=product, code=code, text=text))
        return True

    @property
    def finished(self) -> bool:
        """True where nothing is left to wait for, to fetch or to show."""
        return self.gone or (self.all_ended and self.ended is not False)

    @property
    def was_complete(self) -> bool:
        """True where every product has been seen complete, or ended otherwise."""
        last = {s.product: s.code for s in self.history}
        return all(action_for(last.get(p)).is_final for p in self.products)

    @property
    def all_ended(self) -> bool:
        """True where every product has come to its end: nothing is left to wait for or to fetch."""
        last = {s.product: s.code for s in self.history}
        return all(
            self.outcomes.get(p) in {"downloaded", "cancelled"}
            or (self.outcomes.get(p) == "failed" and action_for(last.get(p)) is not Action.DOWNLOAD)
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

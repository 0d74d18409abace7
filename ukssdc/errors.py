"""What can go wrong, as one small tree.

::

    UKSSDCError
    ├── TransportError          no answer, or a gateway's: it may pass
    ├── ServiceError            the service understood and said no
    │   └── SubmissionRefused   ... to a submission: there is no job
    ├── ProtocolError           an answer that cannot be read
    │   └── ResultTooLarge      ... a result that is more than is read
    ├── JobGone                 the service has removed the job
    ├── NoSlot                  as many jobs are active as may be; nothing has been submitted
    ├── JobInProgress           another run follows the job of the same request
    ├── DownloadError           an archive that did not arrive whole
    │   └── ExtractionError     the archive is on disk, but was not unpacked
    ├── PublishError            what is on disk could not be copied to the place where it is published
    ├── InvalidRequest          the request is wrong; nothing has been sent
    ├── InvalidCampaign         rows of a table of targets are wrong; nothing has been sent
    ├── InvalidOptions          the options are wrong; nothing has been sent (also a ValueError)
    ├── AmbiguousJobs           which job a submission without an answer has made cannot be told yet
    └── in xrt_products.tasks:
        ├── PrefectUnavailable  the Prefect server could not be asked (account.py)
        ├── RetriesExhausted    what may pass has not passed in time (retry.py)
        ├── RunCancelled        the run was cancelled in Prefect (cancellation.py)
        └── Interrupted         the run was interrupted in the middle of this (retry.py)

`ProductsFailed` (outcomes.py) is not among them: it is a run's answer, and holds its report. A caller catches by what
can be done about it; `UKSSDCError.retryable` tells whether trying again makes sense, `refusal` whether the service, or
what stands before it, did answer and would not do it, and `retry_after` how long it asks to wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ukssdc.job import Job


class UKSSDCError(Exception):
    """Base of all errors of this package.

    Attributes
    ----------
    retryable : bool
        True where it may pass, so that trying again makes sense.
    refusal : bool
        True where there was an answer and it was no: `OK: 0`, an HTTP status of 4xx, JSON that is no answer. To a first
        call that is final; in the middle of a day of polls it is most likely trouble of the service's own.
    retry_after : float or None
        How long the service asks to wait before the next call, s from when the error was raised.
    disk_full : bool
        True where there was no room for a file: it passes when somebody makes some.
    """

    retryable: bool = False
    refusal: bool = False
    retry_after: float | None = None
    disk_full: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Let an error travel between processes whatever its constructor takes: Prefect pickles what it stores."""
        return revive, (type(self), self.args, self.__dict__)


def revive(kind: type[UKSSDCError], args: tuple[Any, ...], state: dict[str, Any]) -> UKSSDCError:
    """Make an error of what is known of it, without its constructor."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class TransportError(UKSSDCError):
    """No usable answer: a time-out, a refused or dropped connection, an HTTP error status.

    Parameters
    ----------
    message : str
        What happened, why, and what to do next.
    url : str
        The address that was called.
    status_code : int, optional
        The HTTP status, where there was an answer at all.
    sent : bool
        False only where the call certainly never reached the service (connection refused, name not found).
    retry_after : float, optional
        How long the service asks to wait, s.
    reason : str, optional
        What happened alone, in a few words: "it refused the connection".
    """

    def __init__(
        self,
        message: str,
        *,
        url: str,
        status_code: int | None = None,
        sent: bool = True,
        retry_after: float | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after
        self.url = url
        self.status_code = status_code
        self.sent = sent
        # A gateway in front of a restarting service answers 404 as well (protocol, section 1), or leads elsewhere.
        self.retryable = (
            status_code is None or status_code >= 500 or status_code // 100 == 3 or status_code in {404, 408, 425, 429}  # noqa: PLR2004
        )
        self.refusal = not self.retryable


class ServiceError(UKSSDCError):
    """The service answered `OK: 0`.

    Parameters
    ----------
    call : str
        What was asked, in words: "submit the request".
    errors : sequence of str
        Everything the service said, in the user's parameter names.
    names_parameters : bool
        True where it said what is wrong with which parameter (`listErr`): time changes nothing about that.
    """

    refusal = True

    def __init__(self, call: str, errors: Sequence[str], *, names_parameters: bool = False) -> None:
        self.call = call
        self.errors = tuple(errors)
        self.names_parameters = names_parameters
        text = "; ".join(self.errors) if len(self.errors) < 3 else "".join(f"\n  - {e}" for e in self.errors)  # noqa: PLR2004
        super().__init__(f"the service refused to {call}: {text}")


class SubmissionRefused(ServiceError):  # noqa: N818 - what happened
    """The service refused a submission: there is no job of it."""


class ProtocolError(UKSSDCError):
    """An answer that cannot be read.

    Parameters
    ----------
    message : str
        What was expected.
    url : str
        The address that answered.
    start : str
        The start of what came instead.
    retryable : bool
        True where the body was no JSON at all, or about something else: most likely a gateway's, gone in a minute.
    """

    def __init__(self, message: str, *, url: str, start: str, retryable: bool = False) -> None:
        super().__init__(f"{message}; it begins with {start!r}")
        self.url = url
        self.start = start
        self.retryable = retryable
        self.refusal = not retryable


class ResultTooLarge(ProtocolError):  # noqa: N818 - what happened
    """A result is more than is read into memory: the service is well, and asking again brings the same."""

    def __init__(self, message: str, *, url: str, start: str) -> None:
        super().__init__(message, url=url, start=start)
        self.refusal = False


class DownloadError(UKSSDCError):
    """An archive that did not arrive whole, or could not be written; nothing has its final name.

    Parameters
    ----------
    message : str
        What happened, why, and what to do next.
    url : str
        Where the archive is.
    retryable : bool
        True where another try may succeed.
    corrupt : bool
        True where what came is not what should have come, or the next try cannot go on from it: only a few tries make
        sense.
    retry_after : float, optional
        How long the service asks to wait, s.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str,
        retryable: bool = False,
        corrupt: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.url = url
        self.retryable = retryable
        self.corrupt = corrupt
        self.retry_after = retry_after


class JobGone(UKSSDCError):  # noqa: N818 - what happened
    """The service has removed the job, or its products."""


class NoSlot(UKSSDCError):  # noqa: N818 - what happened
    """As many of the user's jobs are active as may be; nothing has been submitted.

    Parameters
    ----------
    message : str
    active : int
        How many are.
    retryable : bool
        True while a slot is being waited for.
    """

    def __init__(self, message: str, *, active: int, retryable: bool = True) -> None:
        super().__init__(message)
        self.active = active
        self.retryable = retryable


class JobInProgress(UKSSDCError):  # noqa: N818 - what happened
    """Another run that is still going has the same request and destination.

    Parameters
    ----------
    run : str
        Which, in words.
    job_id : int, optional
        Its job; None where it has not submitted it yet.
    what : str, optional
        What it has, in words.
    """

    def __init__(self, run: str, job_id: int | None = None, *, what: str = "the same request") -> None:
        state = "has not submitted it yet" if job_id is None else f"follows its job {job_id}"
        if what != "the same request":
            state = "has it"
        super().__init__(
            f"{what} is in progress for this destination: {run} {state}. Wait for it, cancel it, or choose another "
            "destination"
        )
        self.run = run
        self.job_id = job_id


class ExtractionError(DownloadError):
    """An archive that is on disk, verified, but was not unpacked: it is unsafe, too large, or there is no room."""


class PublishError(UKSSDCError):
    """What is on disk could not be copied to where it is published, or fetched back from there.

    Parameters
    ----------
    message : str
        What happened, why, and what to do next.
    url : str
        The file or folder there.
    retryable : bool
        True where another try may succeed.
    """

    def __init__(self, message: str, *, url: str, retryable: bool = False) -> None:
        super().__init__(message)
        self.url = url
        self.retryable = retryable


class AmbiguousJobs(UKSSDCError):  # noqa: N818 - what was found
    """Several jobs may be the one that a submission without an answer has made: none of them is followed yet.

    Parameters
    ----------
    name : str
        The target's name, as it was sent.
    jobs : sequence of Job
        As the service describes them.
    """

    retryable = True

    def __init__(self, name: str, jobs: Sequence[Job]) -> None:
        self.job_ids = tuple(job.job_id for job in jobs)
        found = ", ".join(f"{job.job_id} ({job.name})" for job in jobs)
        super().__init__(
            f"the service may hold {name} already, but changes names, and which job it is cannot be told: {found}. "
            "Looking again at the next interval; cancel the jobs that are not needed"
        )


class InvalidOptions(UKSSDCError, ValueError):  # noqa: N818 - as InvalidRequest
    """Options that would annoy the service or make no sense; nothing has been sent."""


class InvalidRequest(UKSSDCError):  # noqa: N818 - the public name; it says what it is
    """A request that the service would refuse, found before anything was sent.

    Parameters
    ----------
    problems : sequence of str
        All of them, each in the user's parameter names.
    source : str
        What holds the request: the name of a file, where it came from one.
    """

    def __init__(self, problems: Sequence[str], source: str = "the request") -> None:
        self.problems = tuple(problems)
        self.source = source
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{source} has {count}:" + "".join(f"\n  - {p}" for p in self.problems))

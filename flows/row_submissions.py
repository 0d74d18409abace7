"""The submissions of a campaign's rows: each made once only, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

from ukssdc import Job
from ukssdc.campaign.campaign_rows import Row
from ukssdc.errors import JobInProgress, UKSSDCError
from ukssdc.record import JobFolder, ProductsFolder
from ukssdc.slots import SubmissionSlot
from ukssdc.times import utcnow
from xrt_products.flows.follow import SOFTWARE
from xrt_products.flows.followed_job import on_record
from xrt_products.flows.options import FollowOptions
from xrt_products.flows.publish import publish_pending, resolve_submission
from xrt_products.tasks.flow_run import flow_run
from xrt_products.tasks.submit import REFUSED_TRIES, PriorSubmissions, submit_request


class RowSubmissions:
    """The submissions of a campaign's rows, each made once only.

    Parameters
    ----------
    products : ProductsFolder
    options : FollowOptions
    service : str
        Where the service is.
    slot : SubmissionSlot
    """

    def __init__(self, products: ProductsFolder, options: FollowOptions, service: str, slot: SubmissionSlot) -> None:
        self._products = products
        self._options = options
        self._service = service
        self._slot = slot
        self._jobs: dict[str, int] = {}  # how many jobs a row has had
        self._attempts: dict[str, _Attempts] = {}
        self._claims: dict[int, ExitStack] = {}

    def note_earlier(self, row: Row, jobs: int) -> None:
        """Take note of how many jobs earlier runs have made for a row."""
        self._jobs[row.key] = jobs

    def submit(self, row: Row, active: Sequence[Job]) -> JobFolder:
        """Submit a row; from before it is sent until its job is on record, the submission is in the journal."""
        run = flow_run()
        attempts = self._attempts.setdefault(row.key, _Attempts(self._options.max_wait))
        products = replace(self._products, target=row.folder)
        with ExitStack() as stack:
            claim = stack.enter_context(products.claim(row.name, row.body, self._service, f"the run {run.name!r}"))
            journal = products.journal(
                row.name, row.body, run=str(run.id), since=attempts.since, until=attempts.until, row=row.key
            )
            with journal as pending:
                if pending.earlier is not None:  # of this flow run's, before it was set going again
                    attempts.since = min(attempts.since, pending.earlier.since)
                repeated = attempts.count > 0 or pending.earlier is not None
                prior = PriorSubmissions(pending.orphaned, products, attempts.since, repeated)
                publish_pending(pending, self._options)
                attempts.count += 1
                submit = submit_request.with_options(retries=0)
                job = submit(
                    row.request,
                    self._options.account,
                    attempts.until,
                    prior,
                    self._slot,
                    active,
                    f"{row.key}-{self._jobs[row.key]}",
                )
                folder = products.folder_of(job)
                begun = on_record(lambda: folder.begin(row.body, SOFTWARE), self._options)
                resolve_submission(pending, begun, self._options)
            claim.note_job(job.job_id)
            self._claims[job.job_id] = stack.pop_all()
        self._jobs[row.key] += 1
        del self._attempts[row.key]
        return begun

    def may_be_tried_again(self, row: Row, error: UKSSDCError) -> bool:
        """Tell whether a submission that failed is to be tried again."""
        attempts = self._attempts[row.key]
        over = utcnow() >= attempts.until or (error.refusal and attempts.count >= REFUSED_TRIES)
        if over or not (error.retryable or isinstance(error, JobInProgress)):
            del self._attempts[row.key]
            return False
        return True

    def end(self, job_id: int) -> None:
        """Let others have the row's request."""
        if (claim := self._claims.pop(job_id, None)) is not None:
            claim.close()

    def close(self) -> None:
        """Let others have all of them."""
        for job_id in list(self._claims):
            self.end(job_id)


class _Attempts:
    """The attempts at a row's submission."""

    def __init__(self, max_wait: float) -> None:
        self.since = utcnow()
        self.until = self.since + timedelta(seconds=max_wait)
        self.count = 0

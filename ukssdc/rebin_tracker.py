"""Follow one rebinning from poll to poll, as a job is followed."""

from __future__ import annotations

from datetime import datetime

from ukssdc.client import Client
from ukssdc.errors import UKSSDCError
from ukssdc.limits import MAX_WAIT
from ukssdc.rebin import Rebin
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import JobStatus, Product
from ukssdc.tracker import NO_STATUS_POLLS, JobTracker

MAX_REFUSALS = 10  # in a row; the pauses grow, so that it takes some hours


class RebinTracker(JobTracker):
    """One rebinning, as it is polled: a job with nothing but a light curve.

    There is no list of rebinnings to say that one is gone. So one that the service refuses to tell of is given up after
    `MAX_REFUSALS`, or when the list of jobs says twice that its job is gone.

    Parameters
    ----------
    rebin : Rebin
    interval, start, max_wait, no_status_polls
        As for `JobTracker`.
    """

    def __init__(
        self,
        rebin: Rebin,
        *,
        interval: float = POLL_INTERVAL,
        start: datetime | None = None,
        max_wait: float = MAX_WAIT,
        no_status_polls: int = NO_STATUS_POLLS,
    ) -> None:
        super().__init__(
            rebin.as_job, interval=interval, start=start, max_wait=max_wait, no_status_polls=no_status_polls
        )
        self.rebin = rebin

    def poll_with(self, client: Client) -> None:
        """Make the call that is due; errors as for `poll`."""
        self.poll(lambda _: JobStatus({Product.LightCurve: client.rebin_status(self.rebin)}), client.jobs)

    def _may_pass(self, error: UKSSDCError) -> bool:
        return error.retryable or (super()._may_pass(error) and self._refusals < MAX_REFUSALS)

    @property
    def subject(self) -> str:
        """What is followed, in words."""
        return str(self.rebin)

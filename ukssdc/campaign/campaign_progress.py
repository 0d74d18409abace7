"""How far a campaign is: counts, rate and time left."""

from __future__ import annotations

from dataclasses import dataclass

from ukssdc.campaign.campaign_plan import format_duration

HOUR = 3600.0  # s
MIN_WHOLE = 10  # rows an hour from which no decimals are shown
MIN_ENDED = 3  # rows of this run from which a rate means something


@dataclass(frozen=True)
class CampaignProgress:
    """How far a campaign is.

    Attributes
    ----------
    total : int
        Rows.
    queued : int
        Rows that wait for their submission.
    active : int
        Jobs that the service has not ended.
    succeeded, failed : int
        Rows that came to their end, well or not; those of earlier runs as well.
    ended_here : int
        Rows that came to their end in this run.
    elapsed : float
        Time since this run began, s.
    """

    total: int
    queued: int
    active: int
    succeeded: int
    failed: int
    ended_here: int = 0
    elapsed: float = 0.0

    @property
    def percent(self) -> float:
        """Share of the rows that have come to their end, percent."""
        return 100.0 * (self.succeeded + self.failed) / self.total if self.total else 100.0

    @property
    def downloading(self) -> int:
        """Rows whose job has ended at the service, but whose downloads or quick look have not."""
        return max(0, self.total - self.succeeded - self.failed - self.active - self.queued)

    @property
    def rate(self) -> float | None:
        """Rows that end in an hour; None before there are enough to tell."""
        if self.ended_here < MIN_ENDED or self.elapsed <= 0:
            return None
        return self.ended_here / self.elapsed * HOUR

    @property
    def time_left(self) -> float | None:
        """Time that the rest takes at this rate, s; None before it can be told."""
        left = self.total - self.succeeded - self.failed
        return left / self.rate * HOUR if self.rate and left else None

    def __str__(self) -> str:
        parts = [
            f"{self.succeeded} of {self.total} done",
            *([f"{self.failed} failed"] if self.failed else []),
            f"{self.active} active",
            *([f"{self.downloading} downloading"] if self.downloading else []),
            f"{self.queued} queued",
        ]
        pace = [f"{self.rate:,.{0 if self.rate >= MIN_WHOLE else 1}f} an hour"] if self.rate else []
        pace += [f"{format_duration(self.time_left)} left"] if self.time_left else []
        return ", ".join(parts) + (f"; {', '.join(pace)}" if pace else "")

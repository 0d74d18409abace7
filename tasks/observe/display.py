"""Where a run shows itself beside the Prefect UI: nowhere, unless the command line has set a display.

It is a context variable because Prefect serialises the parameters of flows, and gives its tasks' threads a copy of the
context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from prefect import get_run_logger

from ukssdc import Job, JobStatus, Product

if TYPE_CHECKING:
    from ukssdc.campaign.campaign_progress import CampaignProgress


class Display(Protocol):
    """What shows a run; it is told from several threads, one per product and one for the job."""

    def status(self, job: Job, status: JobStatus) -> None:
        """Show where a job's products stand."""

    def retry(self, name: str, error: Exception, delay: float) -> None:
        """Show that a task run, of this name, waits for its next try, and why; s."""

    def download(self, product: Product, size: int, total: int | None) -> None:
        """Show how far a download is, bytes, and how far it goes where that is known."""

    def campaign(self, name: str, progress: CampaignProgress) -> None:
        """Show how far a campaign is, in the place of its jobs."""

    def outcome(self, product: Product, outcome: str) -> None:
        """Show a product's end."""


_display: ContextVar[Display | None] = ContextVar("display", default=None)


def has_display() -> bool:
    """Tell whether there is a display."""
    return _display.get() is not None


@contextmanager
def use_display(display: Display) -> Iterator[None]:
    """Have what runs inside shown on a display."""
    token = _display.set(display)
    try:
        yield
    finally:
        _display.reset(token)


def show(tell: Callable[[Display], None]) -> None:
    """Tell the display something, if there is one; one that fails is done without, for the rest of the task."""
    display = _display.get()
    if display is None:
        return
    try:
        tell(display)
    except Exception as error:  # noqa: BLE001 - whatever it is, the products matter more
        _display.set(None)
        get_run_logger().warning("Going on without the display in the terminal: %r", error)

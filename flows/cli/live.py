"""A flow's run in the terminal: the live table of `watch` with a bar per download, or a line for each change."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TimeRemainingColumn, TransferSpeedColumn
from rich.theme import Theme

from ukssdc import Job, JobStatus, Product
from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.texts import replace_controls
from ukssdc.times import clock
from xrt_products.flows.cli.campaign_view import CampaignView
from xrt_products.flows.cli.signals import at_forced_end
from xrt_products.flows.cli.waits import Waits, describe_poll, describe_problem
from xrt_products.flows.cli.watch import BAR, View
from xrt_products.tasks.observe.display import use_display
from xrt_products.tasks.poll import ProductsPending

REDRAWN_EVERY = 0.25  # s
POLL, SLOT = "poll", "slot"  # all jobs are polled, and the active ones counted, in one task


class RunDisplay:
    """What a run tells of itself, kept for who shows it: a `xrt_products.tasks.observe.display.Display`."""

    def __init__(self) -> None:
        self.waits = Waits()
        self.view: View | None = None
        self.campaign_view: CampaignView | None = None

    def status(self, job: Job, status: JobStatus) -> None:
        """Take note of where the products stand."""
        self.say(self.waits.end(POLL))
        if self.campaign_view is not None:
            return
        view = self.view or View(job)
        for line in view.update(status):
            self.say(line)
        self.view = view

    def campaign(self, name: str, progress: CampaignProgress) -> None:
        """Take note of how far a campaign is."""
        before, self.campaign_view = self.campaign_view, CampaignView(name, progress)
        if before is None or before.counts != self.campaign_view.counts:
            self.say(f"{name}: {progress}")

    def retry(self, name: str, error: Exception, delay: float) -> None:
        """Take note of what is waited for."""
        if not isinstance(error, ProductsPending):
            self.say(self.waits.note(name, describe_problem(error), clock() + delay))
            return
        for tracker in error.trackers:
            due = max(clock() + delay, tracker.next_poll)
            self.say(self.waits.note(POLL, describe_poll(tracker), due))
        if error.no_slot is not None:
            self.say(self.waits.note(SLOT, describe_problem(error.no_slot), clock() + delay))
        else:
            self.waits.end(SLOT)

    def download(self, product: Product, size: int, total: int | None) -> None:
        """Take note of how far a download is."""
        del size, total
        self.waits.end(f"download {product}")

    def outcome(self, product: Product, outcome: str) -> None:
        """Take note of a product's end."""
        del outcome
        self.waits.end(f"download {product}")

    def say(self, line: str | None) -> None:
        """Take a line that tells of a change."""


class PlainDisplay(RunDisplay):
    """Writes a line for each change, among the log lines."""

    def say(self, line: str | None) -> None:
        """Write a line."""
        if line is not None:
            sys.stderr.write(f"{datetime.now().astimezone():%H:%M:%S}  {replace_controls(line)}\n")


class LiveDisplay(RunDisplay):
    """The table, bars and the wait for the next look."""

    def __init__(self) -> None:
        super().__init__()
        self._downloads = Progress(
            "{task.description}",
            BarColumn(BAR),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            auto_refresh=False,  # it is drawn with the table
        )
        self._bars: dict[Product, TaskID] = {}

    def download(self, product: Product, size: int, total: int | None) -> None:
        """Move a download's bar; it stays through a pause before the next try, which goes on from there."""
        super().download(product, size, total)
        if self.campaign_view is not None:
            return  # there are too many
        if product not in self._bars:
            # What an earlier try has left is no part of the rate.
            self._bars[product] = self._downloads.add_task(product, completed=size, total=total)
        self._downloads.update(self._bars[product], completed=size, total=total)

    def outcome(self, product: Product, outcome: str) -> None:
        """Put a product's end into the table, and take its download's bar away."""
        super().outcome(product, outcome)
        if self.view is not None:
            self.view.outcomes[product] = outcome.replace("_", " ")
        if product in self._bars:
            self._downloads.remove_task(self._bars.pop(product))

    def __rich__(self) -> Group:
        return Group(
            *(view for view in (self.campaign_view, self.view) if view is not None),
            *([self._downloads] if self._bars else []),
            self.waits,
        )


@contextmanager
def live_display() -> Iterator[None]:
    """Show the flow that runs inside; where there is no terminal, by a line for each change."""
    handler = _log_handler()
    if handler is None:
        with use_display(PlainDisplay()):
            yield
        return
    display = LiveDisplay()
    with live_below_log(handler, display), use_display(display):
        yield


@contextmanager
def live_below_log(handler: PrefectConsoleHandler, display: RenderableType) -> Iterator[None]:
    """Keep a display below a handler's log lines, and take it away at the end.

    It is drawn under the handler's own lock. Rich's thread does not know of it: a log line that it overtakes moves
    the cursor up by the height that the display had before, and a part of the old one stays on the screen.
    """
    live = Live(display, console=handler.console, transient=True, auto_refresh=False)
    done = threading.Event()

    def redraw() -> None:
        while not done.wait(REDRAWN_EVERY):
            with _locked(handler):
                live.refresh()

    def take_away() -> None:
        done.set()
        with _locked(handler):
            live.update(Group())  # before its last frame, which would not be cut to the terminal's height
            live.stop()

    thread = threading.Thread(target=redraw, name="terminal", daemon=True)
    # Prefect's console knows the styles of its log lines only.
    with handler.console.use_theme(Theme()), at_forced_end(take_away):
        with _locked(handler):
            live.start()
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            take_away()


@contextmanager
def _locked(handler: logging.Handler) -> Iterator[None]:
    """Keep other threads' log lines waiting."""
    handler.acquire()
    try:
        yield
    finally:
        handler.release()


def _log_handler() -> PrefectConsoleHandler | None:
    """Return what writes Prefect's log lines, if they go to a terminal; its console keeps them above the table."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            real = handler.console.is_interactive and sys.stdout.isatty() and sys.stderr.isatty()
            return handler if real else None
    return None

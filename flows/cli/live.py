"""A flow's run in the terminal: the live table of `watch` with a bar per download, below Prefect's log lines."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text
from rich.theme import Theme

from ukssdc import Job, JobStatus, Product
from xrt_products.flows.cli.watch import BAR, View
from xrt_products.tasks.observe.display import use_display

REDRAWN_EVERY = 0.25  # s


class LiveDisplay:
    """What a terminal shows of a run: a `xrt_products.tasks.observe.display.Display`."""

    def __init__(self) -> None:
        self._view: View | None = None
        self._waiting = ""
        self._downloads = Progress(
            "{task.description}",
            BarColumn(BAR),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            auto_refresh=False,  # it is drawn with the table
        )
        self._bars: dict[Product, TaskID] = {}

    def status(self, job: Job, status: JobStatus) -> None:
        """Take note of where the products stand."""
        view = self._view or View(job)
        view.update(status)
        self._view = view

    def waiting(self, text: str) -> None:
        """Show what is being waited for before there is a job."""
        self._waiting = text

    def download(self, product: Product, size: int, total: int | None) -> None:
        """Move a download's bar; it stays through a pause before the next try, which goes on from there."""
        if product not in self._bars:
            # What an earlier try has left is no part of the rate.
            self._bars[product] = self._downloads.add_task(product, completed=size, total=total)
        self._downloads.update(self._bars[product], completed=size, total=total)

    def outcome(self, product: Product, outcome: str) -> None:
        """Put a product's end into the table, and take its download's bar away."""
        if self._view is not None:
            self._view.outcomes[product] = outcome.replace("_", " ")
        if product in self._bars:
            self._downloads.remove_task(self._bars.pop(product))

    def __rich__(self) -> Group:
        return Group(
            *([self._view] if self._view else [Text(self._waiting)] if self._waiting else []),
            *([self._downloads] if self._bars else []),
        )


@contextmanager
def live_display() -> Iterator[None]:
    """Show the flow that runs inside; where there is no terminal, its log lines are all there is to see."""
    handler = _log_handler()
    if handler is None:
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

    thread = threading.Thread(target=redraw, name="terminal", daemon=True)
    # Prefect's console knows the styles of its log lines only.
    with handler.console.use_theme(Theme()):
        with _locked(handler):
            live.start()
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            with _locked(handler):
                live.update(Group())  # before its last frame, which would not be cut to the terminal's height
                live.stop()


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

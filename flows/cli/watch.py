"""Watch a job from the terminal, without Prefect: a live table with a bar per product, or plain lines."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ukssdc import Client, Job, JobStatus, Product, UKSSDCError
from ukssdc.limits import MAX_WAIT, validate_limits
from ukssdc.product_progress import ProductProgress, product_progress
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action
from ukssdc.texts import replace_controls
from ukssdc.tracker import JobTracker
from xrt_products.flows.cli.streams import EXIT_PIPE_CLOSED, pipe_is_closed

BAR = 16  # columns
ECHO = 3  # columns for the terminal's own ^C, which would wrap behind a full line and shift the table
WIDE = 110  # columns; in fewer there is no room for the whole table


@dataclass
class View:
    """What has been seen of a job so far.

    Attributes
    ----------
    job : Job
    progress : dict
        Product -> how far it is.
    poll_error : str
        Why the last poll failed; empty where it did not.
    outcomes : dict
        Product -> what became of it, where it is more than watched.
    """

    job: Job
    progress: dict[Product, ProductProgress] = field(default_factory=dict)
    poll_error: str = ""
    outcomes: dict[Product, str] = field(default_factory=dict)

    def update(self, status: JobStatus) -> list[str]:
        """Take an answer; return a line for each product that has changed."""
        self.poll_error = ""
        lines, progress = [], dict(self.progress)
        for name, state in status.items():
            product = Product(name)
            before = self.progress.get(product)
            new = product_progress(state, before.percent if before else 0)
            if before is None or _comparable(before) != _comparable(new):
                lines.append(_line(product, new))
            progress[product] = new
        self.progress = progress  # at once, because another thread may be drawing
        return lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the live table, no wider than the terminal; what the service says is text and not markup."""
        table = Table(
            title=Text(f"{replace_controls(self.job.name)}, job {self.job.job_id}"),
            caption=Text(self.poll_error or self.job.url),
            title_justify="left",
            caption_justify="left",
        )
        headings = ("Product", "Done", "", "Status", "Step", "Running for", "Next")
        shown = headings if options.max_width >= WIDE else headings[:5]
        for heading in shown:
            table.add_column(heading, no_wrap=heading not in {"Status", "Step", "Next"})
        for product, s in self.progress.items():
            bar = ProgressBar(100, s.percent, width=BAR)
            step, after = (self.outcomes[product], "") if product in self.outcomes else (s.step, s.next)
            cells = (product, f"{s.percent} %", bar, Text(s.status), _one_line(step), Text(s.running), _one_line(after))
            table.add_row(*cells[: len(shown)])
        yield Constrain(table, options.max_width - ECHO)


def watch_job(client: Client, job: Job, *, interval: float = POLL_INTERVAL, console: Console | None = None) -> int:
    """Show the state of a job until all its products have ended.

    Parameters
    ----------
    client : Client
    job : Job
    interval : float, optional
        Time between two polls, s; 60 or more, except against an emulator on this machine.
    console : Console, optional
        By default stdout. Where it is no terminal, there is a plain line per change in place of the table.

    Returns
    -------
    int
        0, or 1 where a product failed; 141 where nobody reads the lines any more.

    Raises
    ------
    InvalidOptions
        For an interval that would annoy the service.
    UKSSDCError
        For what is not retryable.
    """
    validate_limits(interval=interval, max_wait=MAX_WAIT, base_url=client.base_url, name=lambda name: f"--{name}")
    console = console or Console()
    tracker, view = JobTracker(job, interval=interval), View(job)
    if not console.is_terminal:
        _poll(client, tracker, view, console)
    else:
        with Live(view, console=console, refresh_per_second=4):
            _poll(client, tracker, view, None)
    if not tracker.complete:
        return EXIT_PIPE_CLOSED
    good = {Action.DOWNLOAD, Action.CANCELLED}
    return 0 if all(tracker.action(product) in good for product in job.products) else 1


def _poll(client: Client, tracker: JobTracker, view: View, plain: Console | None) -> None:
    """Poll until the end; where there is no live table, print what has changed, as long as somebody reads it."""
    while True:
        lines = _ask(client, tracker, view)
        for line in lines:
            if plain is not None:
                plain.print(Text(line), soft_wrap=True)
        if tracker.complete or (plain is not None and pipe_is_closed(plain.file)):
            return
        time.sleep(tracker.interval)


def _ask(client: Client, tracker: JobTracker, view: View) -> list[str]:
    """Make one status call; what may pass is no reason to stop."""
    try:
        tracker.poll(lambda _: client.status(tracker.job), client.jobs)
    except UKSSDCError as error:
        if tracker.poll_failed:
            raise
        view.poll_error = f"{error}. Asked again at the next poll"
        return [view.poll_error]
    return view.update(tracker.status)


def _comparable(s: ProductProgress) -> tuple[object, ...]:
    """Return all but the time running, which alone is no news."""
    return s.percent, s.status, s.step, s.next


def _one_line(text: str) -> Text:
    """Keep a text from wrapping: a table that grows and shrinks with its steps is hard to read."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _line(product: Product, s: ProductProgress) -> str:
    parts = (
        f"{product}: {s.percent} %",
        s.status,
        s.step,
        f"running for {s.running}" if s.running else "",
        f"next: {s.next}" if s.next else "",
    )
    return ", ".join(part for part in parts if part)

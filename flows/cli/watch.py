"""Watch a job from the terminal, without Prefect: a live table with a bar per product, or plain lines."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from ukssdc import Client, Job, JobStatus, Product, UKSSDCError
from ukssdc.limits import MAX_WAIT, validate_limits
from ukssdc.product_progress import ProductProgress, product_progress
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action
from ukssdc.texts import replace_controls
from ukssdc.times import clock
from ukssdc.tracker import JobTracker
from xrt_products.flows.cli.output import make_table
from xrt_products.flows.cli.streams import EXIT_PIPE_CLOSED, pipe_is_closed
from xrt_products.flows.cli.waits import Waits, describe_poll

BAR = 12  # columns
ECHO = 3  # columns for the terminal's own ^C, which would wrap behind a full line and shift the table
WIDE = 110  # columns; in fewer there is no room for the whole table
WIDE_HEADINGS = ("Product", "Done", "", "Status", "Step", "Running for", "Next")
HEADINGS = ("Product", "Done", "Status")
WHOLE = frozenset({"Product", "Done", "", "Running for"})


@dataclass
class View:
    """What has been seen of a job so far.

    Attributes
    ----------
    job : Job
    progress : dict
        Product -> how far it is.
    outcomes : dict
        Product -> what became of it, where it is more than watched.
    """

    job: Job
    progress: dict[Product, ProductProgress] = field(default_factory=dict)
    outcomes: dict[Product, str] = field(default_factory=dict)

    def update(self, status: JobStatus) -> list[str]:
        """Take an answer; return a line for each product that has changed."""
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
        wide = options.max_width >= WIDE
        rows = [self._cells(product, s, wide=wide) for product, s in self.progress.items()]
        table = make_table(WIDE_HEADINGS if wide else HEADINGS, rows, WHOLE)
        yield Text(replace_controls(f"{self.job.name}, job {self.job.job_id}"), style="italic")
        yield Constrain(table, options.max_width - ECHO)
        yield Text(replace_controls(self.job.url), style="dim italic", no_wrap=True, overflow="fold")

    def _cells(self, product: Product, s: ProductProgress, *, wide: bool) -> tuple[RenderableType, ...]:
        step, after = (self.outcomes[product], "") if product in self.outcomes else (s.step, s.next)
        done = f"{s.percent} %"
        if not wide:
            return product, done, Text(step or s.status)
        bar = ProgressBar(100, s.percent, width=BAR)
        return product, done, bar, Text(s.status), Text(step), Text(s.running), Text(after)


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
    tracker, view, waits = JobTracker(job, interval=interval), View(job), Waits()
    if not console.is_terminal:
        _poll(client, tracker, view, waits, console)
    else:
        with Live(Group(view, waits), console=console, refresh_per_second=4) as live:
            _poll(client, tracker, view, waits, None)
            live.update(view)
    if not tracker.complete:
        return EXIT_PIPE_CLOSED
    console.print(Text(_what_next(tracker)), soft_wrap=True)
    good = {Action.DOWNLOAD, Action.CANCELLED}
    return 0 if all(tracker.action(product) in good for product in job.products) else 1


def _what_next(tracker: JobTracker) -> str:
    """Say what can be done with a job that is over."""
    by_action: dict[Action, list[str]] = {}
    for product in tracker.job.products:
        by_action.setdefault(tracker.action(product), []).append(product)
    collect = f"xrt-products collect {tracker.job.job_id}"
    complete = by_action.pop(Action.DOWNLOAD, [])
    cancelled = by_action.pop(Action.CANCELLED, [])
    failed = [product for products in by_action.values() for product in products]
    return "\n".join(
        filter(
            None,
            (
                f"Complete: {', '.join(complete)}. Download with: {collect}" if complete else "",
                f"Cancelled: {', '.join(cancelled)}" if cancelled else "",
                f"Failed: {', '.join(failed)}. A report that says what to do: {collect}" if failed else "",
            ),
        )
    )


def _poll(client: Client, tracker: JobTracker, view: View, waits: Waits, plain: Console | None) -> None:
    """Poll until the end; where there is no live table, print what has changed, as long as somebody reads it."""
    while True:
        lines = _ask(client, tracker, view)
        problem = waits.note("", describe_poll(tracker), tracker.next_poll)
        for line in filter(None, [problem, *lines]):
            if plain is not None:
                plain.print(Text(line), soft_wrap=True)
        if tracker.complete or (plain is not None and pipe_is_closed(plain.file)):
            return
        time.sleep(max(tracker.next_poll - clock(), 0.0))


def _ask(client: Client, tracker: JobTracker, view: View) -> list[str]:
    """Make one status call; what may pass is no reason to stop."""
    try:
        tracker.poll(lambda _: client.status(tracker.job), client.jobs)
    except UKSSDCError:
        if tracker.poll_failed:
            raise
        return []
    return view.update(tracker.status)


def _comparable(s: ProductProgress) -> tuple[object, ...]:
    """Return all but the time running, which alone is no news."""
    return s.percent, s.status, s.step, s.next


def _line(product: Product, s: ProductProgress) -> str:
    parts = (
        f"{product}: {s.percent} %",
        s.status,
        s.step,
        f"running for {s.running}" if s.running else "",
        f"next: {s.next}" if s.next else "",
    )
    return ", ".join(part for part in parts if part)

"""Watch a job from the terminal, without Prefect: a live table with a bar per product, or plain lines."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.constrain import Constrain
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ukssdc import Client, Job, JobStatus, Product, StatusCode, UKSSDCError
from ukssdc.limits import is_loopback
from ukssdc.progress import ProductProgress, product_progress

INTERVAL = 60.0  # s; the service asks not to be polled more often (protocol, section 1)
NO_STATUS_POLLS = 3  # as for the flows
BAR = 16  # columns
ECHO = 3  # columns for the terminal's own ^C, which would wrap behind a full line and shift the table
WIDE = 110  # columns; in fewer there is no room for the whole table


@dataclass
class View:
    """What has been seen of a job so far.

    Attributes
    ----------
    job : Job
    standings : dict
        Product -> where it stands.
    trouble : str
        Why the last poll failed; empty where it did not.
    outcomes : dict
        Product -> what became of it, where it is more than watched.
    """

    job: Job
    standings: dict[Product, ProductProgress] = field(default_factory=dict)
    poll_error: str = ""
    outcomes: dict[Product, str] = field(default_factory=dict)
    _without_status: Counter[Product] = field(default_factory=Counter)
    _status: JobStatus | None = None

    def update(self, status: JobStatus) -> list[str]:
        """Take note of an answer; return a line for each product that has changed."""
        self._status, self.poll_error = status, ""
        lines, seen = [], dict(self.standings)
        for name, state in status.items():
            product = Product(name)
            missing = state.status_code == StatusCode.NO_STATUS
            self._without_status[product] = self._without_status[product] + 1 if missing else 0
            before = self.standings.get(product)
            new = product_progress(state, before.percent if before else 0)
            if before is None or _comparable(before) != _comparable(new):
                lines.append(_line(product, new))
            seen[product] = new
        self.standings = seen  # at once, because another thread may be drawing
        return lines

    @property
    def lost(self) -> set[Product]:
        """The products that have had no status for the last `NO_STATUS_POLLS` polls, or more."""
        return {product for product, polls in self._without_status.items() if polls >= NO_STATUS_POLLS}

    @property
    def complete(self) -> bool:
        """True when all products have ended, or are lost."""
        return self._status is not None and set(self._status.pending) <= self.lost

    @property
    def failed(self) -> tuple[Product, ...]:
        """The products that will not come; those that the user cancelled are no failures."""
        good = {StatusCode.COMPLETE, StatusCode.CANCELLED}
        return tuple(Product(p) for p, s in (self._status or {}).items() if s.status_code not in good)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the live table, no wider than the terminal; what the service says is text and not markup."""
        table = Table(
            title=Text(f"{self.job.name}, job {self.job.job_id}"),
            caption=Text(self.poll_error or self.job.url),
            title_justify="left",
            caption_justify="left",
        )
        headings = ("Product", "Done", "", "Status", "Step", "Running for", "Next")
        shown = headings if options.max_width >= WIDE else headings[:5]
        for heading in shown:
            table.add_column(heading, no_wrap=heading not in {"Status", "Step", "Next"})
        for product, s in self.standings.items():
            bar = ProgressBar(100, s.percent, width=BAR)
            step, after = (self.outcomes[product], "") if product in self.outcomes else (s.step, s.next)
            cells = (product, f"{s.percent} %", bar, Text(s.status), _one_line(step), Text(s.running), _one_line(after))
            table.add_row(*cells[: len(shown)])
        yield Constrain(table, options.max_width - ECHO)


def watch_job(client: Client, job: Job, *, interval: float = INTERVAL, console: Console | None = None) -> int:
    """Show where a job stands until all its products have ended.

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
        0, or 1 where a product failed.

    Raises
    ------
    ValueError
        For an interval that would annoy the service.
    UKSSDCError
        For what time cannot mend.
    """
    if interval < INTERVAL and not (interval > 0 and is_loopback(client.base_url)):
        raise ValueError(
            f"--interval {interval:g} s is too short: the service asks not to be polled more than once a minute"
        )
    console = console or Console()
    view = View(job)
    if not console.is_terminal:
        _poll(client, view, interval, console)
    else:
        with Live(view, console=console, refresh_per_second=4):
            _poll(client, view, interval, None)
    return 1 if view.failed else 0


def _poll(client: Client, view: View, interval: float, plain: Console | None) -> None:
    """Poll until the end; where there is no live table, print what has changed."""
    while True:
        lines = _ask(client, view)
        for line in lines:
            if plain is not None:
                plain.print(Text(line), soft_wrap=True)
        if view.complete:
            return
        time.sleep(interval)


def _ask(client: Client, view: View) -> list[str]:
    """Make one status call; what may pass is no reason to stop."""
    try:
        return view.update(client.status(view.job))
    except UKSSDCError as error:
        if not error.retryable:
            raise
        view.poll_error = f"{error}. Asked again at the next poll"
        return [view.poll_error]


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

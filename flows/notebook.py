"""A flow's run in a notebook: one table below the cell, drawn anew with each change."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from rich.filesize import decimal

from ukssdc import Job, JobStatus, Product
from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.notebook import Html, html_block, html_table
from ukssdc.product_progress import ProductProgress, product_progress
from ukssdc.texts import shorten
from ukssdc.times import clock
from xrt_products.tasks.observe.display import has_display, use_display
from xrt_products.tasks.poll import ProductsPending

HEADINGS = ("Product", "Done", "", "Status", "Step")
REDRAWN_EVERY = 0.25  # s, while something is downloaded
MAX_PROBLEM = 100  # characters


class NotebookDisplay:
    """What a run tells of itself, as an object that a notebook shows: a `xrt_products.tasks.observe.display.Display`.

    It is told from several threads, and drawn by whichever has news.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._title = ""
        self._progress: dict[Product, ProductProgress] = {}
        self._notes: dict[Product, str] = {}  # what became of it, or how far its download is
        self._wait = ""
        self._campaign: CampaignProgress | None = None
        self._handle: Any = None
        self._next_draw = 0.0

    def status(self, job: Job, status: JobStatus) -> None:
        """Show where the products stand."""
        with self._lock:
            self._wait = ""
            if self._campaign is not None:  # it is shown in the place of its jobs
                return
            self._title = f"{job.name}, job {job.job_id}"
            for name, state in status.items():
                before = self._progress.get(Product(name))
                self._progress[Product(name)] = product_progress(state, before.percent if before else 0)
            self._draw()

    def campaign(self, name: str, progress: CampaignProgress) -> None:
        """Show how far a campaign is."""
        with self._lock:
            self._title, self._campaign = name, progress
            self._draw()

    def retry(self, name: str, error: Exception, delay: float) -> None:
        """Show what is waited for, and until when."""
        reason: Exception | None = error
        if isinstance(error, ProductsPending):
            name, reason = "submission", error.no_slot
        problem = f"{name}: {shorten(str(reason), MAX_PROBLEM)}; " if reason is not None else ""
        with self._lock:
            self._wait = f"{problem}next look at {datetime.now().astimezone() + timedelta(seconds=delay):%H:%M:%S}"
            self._draw()

    def download(self, product: Product, size: int, total: int | None) -> None:
        """Show how far a download is."""
        with self._lock:
            of = f" of {decimal(total)}" if total else ""
            self._notes[product] = f"downloading: {decimal(size)}{of}"
            if self._campaign is None and clock() >= self._next_draw:
                self._next_draw = clock() + REDRAWN_EVERY
                self._draw()

    def outcome(self, product: Product, outcome: str) -> None:
        """Show a product's end."""
        with self._lock:
            self._notes[product] = outcome.replace("_", " ")
            if self._campaign is None:
                self._draw()

    def _repr_html_(self) -> str:
        if self._campaign is not None:
            table = html_table(self._title, (), [(_bar(self._campaign.percent), str(self._campaign))])
        else:
            table = html_table(self._title, HEADINGS, [self._row(product) for product in self._progress])
        return table + html_block(self._wait)

    def __repr__(self) -> str:
        if self._campaign is not None:
            return f"{self._title}: {self._campaign}"
        rows = (f"{product} {self._notes.get(product) or state.status}" for product, state in self._progress.items())
        return f"{self._title}: {', '.join(rows)}"

    def _row(self, product: Product) -> tuple[str, ...]:
        state = self._progress[product]
        return (
            product.label,
            f"{state.percent} %",
            _bar(state.percent),
            state.status,
            self._notes.get(product) or state.step,
        )

    def _draw(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - it is there, because this runs in a notebook

        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)


def _bar(percent: float) -> Html:
    return Html(f'<progress max="100" value="{percent:.0f}"></progress>')


@contextmanager
def shown_in_notebook() -> Iterator[None]:
    """Show the run of a flow that was called in a notebook, unless something else shows it."""
    if has_display() or not in_notebook():
        yield
        return
    with use_display(NotebookDisplay()):
        yield


def in_notebook() -> bool:
    """Tell whether this is a notebook's kernel; IPython in a terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None

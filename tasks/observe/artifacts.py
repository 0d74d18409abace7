"""Live progress in the Prefect UI: a bar per product, and a page with a row per product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast
from uuid import UUID

from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort

from ukssdc import Job, JobStatus, Product
from ukssdc.markdown import escape, job_link, table
from ukssdc.product_progress import ProductProgress, product_progress
from ukssdc.times import utcnow
from xrt_products.tasks.observe.best_effort import best_effort

Row = tuple[str, ...]


class ProgressArtifacts:
    """What the Prefect UI shows of one job; it is written only where something has changed.

    It survives Prefect's retries of the poll; after the process has ended, the next one goes on from the bars that it
    finds in the UI.

    Parameters
    ----------
    job : Job
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._percent = dict.fromkeys(job.products, 0)  # how far each product is known to be
        self._progress: dict[Product, ProductProgress] = {}
        self._bars: dict[Product, tuple[UUID, int, str]] = {}  # what the UI shows
        self._page: UUID | None = None
        self._rows: list[Row] = []
        self._restored = False

    def update(self, status: JobStatus) -> None:
        """Bring the UI up to date; a Prefect server that is away costs the display and not the job."""
        for name, state in status.items():
            product = Product(name)
            self._progress[product] = product_progress(state, self._percent[product])
            self._percent[product] = self._progress[product].percent
        self._write({})

    def close(self, outcomes: Mapping[Product, str]) -> None:
        """Put the outcomes in the place of what comes next."""
        if self._progress:
            self._write(outcomes)

    def _write(self, outcomes: Mapping[Product, str]) -> None:
        with best_effort(f"show the progress of job {self.job.job_id}"):
            self._restore()
            for product, percent in self._percent.items():
                self._write_bar(product, percent, outcomes.get(product))
            self._write_page(outcomes)

    def _restore(self) -> None:
        """Go on from where the bars stood when an earlier process ended: they never go backwards."""
        if self._restored:
            return
        found = self._in_the_ui()
        self._restored = True
        page = found.get(self._page_key)
        if page is None or page.description != job_link(self.job):
            return  # of another service, such as an emulator, that gave the same number
        for product, percent in self._percent.items():
            bar = found.get(self._bar_key(product))
            if bar is not None and isinstance(bar.data, int | float):
                self._percent[product] = max(percent, int(bar.data))
        for product, seen in self._progress.items():
            self._progress[product] = replace(seen, percent=self._percent[product])

    def _in_the_ui(self) -> dict[str, Artifact]:
        """Return the newest artifact of each key; what is older than the job belongs to another one."""
        keys = [self._page_key, *map(self._bar_key, self.job.products)]
        with get_client(sync_client=True) as client:
            found = client.read_artifacts(
                artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=keys)), sort=ArtifactSort.CREATED_DESC
            )
        since = self.job.submitted
        return {str(a.key): a for a in reversed(found) if since is None or (a.created and a.created >= since)}

    @property
    def _page_key(self) -> str:
        return f"xrt-status-{self.job.job_id}"

    def _bar_key(self, product: Product) -> str:
        return f"progress-{self.job.job_id}-{product.wire.lower()}"

    def _write_bar(self, product: Product, percent: int, outcome: str | None) -> None:
        """Write a bar; one that stops short says why, or it would look like a build that goes on."""
        end = f" {_in_words(outcome)}:" if outcome else " of"  # early: the UI cuts a card's text off
        description = f"{product.label}{end} {escape(self.job.name)}, job {self.job.job_id}"
        if product not in self._bars:
            artifact = create_progress_artifact(percent, key=self._bar_key(product), description=description)
        elif self._bars[product][1:] != (percent, description):
            artifact = update_progress_artifact(self._bars[product][0], percent, description)
        else:
            return
        self._bars[product] = (cast("UUID", artifact), percent, description)  # sync here

    def _write_page(self, outcomes: Mapping[Product, str]) -> None:
        """Write the page where more has changed than the time running."""
        rows: list[Row] = [
            (p.label, f"{s.percent} %", s.status, s.step, _in_words(outcomes[p]) if p in outcomes else s.next)
            for p, s in self._progress.items()
        ]
        if rows == self._rows:
            return
        page = self._markdown(rows)
        if self._page is None:
            page_id = create_markdown_artifact(
                page,
                key=self._page_key,
                description=job_link(self.job),
            )
            self._page = cast("UUID", page_id)  # sync here
        else:
            with get_client(sync_client=True) as client:
                client.update_artifact(self._page, ArtifactUpdate(data=page))
        self._rows = rows

    def _markdown(self, rows: list[Row]) -> str:
        running = [s.running for s in self._progress.values()]
        lines = [
            (product, percent, status, step, time, after)
            for (product, percent, status, step, after), time in zip(rows, running, strict=True)
        ]
        headings = ("Product", "Done", "Status", "Step", "Running for", "Next")
        return (
            f"# {escape(self.job.name)}, job {self.job.job_id}\n\n"
            + table(headings, lines)
            + f"\nAs of {utcnow():%Y-%m-%d %H:%M:%S} UTC; written anew when something changes.\n"
        )


def _in_words(outcome: str) -> str:
    return outcome.replace("_", " ")

"""A campaign's results on disk, and in the Prefect UI one bar and one page for all of its targets."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate

from ukssdc.campaign import CampaignResults, Row, RowReport
from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.markdown import code_span, escape
from ukssdc.quicklook import MAX_ARTIFACT_SIZE
from ukssdc.service import POLL_INTERVAL
from ukssdc.times import clock
from xrt_products.tasks.observe.best_effort import best_effort
from xrt_products.tasks.observe.display import show

PAGE_INTERVAL = 10 * POLL_INTERVAL  # s between two versions of the page in the UI


class CampaignObserver:
    """Writes a campaign's results, and shows how far it is.

    Parameters
    ----------
    name : str
    directory : Path
        Where the results go.
    rows : sequence of Row
    units : mapping, optional
        Column -> unit.
    """

    def __init__(self, name: str, directory: Path, rows: Sequence[Row], units: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._results = CampaignResults(directory, name, rows, units)
        self._key = re.sub(r"[^a-z0-9]+", "-", f"campaign-{name.lower()}").strip("-")
        self._bar: UUID | None = None
        self._shown = -1.0  # percent
        self._page: UUID | None = None
        self._next_page = clock()
        self._notes: tuple[str, ...] = ()

    def note(self, row: Row, report: RowReport) -> None:
        """Take note of a row's end."""
        job = report.report
        with best_effort(f"take in the results of row {row.number}"):
            if job is None:
                self._results.note(row, problem=report.problem)
            else:
                self._results.note(row, job.job, job.outcomes, job.directory, report.problem or None)

    def show(self, progress: CampaignProgress) -> None:
        """Write the results, and show how far the campaign is."""
        self._write(always=False)
        show(lambda display: display.campaign(self.name, progress))
        if progress.percent != self._shown:
            with best_effort(f"show the progress of {self.name}"):
                self._show_bar(progress)
        if clock() >= self._next_page:
            self._show_page()

    def close(self) -> None:
        """Write all that is left."""
        self._write(always=True)
        self._show_page()

    def _write(self, *, always: bool) -> None:
        notes = self._results.write(always=always)
        for note in notes:
            if note not in self._notes:
                get_run_logger().warning("Results of %s: %s", self.name, note)
        self._notes = notes

    def _show_bar(self, progress: CampaignProgress) -> None:
        description = f"{escape(self.name)}: {progress.succeeded} of {progress.total} done"
        description += f", {progress.failed} failed" if progress.failed else ""
        if self._bar is None:
            bar = create_progress_artifact(progress.percent, key=f"{self._key}-progress", description=description)
            self._bar = cast("UUID", bar)  # sync here
        else:
            update_progress_artifact(self._bar, progress.percent, description)
        self._shown = progress.percent

    def _show_page(self) -> None:
        """Show the table and the picture; the picture is left out where the page would be too large."""
        self._next_page = clock() + PAGE_INTERVAL
        with best_effort(f"show the results of {self.name}"):
            folder = code_span(str(self._results.directory))
            text = f"# {escape(self.name)}\n\n{self._results.summary()}\nFiles: {folder}\n"
            if (png := self._results.picture()) is not None:
                picture = f"\n![{escape(self.name)}](data:image/png;base64,{base64.b64encode(png).decode()})\n"
                text += picture if len(text) + len(picture) < MAX_ARTIFACT_SIZE else ""
            if self._page is None:
                page = create_markdown_artifact(text, key=self._key, description=escape(self.name))
                self._page = cast("UUID", page)  # sync here
            else:
                with get_client(sync_client=True) as client:
                    client.update_artifact(self._page, ArtifactUpdate(data=text))

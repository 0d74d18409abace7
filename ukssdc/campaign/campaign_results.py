"""The results of a campaign as files: tables, one page, one picture; written as targets end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ukssdc.campaign.campaign_page import CampaignPage
from ukssdc.campaign.campaign_rows import Row
from ukssdc.campaign.result_tables import ResultTables
from ukssdc.campaign.target_result import DOWNLOADED, TargetResult
from ukssdc.job import Job
from ukssdc.markdown import table
from ukssdc.quicklook.output_files import MATPLOTLIB_MISSING
from ukssdc.record.files import write_whole
from ukssdc.results.formatting import NO_VALUE, format_count

SHARE = 0.02  # of the time that writing may take, for each kind of file
MAX_PICTURE = 600_000  # bytes
MAX_SUMMARY_ROWS = 50
MAX_SUMMARY_TEXT = 120  # characters of a problem
RESULT_FILES = CSV, ECSV, PAGE, PICTURE = "campaign.csv", "campaign.ecsv", "campaign.html", "campaign.png"


class CampaignResults:
    """The results of a campaign.

    A target's cells are made once, when it ends. The files are written whole, so a write costs as much as there are
    rows; with `write` after each target, each is written no more often than takes 2 % of the time, and at the end.
    `write` may be called from any thread.

    Parameters
    ----------
    directory : Path
        Where the files go.
    name : str
        The campaign's.
    rows : sequence of Row
        All of them: a table has a row for each, whether it has ended or not.
    units : mapping, optional
        Those of the input's columns.
    """

    def __init__(self, directory: Path, name: str, rows: Sequence[Row], units: Mapping[str, str] | None = None) -> None:
        self.directory, self.name = directory, name
        inputs = list(dict.fromkeys(column for row in rows for column in row.columns))
        self._tables = ResultTables(directory, inputs, units or {})
        self._page = CampaignPage(directory, name, rows, units or {})
        self._results: dict[str, TargetResult] = {}
        self._cells: dict[str, tuple[Any, ...]] = {}
        self._lines: dict[str, str] = {}
        self._picture: bytes | None = None
        self._writing = threading.Lock()
        self._next_write: dict[str, float] = {}  # file -> when it may be written again
        for row in rows:
            self._put(TargetResult(row))

    def note(
        self,
        row: Row,
        job: Job | None = None,
        outcomes: Mapping[Any, Any] | None = None,
        folder: Path | None = None,
        problem: str | None = None,
    ) -> TargetResult:
        """Take in what became of a target; the science is read from its job's folder.

        Parameters
        ----------
        row : Row
        job : Job, optional
            None where there was none, or where the folder's record tells.
        outcomes : mapping, optional
            Product -> outcome, or its name ("downloaded"); by default as the folder's record has them. Without any, a
            target with a job is active.
        folder : Path, optional
            The job's folder.
        problem : str, optional
            Why there is no job, or what else went wrong.
        """
        result = TargetResult.read(row, job, outcomes, folder, problem)
        self._put(result)
        return result

    def write(self, *, always: bool = False) -> tuple[str, ...]:
        """Write the files, each whole, as far as their share of the time allows; all of them with `always`.

        Returns
        -------
        tuple of str
            What could not be written, in words: a campaign does not end for it.
        """
        if not self._writing.acquire(blocking=always):
            return ()  # another thread is at it
        try:
            return self._write_all(always=always)
        finally:
            self._writing.release()

    def _write_all(self, *, always: bool) -> tuple[str, ...]:
        notes: list[str] = []
        self._write_file(CSV, self._csv, notes, always=always)
        self._write_file(ECSV, self._ecsv, notes, always=always)
        self._write_file(PICTURE, self._png, notes, always=always)  # before the page, which shows it
        self._write_file(PAGE, self._html, notes, always=always)
        return tuple(notes)

    def _write_file(self, name: str, make: Callable[[], str | bytes | None], notes: list[str], *, always: bool) -> None:
        began = time.monotonic()
        if began < self._next_write.get(name, 0.0) and not always:
            return
        try:
            content = make()
            if content is not None:
                self.directory.mkdir(parents=True, exist_ok=True)
                write_whole(self.directory / name, content)
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a note
            notes.append(f"could not write {name}: {error or type(error).__name__}")
        ended = time.monotonic()
        self._next_write[name] = ended + (ended - began) / SHARE

    @property
    def results(self) -> tuple[TargetResult, ...]:
        """What became of each target, in the order of the rows."""
        return tuple(self._results.values())

    def counts(self) -> dict[str, int]:
        """Return how many targets have come to which outcome."""
        return dict(Counter(result.outcome for result in self._results.values()).most_common())

    def picture(self) -> bytes | None:
        """Return the picture as it was last drawn, PNG."""
        return self._picture

    def summary(self, max_rows: int = MAX_SUMMARY_ROWS) -> str:
        """Return the results as a table in Markdown, failures first, of `max_rows` targets at most that have ended."""
        ended = [result for result in self._results.values() if result.is_over]
        ended.sort(key=lambda result: (not result.failed, result.outcome == DOWNLOADED, result.row.number))
        head = ("Row", "Target", "Job", "Outcome", "Rate (ct/s)", "Photon index", "Flux (10⁻¹² cgs)", "Problem")
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts().items())
        text = f"{format_count(len(self._results), 'target')}: {counts}\n\n"
        if ended:
            text += table(head, [_summary_row(result) for result in ended[:max_rows]], MAX_SUMMARY_TEXT)
        more = len(ended) - max_rows
        return text + (f"\n... and {more} more: see {PAGE}\n" if more > 0 else "")

    def _put(self, result: TargetResult) -> None:
        key = result.row.key
        self._results[key] = result
        self._cells[key] = self._tables.cells(result)
        self._lines[key] = self._page.row(result)

    def _csv(self) -> str:
        return self._tables.csv(list(self._cells.values()))

    def _ecsv(self) -> bytes:
        return self._tables.ecsv(list(self._cells.values()), self.name)

    def _html(self) -> str:
        return self._page.html(list(self._lines.values()), self.results, self._picture)

    def _png(self) -> bytes | None:
        try:
            from ukssdc.plotting.campaign_plot import campaign_figure  # noqa: PLC0415 - matplotlib is optional
            from ukssdc.quicklook.plots import as_png  # noqa: PLC0415 - as above
        except ImportError:
            raise ImportError(MATPLOTLIB_MISSING) from None
        figure = campaign_figure(self.name, self.results)
        if figure is not None:
            self._picture = as_png(figure, MAX_PICTURE)
        return self._picture


def _summary_row(result: TargetResult) -> tuple[str, ...]:
    science, fit = result.science, result.science.spectrum
    limit = science.upper_limit
    rate = f"{science.rate.value:.3g}" if science.rate else NO_VALUE if limit is None else f"< {limit:.2g}"
    return (
        str(result.row.number),
        result.row.name,
        NO_VALUE if result.job_id is None else str(result.job_id),
        result.outcome,
        rate,
        f"{fit.gamma.value:.2f}" if fit and fit.gamma else NO_VALUE,
        f"{fit.flux.value / 1e-12:.3g}" if fit and fit.flux else NO_VALUE,
        result.problem,
    )

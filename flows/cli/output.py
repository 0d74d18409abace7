"""What the commands print: tables of plain text, and JSON."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ukssdc.texts import replace_controls

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ukssdc.campaign import BatchReport
    from ukssdc.outcomes import JobReport

MAX_FAILURES = 20  # rows


def show_report(report: JobReport) -> None:
    """Print a report as a table; below it, where the files and the quick look are."""
    from ukssdc.quicklook import PAGE  # noqa: PLC0415 - it takes its time

    quick_look = report.directory / PAGE
    rows = [(product, o.outcome.replace("_", " "), str(o)) for product, o in report.outcomes.items()]
    title = f"{report.job.name}, job {report.job.job_id}"
    failures = f"{len(report.failures)} of {len(report.outcomes)} products failed\n" if report.failures else ""
    caption = f"{failures}Files: {report.directory}" + (f"\nQuick look: {quick_look}" if quick_look.is_file() else "")
    show_table(title, ("Product", "Outcome", "Details"), rows, caption=caption)


def show_campaign(report: BatchReport) -> None:
    """Print a campaign's report: how many came to which end, what failed, and where the results are."""
    counts = Counter(row.outcome for row in report.rows)
    failed = [(str(row.number), row.name, row.outcome, row.what) for row in report.failures]
    title = f"{report.name}: " + ", ".join(f"{n} {outcome.replace('_', ' ')}" for outcome, n in counts.most_common())
    from ukssdc.campaign import RESULT_FILES  # noqa: PLC0415 - it takes its time

    results = [report.directory / name for name in RESULT_FILES]
    caption = "Results: " + ", ".join(str(path) for path in results if path.is_file())
    if not failed:
        Console().print(Text(replace_controls(f"{title}\n{caption}")), soft_wrap=True)
        return
    if len(failed) > MAX_FAILURES:
        caption = f"... and {len(failed) - MAX_FAILURES} more that failed\n{caption}"
    caption += "\nThe same command submits what has no job; with --redo failed, what has failed as well"
    rows = [(number, name, outcome.replace("_", " "), what) for number, name, outcome, what in failed[:MAX_FAILURES]]
    show_table(title, ("Row", "Target", "Outcome", "What came of it"), rows, caption=caption)


def show_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> None:
    """Print a table; what the service says is text and not markup, and controls of the terminal are taken out."""
    console = Console()
    console.print(Text(replace_controls(title)), soft_wrap=True)
    console.print(make_table(headings, [[Text(replace_controls(cell)) for cell in row] for row in rows]))
    console.print(Text(replace_controls(caption), style="dim italic"), soft_wrap=True)


def make_table(headings: Sequence[str], rows: Sequence[Sequence[RenderableType]], whole: Collection[str] = ()) -> Table:
    """Return a table without the columns that are empty.

    Parameters
    ----------
    headings : sequence of str
    rows : sequence of sequences
        Cells: text, or what draws itself.
    whole : collection of str, optional
        The headings of columns whose cells are not broken into lines.
    """
    table = Table()
    filled = [n for n in range(len(headings)) if not rows or any(_is_filled(row[n]) for row in rows)]
    for n in filled:
        table.add_column(headings[n], overflow="fold", no_wrap=headings[n] in whole)
    for row in rows:
        table.add_row(*(row[n] for n in filled))
    return table


def _is_filled(cell: RenderableType) -> bool:
    return not isinstance(cell, (str, Text)) or bool(str(cell).strip())


def show_json(value: Any) -> None:
    """Print a value as JSON, for other programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")

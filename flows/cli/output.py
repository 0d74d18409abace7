"""What the commands print at their end: tables of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ukssdc.texts import replace_controls

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ukssdc.outcomes import JobReport


def show_report(report: JobReport) -> None:
    """Print a report as a table; below it, where the files and the quick look are."""
    from ukssdc.quicklook import PAGE  # noqa: PLC0415 - it takes its time

    quick_look = report.directory / PAGE
    rows = [(product, o.outcome.replace("_", " "), replace_controls(str(o))) for product, o in report.outcomes.items()]
    title = f"{report.job.name}, job {report.job.job_id}"
    caption = f"Files: {report.directory}" + (f"\nQuick look: {quick_look}" if quick_look.is_file() else "")
    headings = ("Product", "Outcome", "Details")
    show_table(replace_controls(title), headings, rows, caption=replace_controls(caption))  # the user's names and paths


def show_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str) -> None:
    """Print a table; what the service says is text and not markup."""
    table = Table(title=Text(title), caption=Text(caption), title_justify="left", caption_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)

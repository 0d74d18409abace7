"""The quick look as a page of Markdown: findings first, then pictures, then tables."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from ukssdc.quicklook.formatting import cell
from ukssdc.quicklook.page_sections import findings, fit_section, position_section, source_section
from ukssdc.quicklook.quick_look import QuickLook

ARTIFACT_ROWS = 100  # of a table in the artifact
LARGEST_ARTIFACT = 1_000_000  # bytes
PICTURES = {"lightcurve.png": "Light curve", "position.png": "Positions"}


def page(look: QuickLook, pictures: Mapping[str, str], notes: Sequence[str] = (), rows: int | None = None) -> str:
    """Return the quick look as Markdown.

    Parameters
    ----------
    look : QuickLook
    pictures : mapping
        File name -> where the picture is: a path relative to the page, or a `data:` address.
    notes : sequence of str, optional
        What else went wrong, in words.
    rows : int, optional
        Longest table; what is cut off is said below it.
    """
    job = look.job
    parts = [
        f"# {cell(job.name)}: quick look\n\n[Job {job.job_id}]({job.url}) at the UKSSDC\n",
        "".join(f"- {line}\n" for line in [*findings(look), *(f"**Note:** {cell(note)}" for note in notes)]),
        *(f"## {title}\n\n![{title}]({pictures[name]})\n" for name, title in PICTURES.items() if name in pictures),
        position_section(look),
        fit_section(look, rows),
        source_section(look, rows),
    ]
    return "\n".join(part for part in parts if part)


def artifact_page(look: QuickLook, pictures: Mapping[str, bytes], notes: Sequence[str], folder: str) -> str:
    """Return the quick look as one page with the pictures inside, at most `LARGEST_ARTIFACT` bytes of it.

    Parameters
    ----------
    look, notes
        As for `page`.
    pictures : mapping
        File name -> PNG.
    folder : str
        Where the files are.
    """
    inside = {name: f"data:image/png;base64,{base64.b64encode(png).decode()}" for name, png in pictures.items()}
    end = f"\nFiles: `{folder}`\n"
    too_large = "the page was too large: tables are cut, pictures left out; both are in the folder named below"
    for shown, extra, rows in ((inside, (), ARTIFACT_ROWS), ({}, (too_large,), 10)):
        text = page(look, shown, (*notes, *extra), rows) + end
        if len(text.encode()) <= LARGEST_ARTIFACT:
            return text
    return f"# {cell(look.job.name)}: quick look\n\nThe page is too large to be shown here.\n{end}"

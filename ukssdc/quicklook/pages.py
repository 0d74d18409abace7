"""The quick look as a page of Markdown: findings first, then pictures, then tables."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from ukssdc.markdown import code_span, link
from ukssdc.quicklook.page_sections import findings, fit_section, position_section, safe, source_section
from ukssdc.quicklook.quick_look import QuickLook

MAX_ARTIFACT_ROWS = 100  # of a table
MAX_ARTIFACT_SIZE = 1_000_000  # bytes
PICTURES = {"lightcurve.png": "Light curve", "spectrum.png": "Spectra", "position.png": "Positions"}


def page(look: QuickLook, pictures: Mapping[str, str], notes: Sequence[str] = (), max_rows: int | None = None) -> str:
    """Return the quick look as Markdown.

    Parameters
    ----------
    look : QuickLook
    pictures : mapping
        File name -> where the picture is: a path relative to the page, or a `data:` address.
    notes : sequence of str, optional
        Further problems, in words.
    max_rows : int, optional
        Of a table; where some are left out, the page says how many.
    """
    job = look.job
    parts = [
        f"# {safe(job.name)}: quick look\n\n{link(f'Job {job.job_id}', job.url)} at the UKSSDC\n",
        "".join(f"- {line}\n" for line in [*findings(look), *(f"**Note:** {safe(note)}" for note in notes)]),
        *(f"## {title}\n\n![{title}]({pictures[name]})\n" for name, title in PICTURES.items() if name in pictures),
        position_section(look),
        fit_section(look, max_rows),
        source_section(look, max_rows),
    ]
    return "\n".join(part for part in parts if part)


def artifact_page(look: QuickLook, pictures: Mapping[str, bytes], notes: Sequence[str], folder: str) -> str:
    """Return the quick look as one page with the pictures embedded, at most `MAX_ARTIFACT_SIZE` bytes.

    Parameters
    ----------
    look, notes
        As for `page`.
    pictures : mapping
        File name -> PNG.
    folder : str
        Where the files are.
    """
    embedded = {name: f"data:image/png;base64,{base64.b64encode(png).decode()}" for name, png in pictures.items()}
    end = f"\nFiles: {code_span(folder)}\n"
    too_large = "the page was too large: tables are cut, and pictures left out; the folder below has them all"
    for shown, extra, max_rows in ((embedded, (), MAX_ARTIFACT_ROWS), ({}, (too_large,), 10)):
        text = page(look, shown, (*notes, *extra), max_rows) + end
        if len(text.encode()) <= MAX_ARTIFACT_SIZE:
            return text
    return f"# {safe(look.job.name)}: quick look\n\nThe page is too large to be shown here.\n{end}"

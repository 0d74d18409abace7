"""Texts of other people's in the Markdown of our own: they are shown as they are, and do nothing."""

from __future__ import annotations

import re

from ukssdc import Job
from ukssdc.job import is_web_address

# What begins a table's cell, code, a link or an image, HTML, an entity or an escape: shown, and without effect.
_HARMLESS = str.maketrans({character: f"&#{ord(character)};" for character in "|`[]\\&"} | {"<": "&lt;"})


def table_cell(text: str) -> str:
    """Make a text safe for Markdown, also within a table: one line, no cells, links, pictures, code or HTML."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "\ufffd", re.sub(r"\s+", " ", text)).translate(
        _HARMLESS
    )


def code_text(text: str) -> str:
    """Make a text safe for a block of code in Markdown: nothing in it ends the block."""
    return text.replace("```", "'''")


def name_with_link(job: Job) -> str:
    """Return a job's target and number; the number leads to the job's page, if its address is one of the Web."""
    number, name = f"job {job.job_id}", table_cell(job.name)
    return f"{name}, [{number}]({job.url})" if is_web_address(job.url) else f"{name}, {number}"

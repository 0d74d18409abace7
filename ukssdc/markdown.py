"""Markdown made of texts of any origin: a text is shown as it is, and makes no link, picture, HTML, code or cell.

Emphasis is left alone: it changes how a text looks and no more, and "Sgr A*" stays readable as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ukssdc.job import Job, is_web_address

# What begins code, a link or an image, an escape; a cell; an entity; HTML.
_ESCAPES = str.maketrans({c: f"\\{c}" for c in "`[]\\"} | {"|": "&#124;", "&": "&amp;", "<": "&lt;"})
# Control characters; characters that change the direction of writing; halves of surrogate pairs, which no file takes.
_UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_NOT_IN_LINE = re.compile(f"[{_UNPRINTABLE}]")
_NOT_IN_BLOCK = re.compile(rf"(?![\n\t])[{_UNPRINTABLE}]")
_REPLACEMENT = "\ufffd"


def escape(text: str, max_length: int | None = None) -> str:
    """Return a text for a heading, a paragraph, the text of a link or a table's cell.

    Parameters
    ----------
    text : str
    max_length : int, optional
        Longest text, in characters before escaping; a longer one ends in "…".

    Returns
    -------
    str
        One line.
    """
    line = _one_line(text)
    if max_length is not None and len(line) > max_length:
        line = line[: max_length - 1] + "…"
    return line.translate(_ESCAPES)


def link(text: str, url: str) -> str:
    """Return a link with this text; the text alone where the address is none of the Web."""
    return f"[{escape(text)}]({url})" if is_web_address(url) else escape(text)


def job_link(job: Job) -> str:
    """Return a job's target and number; the number is a link to the job's page."""
    return f"{escape(job.name)}, {link(f'job {job.job_id}', job.url)}"


def code_span(text: str) -> str:
    """Return a text as code within a line."""
    line = _one_line(text)
    fence = "`" * (_longest_run(line) + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def code_block(text: str, language: str = "text") -> str:
    """Return a text as a block of code, line by line as it is."""
    lines = _NOT_IN_BLOCK.sub(_REPLACEMENT, re.sub(r"\r\n?", "\n", text)).removesuffix("\n")
    fence = "`" * max(3, _longest_run(lines) + 1)
    return f"{fence}{language}\n{lines}\n{fence}\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], max_length: int | None = None) -> str:
    """Return a table; the cells are texts of any origin, not Markdown.

    Parameters
    ----------
    headings : sequence of str
        May be empty texts.
    rows : iterable of sequence of str
        As many cells each as there are headings.
    max_length : int, optional
        Longest cell, as for `escape`.
    """
    cells = [[escape(text, max_length) for text in row] for row in (headings, *rows)]
    lines = [cells[0], ["---"] * len(headings), *cells[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _one_line(text: str) -> str:
    return _NOT_IN_LINE.sub(_REPLACEMENT, re.sub(r"\s+", " ", text).strip())


def _longest_run(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)

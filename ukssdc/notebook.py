"""How objects look in a notebook: a repr of one short line, and a small HTML table in which texts are text."""

from __future__ import annotations

import html
import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

from ukssdc.texts import replace_controls, shorten

MAX_REPR = 280  # characters
MAX_ROWS = 20  # of a table
MAX_CELL = 120  # characters
_ITEMS = reprlib.Repr()
_ITEMS.maxdict = _ITEMS.maxlist = _ITEMS.maxtuple = 3
_ITEMS.maxstring = _ITEMS.maxother = 60
_ITEMS.maxlevel = 3


class ShortRepr:
    """A mix-in whose objects have a short repr: the class's name, and what it holds as far as there is room."""

    def __repr__(self) -> str:
        return short_repr(type(self).__name__, self.__repr_args__())

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:  # pydantic's name for it
        return vars(self).items()


class Html(str):
    """A piece of HTML, in a table's cell."""

    __slots__ = ()


def short_repr(name: str, values: Iterable[tuple[str | None, Any]]) -> str:
    """Return a repr of less than 300 characters; each value is cut, and what is left of the whole."""
    parts = (_ITEMS.repr(value) if key is None else f"{key}={_ITEMS.repr(value)}" for key, value in values)
    return f"{name}({shorten(', '.join(parts), MAX_REPR - len(name) - 2)})"


def html_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of at most `MAX_ROWS` rows; a cell is text, unless it is `Html`."""
    every = list(rows)
    lines = [_row("td", row) for row in every[:MAX_ROWS]]
    if left_out := len(every) - len(lines):
        lines.append(f'<tr><td colspan="{len(head)}">... and {left_out} more</td></tr>')
    heading = f"<thead>{_row('th', head)}</thead>" if any(head) else ""
    caption = f'<caption style="text-align: left">{_cell(title)}</caption>'
    return f"<table>{caption}{heading}<tbody>{''.join(lines)}</tbody></table>"


def html_block(text: str) -> str:
    """Return a text of several lines, as it is."""
    return f"<pre>{html.escape(replace_controls(text))}</pre>" if text else ""


def _row(tag: str, cells: Iterable[str]) -> str:
    return (
        "<tr>"
        + "".join(f'<{tag} style="text-align: left; padding-right: 1em">{_cell(cell)}</{tag}>' for cell in cells)
        + "</tr>"
    )


def _cell(text: str) -> str:
    return text if isinstance(text, Html) else html.escape(shorten(replace_controls(text), MAX_CELL))

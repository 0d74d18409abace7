"""HTML taken apart: which elements there are, and whether each that begins ends."""

from __future__ import annotations

from html.parser import HTMLParser


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements_of(page: str) -> list[str]:
    """Return the names of the elements, in the order in which they begin; each of them ends."""
    parser = _Elements()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.seen

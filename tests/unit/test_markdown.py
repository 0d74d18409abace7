"""Texts of any origin in Markdown: shown as they are, without effect; the parser is the judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ukssdc import Job, Product
from ukssdc.markdown import code_block, code_span, escape, job_link, link, table

HOSTILE = {
    "bars": "a|b||c|",
    "escaped bar": r"a\|b\\|c",
    "backticks": "`a` ``b`` ```c",
    "code block": "```\n# title\n```",
    "link": "[x](https://evil.example.org)",
    "reference": "[x][y]\n\n[y]: https://evil.example.org",
    "picture": "![x](https://evil.example.org/x.png)",
    "address": "<https://evil.example.org>",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "HTML in lines": "a\n\n<details>\n\nb",
    "entities": "&lt;b&gt; &#124; &amp;amp; &copy",
    "escapes": r"\[x\](y) \`z\` \\",
    "heading": "a\n# title\nb\n===",
    "list": "a\n\n- b\n\n    c",
    "cut link": "[x](",
}
INVISIBLE = {
    "NUL": "a\x00b",
    "escape sequence": "a\x1b[31mb",
    "DEL": "a\x7fb",
    "C1": "a\x9bb",
    "right to left": "\u202egpj.exe",
    "isolate": "a\u2066b\u2069",
    "mark": "a\u200fb",
    "half a pair": "a\ud800b",
}
ALLOWED = {"inline", "text", "paragraph_open", "paragraph_close", "softbreak"}
TABLE = {f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td") for end in ("open", "close")}
EMPHASIS = {f"{part}_{end}" for part in ("em", "strong") for end in ("open", "close")}
ANY_TEXT = st.text(st.sampled_from("ab |`[]()!\\&<>#;-=:/\n\t~12lt\u202e\x1b"), max_size=30)
JOB = Job(
    job_id=951, url="https://www.swift.ac.uk/user_objects/tprods/USERPROD_951", name="x", products=(Product.Image,)
)


def tokens(markdown: str) -> list[Token]:
    parsed = MarkdownIt("commonmark").enable("table").parse(markdown)
    return [token for block in parsed for token in (block, *(block.children or ()))]


def effects(markdown: str) -> set[str]:
    """Return what a text makes in Markdown that is more than text in a paragraph."""
    return {token.type for token in tokens(markdown)} - ALLOWED


def shown(markdown: str) -> str:
    """Return the text that a reader sees."""
    return "".join(token.content for token in tokens(markdown) if token.type in {"text", "code_inline"})


def cells(markdown: str) -> list[list[str]]:
    """Return the rows of a table as a reader sees them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_is_shown_as_it_is_and_has_no_effect(text: str) -> None:
    assert shown(f"x {escape(text)}") == f"x {one_line(text)}"
    assert effects(f"x {escape(text)}") == set()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_heading_stays_one_heading(text: str) -> None:
    assert effects(f"# x {escape(text)}") == {"heading_open", "heading_close"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_cell_stays_one_cell(text: str) -> None:
    made = table(("Name", text), [("a", text), (text, "b")])

    assert cells(made) == [["Name", one_line(text)], ["a", one_line(text)], [one_line(text), "b"]]
    assert effects(made) <= TABLE


@given(text=ANY_TEXT)
def test_no_text_leaves_its_cell_or_has_an_effect(text: str) -> None:
    made = table(("Name", "Value"), [("a", text)])

    assert len(made.splitlines()) == 3
    assert made.count("|") == 9
    assert effects(made) <= TABLE | EMPHASIS


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_what_cannot_be_seen_is_replaced(text: str) -> None:
    for made in (escape(text), code_span(text), code_block(text), table(("x",), [(text,)])):
        assert "\ufffd" in made
        assert set(made) & set("\x00\x1b\x7f\x9b\u202e\u2066\u2069\u200f\ud800") == set()
        assert made.encode()


def test_a_long_text_is_cut_before_it_is_escaped() -> None:
    assert escape("|" * 10, max_length=4) == "&#124;&#124;&#124;…"
    assert escape("|" * 4, max_length=4) == "&#124;" * 4
    assert table(("x",), [("y" * 10,)], max_length=4) == "| x |\n| --- |\n| yyy… |\n"


def test_a_table_without_rows_is_its_headings() -> None:
    assert table(("a", ""), []) == "| a |  |\n| --- | --- |\n"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_link_leads_where_it_should_whatever_its_text(text: str) -> None:
    made = link(text, "https://www.swift.ac.uk/x")

    assert [t.attrs["href"] for t in tokens(made) if t.type == "link_open"] == ["https://www.swift.ac.uk/x"]
    assert shown(made) == one_line(text)
    assert effects(made) == {"link_open", "link_close"}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc", "", "https://x/)[y](javascript:alert(1)", "https://x/\n# title"]
)
def test_a_link_to_no_address_of_the_web_is_its_text(url: str) -> None:
    assert link("job 951", url) == "job 951"


def test_a_jobs_link_is_its_number_after_its_target() -> None:
    hostile = JOB.model_copy(update={"name": "[x](y)|"})

    assert job_link(JOB) == f"x, [job 951]({JOB.url})"
    assert shown(job_link(hostile)) == "[x](y)|, job 951"
    assert job_link(JOB.model_copy(update={"url": "javascript:alert(1)"})) == "x, job 951"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_code_within_a_line_is_one_span(text: str) -> None:
    made = code_span(text)

    assert [t.content for t in tokens(f"x {made}") if t.type == "code_inline"] == [one_line(text)]
    assert effects(f"x {made}") == {"code_inline"}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_ends_a_block_of_code_but_its_end(text: str) -> None:
    made = code_block(f"a\n{text}\n~~~\n    b\n")

    (block,) = tokens(made)
    assert block.type == "fence"
    assert block.content == f"a\n{text}\n~~~\n    b\n"


def test_line_ends_of_other_systems_are_line_ends_in_a_block_of_code() -> None:
    assert code_block("a\r\nb\rc", "yaml") == "```yaml\na\nb\nc\n```\n"

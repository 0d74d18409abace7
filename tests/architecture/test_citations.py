"""What the code and the documents refer to is there: sections of the protocol, files, pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_tree import ROOT, SOURCES, documents, listed, modules, prose_of, python_files, relative, settings, tree_of

PROTOCOL = ROOT / "docs" / "protocol.md"
FOLDERS = "|".join((*SOURCES, "tests", "docs"))
FILE = re.compile(rf"(?<![\w./~}}>-])(?:{FOLDERS})/[\w./*<>{{}}-]*")
SECTIONS = re.compile(r"\bsections?\s+(\d+(?:(?:\s*\([^)]*\))?(?:,|\s+and|\s+or|\s+to)\s+\d+)*)", re.IGNORECASE)
LINK = re.compile(r"\]\(([^()\s]+)\)")
ELSEWHERE = re.compile(r"[a-z]+:")  # https:, mailto:
NOT_OURS = {"ukssdc/APIDocs": "a folder in the wheel of swifttools, which docs/protocol.md names as its source"}


def sections_in(text: str) -> Iterator[int]:
    """Return the numbers of the sections that a text cites; `2 to 4` is three of them."""
    for cited in SECTIONS.finditer(text):
        numbers = re.sub(r"\([^)]*\)", "", cited[1])
        for first, last in re.findall(r"(\d+)(?:\s+to\s+(\d+))?", numbers):
            yield from range(int(first), int(last or first) + 1)


def files_in(text: str) -> Iterator[str]:
    """Return the paths in the repository that a text names; one with a placeholder (`<job>`) is none."""
    for hit in FILE.finditer(text):
        if not set("<>{}") & set(hit[0]):
            yield hit[0].rstrip(".-")


def exists(path: str) -> bool:
    return any(ROOT.glob(path.rstrip("/"))) if "*" in path else (ROOT / path).exists()


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a forge gives to a page's headings."""
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("(protocol, section 5)", [5]),
        ("protocol,\nsections 2 and 6.", [2, 6]),
        ("protocol, sections 2 (products) and 3 (status).", [2, 3]),
        ("Sections 2 to 4, and more", [2, 3, 4]),
        ("a section of it, 12 lines", []),
    ],
)
def test_citations_are_read_as_a_reader_does(text: str, numbers: list[int]) -> None:
    assert list(sections_in(text)) == numbers


def test_every_section_that_is_cited_is_in_the_protocol() -> None:
    there = {int(number) for number in re.findall(r"^## (\d+)\. ", PROTOCOL.read_text("utf-8"), re.MULTILINE)}
    files = [*python_files(*SOURCES, "tests"), *documents(), *settings()]
    cited = [
        (relative(file), number) for file in files if file != Path(__file__) for number in sections_in(prose_of(file))
    ]

    assert len(cited) > 20  # the code leans on the protocol all over
    found = [f"{file} cites section {number}" for file, number in cited if number not in there]
    assert not found, listed(found)


def test_every_file_that_is_named_is_there() -> None:
    files = [*python_files(*SOURCES, "tests"), *documents(), *settings()]
    missing = [
        f"{relative(file)} names {path}"
        for file in files
        if file != Path(__file__)
        for path in files_in(prose_of(file))
        if not exists(path) and path not in NOT_OURS
    ]

    assert not missing, listed(missing)


def test_every_link_between_the_documents_leads_somewhere() -> None:
    broken = []
    for page in documents():
        for link in LINK.findall(page.read_text("utf-8")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if ELSEWHERE.match(link):
                continue
            if not target.exists() or (anchor and anchor not in anchors_of(target)):
                broken.append(f"{relative(page)} links to {link}")

    assert not broken, listed(broken)


def test_nothing_cites_a_document_that_is_not_in_the_repository() -> None:
    gone = "design" + ".md"
    files = [*python_files(*SOURCES, "tests"), *documents(), ROOT / "CHANGELOG.md", *settings()]
    found = [relative(file) for file in files if gone in file.read_text("utf-8")]

    assert not found, listed(found)


def names_in(module: str) -> set[str]:
    """Return what can be imported from one of our modules: what it binds, what it promises, the modules below it."""
    tree = tree_of(modules()[module])
    bound = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    bound |= {
        n.id for node in tree.body if isinstance(node, ast.Assign) for n in node.targets if isinstance(n, ast.Name)
    }
    bound |= {a.asname or a.name for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names}
    promised = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    bound |= {name for node in promised for name in ast.literal_eval(node.value)}
    return bound | {m.rpartition(".")[2] for m in modules() if m.rpartition(".")[0] == module}


def test_what_the_documents_import_can_be_imported() -> None:
    wrong = []
    for page in documents():
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"ukssdc", "xrt_products"}:
                    there = names_in(str(node.module)) if node.module in modules() else set()
                    wrong += [f"{relative(page)}: {ast.unparse(node)}" for a in node.names if a.name not in there]

    assert not wrong, listed(wrong)

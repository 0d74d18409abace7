"""The project's own files, and what they import: what tests/architecture looks at."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LAYERS = ("ukssdc", "tasks", "flows", "deployments")  # from the bottom to the top
SOURCES = (*LAYERS, "xrt_products")


class Import(NamedTuple):
    """One imported name, and whether only a type checker imports it."""

    name: str
    typing_only: bool


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below folders of the repository; links to folders are not followed."""
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py") if not _behind_link(file)]
    assert files, folders
    return sorted(files)


def _behind_link(file: Path) -> bool:
    return any(parent.is_symlink() for parent in file.parents if parent.is_relative_to(ROOT))


def documents() -> list[Path]:
    """Return what is written for readers; the change log tells of what is gone, too."""
    return sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")} - {ROOT / "CHANGELOG.md"})


def settings() -> list[Path]:
    """Return the files that set things up: what is deployed, built and run."""
    return [ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / ".ci" / "run", *ROOT.glob("deployments/*.yaml")]


def relative(file: Path) -> str:
    """Return a file's path in the repository."""
    return file.relative_to(ROOT).as_posix()


@cache
def tree_of(file: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(file.read_text("utf-8"), str(file))


def tokens_of(text: str) -> Iterator[tokenize.TokenInfo]:
    """Return a file's tokens."""
    return tokenize.generate_tokens(io.StringIO(text).readline)


def prose_of(file: Path) -> str:
    """Return what a file says to its reader: all of a document; of Python its comments, without #, and texts."""
    text = file.read_text("utf-8")
    if file.suffix != ".py":
        return text
    said = [token.string for token in tokens_of(text) if token.type in {tokenize.COMMENT, tokenize.STRING}]
    return "\n".join(re.sub(r"^#+:?\s?", "", piece) for piece in said)


def listed(found: Iterable[object]) -> str:
    """Return a line for each of what should not have been found."""
    return "\n".join(["", *map(str, found)])


def module_name(file: Path) -> str:
    """Return the name under which a file is imported."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    installed = ("xrt_products", *parts) if parts[0] in {"flows", "tasks"} else parts
    return ".".join(installed).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    """Return the modules of the project: name and file."""
    return {module_name(file): file for file in python_files(*SOURCES)}


@cache
def imports_of(file: Path) -> tuple[Import, ...]:
    """Return what a file imports, in functions as well; `from a import b` is `a.b`.

    In a module that imports by name (`import_module`), a text that is the name of one of our modules is an import.
    """
    found = list(_imports(tree_of(file), typing_only=False))
    if any(isinstance(node, ast.Name) and node.id == "import_module" for node in ast.walk(tree_of(file))):
        ours = modules()
        texts = [node.value for node in ast.walk(tree_of(file)) if isinstance(node, ast.Constant)]
        found += [Import(text, typing_only=False) for text in texts if isinstance(text, str) and text in ours]
    return tuple(found)


def _imports(node: ast.AST, *, typing_only: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, typing_only) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        yield from (Import(f"{module}.{alias.name}", typing_only) for alias in node.names)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        for statement in node.body:
            yield from _imports(statement, typing_only=True)
        for statement in node.orelse:
            yield from _imports(statement, typing_only=typing_only)
    else:
        for inner in ast.iter_child_nodes(node):
            yield from _imports(inner, typing_only=typing_only)

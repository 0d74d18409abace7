"""Names that needed a dictionary stay gone: each left its place to one that an engineer guesses.

Two rules, because some of them are ordinary words. `COINED` are words that nobody needs: no Python name of the project
is one, in tests neither. `ORDINARY` are good names elsewhere (`now` for a moment in a function, `done` for a process):
only what modules and classes define is looked at, and what is set on `self`; a name as a class has it (`View.note`)
means that class's alone. Names are looked for by token, not by text; but a coined word with an underscore is no
English, so comments, docstrings and documents are looked through for those.

What isn't here: `Parameter` (of a fit) and `Position` (in a request) had namesakes in their layer, and
`test_layout.py` sees to those.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from source_tree import SOURCES, documents, listed, prose_of, python_files, relative, tokens_of, tree_of

COINED = set(
    """
    letting_go _let_go Wanted LOOK Plan check_settings see_to_a_server
    _own _left_unfinished _waited_for_since body_of may_pass spoilt time_can_mend
    tries_within TRIES GivenUp Stopped stoppable end_if_stopped PrefectAway Watch too_early
    Board drawn_below shown_on _what_matters is_worth_following Earlier _submitted_before
    out_of_sight failed_build failed_download URGENT belongs_to_another_run _soon_again notify_people display_only
    Intent fulfil KEPT cannot_write _spoken problem_with same_service
    Standing Needs Sets Below Within OnlyWith culprits sort_out
    LONGEST DEEPEST NEARLY PIECE Misbehaviour PLAYS drip dice ERRANDS Bookkeeper
    """.split()  # noqa: SIM905 - a list to read
)
COINED_PREFIX = "MOST_"
ORDINARY = set(
    """
    trouble patience PATIENCE pauses expired waited done abandoned submitting holding following now answers _same
    prose par Form many meant spelled settle SHOWN View.note
    """.split()  # noqa: SIM905 - a list to read
)
MODULES = {"stopping", "polite", "quiet", "patience", "intent", "misbehaviour"}

ALLOWED = {
    "ServiceClock.now": "the emulator's time, which tests freeze and advance; the wall's is utcnow()",
    "Emulator.now": "the same, for who has an emulator",
}


def definitions(tree: ast.Module) -> Iterator[str]:
    """Return what a module and its classes define; what belongs to a class is `Class.name`."""
    scopes: list[ast.Module | ast.ClassDef] = [tree, *(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef))]
    for scope in scopes:
        prefix = f"{scope.name}." if isinstance(scope, ast.ClassDef) else ""
        for node in scope.body:
            yield from (prefix + name for name in _bound(node))
        if prefix:
            yield from (prefix + name for name in _set_on_self(scope))


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
    elif isinstance(node, ast.If | ast.Try | ast.With):
        for inner in node.body:
            yield from _bound(inner)


def _set_on_self(scope: ast.AST) -> Iterator[str]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
            yield node.attr


def is_coined(name: str) -> bool:
    return name in COINED or name.startswith(COINED_PREFIX)


def python_names(file: Path) -> Iterator[tuple[str, int]]:
    """Return a file's names and the lines that they are in; those in f-strings and annotations in quotes as well."""
    for token in tokens_of(file.read_text("utf-8")):
        if token.type == tokenize.NAME:
            yield token.string, token.start[0]
        elif token.type == tokenize.STRING and "f" in token.string.partition(token.string[-1])[0].lower():
            braces = re.findall(r"\{([^{}]*)\}", token.string)
            yield from ((name, token.start[0]) for text in braces for name in re.findall(r"[^\W\d]\w*", text))


def test_no_python_name_is_a_coined_word() -> None:
    found = [
        f"{relative(file)}:{line}: {name}"
        for file in python_files(*SOURCES, "tests")
        for name, line in python_names(file)
        if is_coined(name) and name not in ALLOWED
    ]

    assert not found, listed(found)


def test_no_comment_and_no_document_tells_of_a_coined_word() -> None:
    words = re.compile(r"(?<![\w.-])(?:\w+\.)?(" + "|".join(sorted(w for w in COINED if "_" in w)) + r")(?!\w)")
    files = [*python_files(*SOURCES, "tests"), *documents()]
    found = [
        f"{relative(file)}: {hit[1]}"
        for file in files
        if file != Path(__file__)
        for hit in words.finditer(prose_of(file))
        if hit[1] not in ALLOWED
    ]

    assert not found, listed(found)


def test_nothing_that_modules_and_classes_define_is_called_by_an_ordinary_word_of_the_list() -> None:
    found = [
        f"{relative(file)}: {name}"
        for file in python_files(*SOURCES)
        for name in definitions(tree_of(file))
        if {name, name.rpartition(".")[2]} & ORDINARY and name not in ALLOWED
    ]

    assert not found, listed(found)


def test_no_module_has_a_name_of_the_list() -> None:
    files = python_files(*SOURCES, "tests")
    found = [relative(file) for file in files if file.stem.removeprefix("test_") in MODULES]

    assert not found, listed(found)


def test_every_name_that_is_allowed_is_there() -> None:
    there = {name for file in python_files(*SOURCES) for name in definitions(tree_of(file))}

    assert ALLOWED.keys() - there == set()

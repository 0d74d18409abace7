"""The files show what there is: short ones, no two of one name in a layer, and in flows/ one file for each flow."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
from source_tree import ROOT, SOURCES, listed, python_files, relative, tree_of

MAX_LINES = 350
LAYERS_OF_CODE = ("ukssdc", "tasks", "flows")
ENTRIES = {"__init__", "__main__"}  # Python's names for the ways into a package
SHARED_BY_FLOWS = {
    "__init__.py",
    "campaign.py",
    "follow.py",
    "followed_job.py",
    "form.py",
    "interrupt.py",
    "notebook.py",
    "options.py",
    "publish.py",
    "request.py",
    "row_submissions.py",
}


def twice(named: Iterable[tuple[str, Path]]) -> list[str]:
    """Return the names that are in more than one place, and the places."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, file in named:
        places[name].append(relative(file))
    return [f"{name}: {', '.join(files)}" for name, files in places.items() if len(files) > 1]


def defines_flow(tree: ast.Module) -> bool:
    """Tell whether a function is decorated with `@flow` or `@flow(...)`."""
    decorators = [
        decorator.func if isinstance(decorator, ast.Call) else decorator
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
    ]
    return any(ast.unparse(decorator) in {"flow", "prefect.flow"} for decorator in decorators)


def test_no_python_file_is_too_long_to_be_read() -> None:
    lengths = {relative(f): len(f.read_text("utf-8").splitlines()) for f in python_files(*SOURCES, "tests")}
    found = [f"{file}: {lines} lines" for file, lines in lengths.items() if lines > MAX_LINES]

    assert not found, listed(found)


@pytest.mark.parametrize("layer", LAYERS_OF_CODE)
def test_no_two_modules_of_a_layer_have_the_same_name(layer: str) -> None:
    files = [file for file in python_files(layer) if file.stem not in ENTRIES]
    found = twice((file.stem, file) for file in files)

    assert not found, listed(found)


@pytest.mark.parametrize("layer", LAYERS_OF_CODE)
def test_no_two_classes_of_a_layer_have_the_same_name(layer: str) -> None:
    classes = [
        (node.name, file)
        for file in python_files(layer)
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.ClassDef)
    ]
    found = twice(classes)

    assert not found, listed(found)


def test_flows_has_one_file_for_each_flow_and_what_they_share() -> None:
    files = sorted((ROOT / "flows").glob("*.py"))

    assert [f.name for f in files if f.name not in SHARED_BY_FLOWS and not defines_flow(tree_of(f))] == []
    assert [f.name for f in (ROOT / "flows").iterdir() if f.is_dir() and f.name != "__pycache__"] == ["cli"]

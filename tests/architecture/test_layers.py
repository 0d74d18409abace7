"""Imports point one way, deployments -> flows -> tasks -> ukssdc, in no circle, and all by one name."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter

import pytest
from source_tree import (
    SOURCES,
    Import,
    documents,
    imports_of,
    listed,
    modules,
    python_files,
    relative,
    settings,
    tree_of,
)

# Each may import what is on its own level or below. `xrt_products` is the door to flows and tasks; the command line
# comes in by it, and nothing else of the project does.
LEVELS = {
    "ukssdc": 0,
    "xrt_products.tasks": 1,
    "xrt_products.flows": 2,
    "xrt_products": 3,
    "xrt_products.flows.cli": 4,
    "deployments": 5,
}
OURS = {"ukssdc", "xrt_products"}
HTTP = {"requests", "urllib3", "http", "aiohttp", "socket", "httpcore"}
HTTPX_ALLOWED = {"HTTPError", "HTTPStatusError", "codes"}  # the errors of Prefect's API are httpx's
OTHER_NAMES = re.compile(
    r"\b(?:from|import)\s+(?:flows|tasks)\b"  # code, wherever it is written
    r"|-m\s+(?:flows|tasks)\b"  # a command
    r"|(?<![\w./-])(?:flows|tasks)(?:\.(?!py\b)[A-Za-z_]\w*)+(?!\w|/)"  # an entry point; `tasks.py` is a file
)
OWN_NAMES_ALLOWED = {
    "tests/architecture/test_layers.py": "says what is looked for",
    "tests/packaging/test_own_modules.py": "a user's own flows and tasks, which ours must not touch",
}


def level_of(module: str) -> int:
    """Return a module's level; the longest name that fits decides, and the door is no package of its own here."""
    if module == "xrt_products":
        return LEVELS[module]
    fits = [name for name in LEVELS if name != "xrt_products" and (module + ".").startswith(name + ".")]
    return LEVELS[max(fits, key=len)]


def module_of(imported: str) -> str | None:
    """Return which of our modules an import reads: `a.b` may be module b of a, or the name b in module a."""
    if imported.partition(".")[0] not in OURS | {"deployments"}:
        return None
    known, name = modules(), imported
    while name not in known:
        name = name.rpartition(".")[0]
    return name


def edges(*, with_typing: bool) -> dict[str, set[str]]:
    """Return which of our modules imports which."""
    graph: dict[str, set[str]] = {}
    for module, file in modules().items():
        found = [module_of(i.name) for i in imports_of(file) if with_typing or not i.typing_only]
        graph[module] = {target for target in found if target is not None}
    return graph


def test_the_graph_sees_imports_in_functions_for_type_checkers_and_by_name() -> None:
    door = imports_of(modules()["xrt_products"])
    assert Import("ukssdc.outcomes", typing_only=False) in door  # by import_module
    assert Import("ukssdc.outcomes.JobReport", typing_only=True) in door

    commands = edges(with_typing=False)["xrt_products.flows.cli.run_flow"]
    assert {"ukssdc", "xrt_products", "xrt_products.flows.cli.user_server"} <= commands  # the last two in a function


def test_there_is_no_circle() -> None:
    try:
        TopologicalSorter(edges(with_typing=False)).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " -> ".join(reversed(error.args[1])))


def test_the_layers_point_down_only() -> None:
    upwards = [
        f"{module} imports {target}"
        for module, targets in edges(with_typing=True).items()
        for target in sorted(targets)
        if level_of(target) > level_of(module)
    ]

    assert not upwards, listed(upwards)


def test_imports_are_absolute() -> None:
    found = [relative(f) for f in python_files(*SOURCES) if any(i.name.startswith(".") for i in imports_of(f))]

    assert not found, listed(found)


@pytest.mark.parametrize("stranger", ["prefect", "xrt_products"])
def test_the_client_knows_neither_prefect_nor_the_flows(stranger: str) -> None:
    known = [
        f"{relative(file)} imports {found.name}"
        for file in python_files("ukssdc")
        for found in imports_of(file)
        if found.name.split(".")[0] == stranger
    ]

    assert not known, listed(known)


def test_nothing_in_the_client_needs_the_emulator() -> None:
    core = {m: t for m, t in edges(with_typing=True).items() if m.split(".")[0] == "ukssdc" and "emulator" not in m}
    found = [f"{m} imports {t}" for m, targets in core.items() for t in targets if "emulator" in t.split(".")]

    assert not found, listed(found)


def test_no_task_and_no_flow_knows_http() -> None:
    files = [file for file in python_files("tasks", "flows") if "cli" not in file.parts]
    known = [
        f"{relative(file)} imports {found.name}"
        for file in files
        for found in imports_of(file)
        if found.name.split(".")[0] in HTTP or found.name.startswith(("httpx.", "urllib.request"))
    ]
    known += [
        f"{relative(file)}:{node.lineno} uses httpx.{node.attr}"
        for file in files
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "httpx"
        if node.attr not in HTTPX_ALLOWED
    ]

    assert not known, listed(known)


def test_flows_and_tasks_are_imported_as_parts_of_xrt_products_only() -> None:
    """Imported as `flows` as well, every class of an editable install would be there twice."""
    found: list[str] = []
    for file in python_files(*SOURCES, "tests"):
        if relative(file) in OWN_NAMES_ALLOWED:
            continue
        roots = {i.name.split(".")[0] for i in imports_of(file)}
        texts = [n.value for n in ast.walk(tree_of(file)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        found += [f"{relative(file)}: import of {root}" for root in sorted(roots & {"flows", "tasks"})]
        found += [f"{relative(file)}: {hit[0]!r}" for text in texts for hit in OTHER_NAMES.finditer(text)]
    for file in [*documents(), *settings()]:
        found += [f"{relative(file)}: {hit[0]!r}" for hit in OTHER_NAMES.finditer(file.read_text("utf-8"))]

    assert not found, listed(found)

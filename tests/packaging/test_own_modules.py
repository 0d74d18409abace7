"""Beside a user's own `flows` and `tasks` the installed package works, and leaves them alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fresh_environment import FreshEnvironment

SCRIPT = """
import importlib.metadata, json
import flows, tasks
from flows import nightly
from xrt_products import request_products
import ukssdc, xrt_products

print(json.dumps({
    "flows": list(flows.__path__),
    "nightly": nightly.NAME,
    "tasks": tasks.__file__,
    "ours": [xrt_products.__file__, ukssdc.__file__, request_products.fn.__globals__["__file__"]],
    "flow": request_products.name,
    "version": xrt_products.__version__,
    "metadata": importlib.metadata.version("xrt-products"),
}))
"""
pytestmark = pytest.mark.xdist_group("packaging")


@pytest.fixture
def environment(environment_with: Callable[[str], FreshEnvironment]) -> FreshEnvironment:
    return environment_with("tree")


@pytest.fixture(params=[True, False], ids=["flows with __init__", "flows without __init__"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a user's project with a folder `flows` and a `tasks.py`, as most Prefect projects have them."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "nightly.py").write_text("NAME = 'the user\\'s own'\n")
    (tmp_path / "tasks.py").write_text("")
    (tmp_path / "script.py").write_text(SCRIPT)
    if request.param:
        (tmp_path / "flows" / "__init__.py").write_text("")
    return tmp_path


def test_an_installation_adds_two_import_names_and_a_command(environment: FreshEnvironment) -> None:
    packages = {name for name in environment.added if not name.endswith(".dist-info")}

    assert packages == {"ukssdc", "xrt_products"}
    assert environment.python.with_name("xrt-products").exists()


def test_a_script_has_its_own_flows_and_tasks_and_ours(environment: FreshEnvironment, project: Path) -> None:
    found: dict[str, Any] = json.loads(environment.run("script.py", directory=project))

    assert found["flows"] == [str(project / "flows")]
    assert found["nightly"] == "the user's own"
    assert found["tasks"] == str(project / "tasks.py")
    assert [file for file in found["ours"] if not Path(file).is_relative_to(environment.site)] == []
    assert found["flow"] == "request products"
    assert found["version"] == found["metadata"]


def test_the_command_works_there(environment: FreshEnvironment, project: Path) -> None:
    assert "collect" in environment.run(environment.python.with_name("xrt-products"), "--help", directory=project)

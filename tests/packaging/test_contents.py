"""What is in a wheel: two import names, each file of the source once, and the same from the sdist."""

from __future__ import annotations

import stat
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
INSTALLED_AS = {
    "ukssdc": "ukssdc",
    "xrt_products": "xrt_products",
    "flows": "xrt_products/flows",
    "tasks": "xrt_products/tasks",
}
pytestmark = pytest.mark.xdist_group("packaging")  # one build, one virtual environment


def code_in(wheel: Path) -> list[str]:
    """Return the files in a wheel that are not about the wheel itself."""
    with ZipFile(wheel) as archive:
        return sorted(name for name in archive.namelist() if ".dist-info/" not in name)


def sources() -> list[str]:
    """Return where each file of the source belongs in an installation."""
    return sorted(
        f"{name}/{file.relative_to(ROOT / folder).as_posix()}"
        for folder, name in INSTALLED_AS.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    )


def test_a_wheel_holds_each_file_of_the_source_once(wheels: dict[str, Path]) -> None:
    code = code_in(wheels["tree"])

    assert code == sources()
    assert {name.split("/")[0] for name in code} == {"ukssdc", "xrt_products"}
    assert set(code) >= {
        "ukssdc/py.typed",
        "ukssdc/record/job.schema.json",
        "xrt_products/flows/cli/demo.yaml",
        "xrt_products/flows/cli/prefect.yaml",
        "xrt_products/py.typed",
        "xrt_products/tasks/observe/artifacts.py",
    }


def test_a_wheel_holds_no_links(wheels: dict[str, Path]) -> None:
    with ZipFile(wheels["tree"]) as archive:
        assert [f.filename for f in archive.infolist() if stat.S_ISLNK(f.external_attr >> 16)] == []


def test_a_wheel_tells_prefects_servers_of_the_account_block(wheels: dict[str, Path]) -> None:
    with ZipFile(wheels["tree"]) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        lines = archive.read(name).decode().splitlines()

    assert lines[lines.index("[prefect.collections]") + 1] == "xrt_products = xrt_products.tasks.account"


def test_the_wheel_from_the_sdist_is_the_same(wheels: dict[str, Path]) -> None:
    with ZipFile(wheels["tree"]) as tree, ZipFile(wheels["sdist"]) as sdist:
        assert {f.filename: f.CRC for f in sdist.infolist()} == {f.filename: f.CRC for f in tree.infolist()}

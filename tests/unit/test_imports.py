"""What an import brings in; how long it takes is measured by `make benchmark`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

COMMAND = Path(sys.executable).with_name("xrt-products")
HEAVY = ("prefect", "xrt_products", "starlette", "uvicorn", "yaml", "pandas", "astropy", "matplotlib")


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_client_brings_in_neither_prefect_nor_anything_else_that_is_heavy() -> None:
    assert modules_after("import ukssdc").isdisjoint(HEAVY)


@pytest.mark.parametrize("command", ["--help", "status --help", "run --help"])
def test_the_command_lines_help_does_not_import_prefect(command: str) -> None:
    run = f"import sys\nsys.argv = ['xrt-products', *{command.split()!r}]\n"
    run += "from xrt_products.flows.cli.commands import main\n"

    assert "prefect" not in modules_after(f"{run}try:\n    main()\nexcept SystemExit:\n    pass")


def test_the_flows_are_there_when_they_are_asked_for() -> None:
    assert "prefect" in modules_after("from xrt_products import request_products")


def test_what_the_flows_do_not_have_is_an_attribute_error() -> None:
    import xrt_products  # noqa: PLC0415

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = xrt_products.nonsense


def test_a_urllib3_that_cannot_read_an_answer_as_it_comes_is_not_installed() -> None:
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text("utf-8"))["project"]

    wanted = {found.name: found.specifier for found in map(Requirement, project["dependencies"])}

    assert list(wanted["urllib3"].filter(["1.26.20", "2.1.0", "2.2.0"])) == ["2.2.0"]  # the first with read1()

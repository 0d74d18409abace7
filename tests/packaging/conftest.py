"""Fixtures: what an installation gets, built once and installed once, from the working tree and from the sdist."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from fresh_environment import FreshEnvironment

ROOT = Path(__file__).parents[2]


def build(source: Path, target: str, directory: Path) -> Path:
    """Build a wheel or an sdist, without the network, and return it."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(directory)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = directory.iterdir()
    return built


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the wheels by what they were built from: `tree`, `sdist`."""
    folder = tmp_path_factory.mktemp("built")
    with tarfile.open(build(ROOT, "sdist", folder / "sdist")) as sdist:
        sdist.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return {
        "tree": build(ROOT, "wheel", folder / "from-tree"),
        "sdist": build(unpacked, "wheel", folder / "from-sdist"),
    }


@pytest.fixture(scope="session")
def environment_with(
    wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], FreshEnvironment]:
    """Return the virtual environment with one of the wheels; made when it is first asked for."""
    return cache(lambda source: FreshEnvironment(tmp_path_factory.mktemp(f"venv-{source}"), wheels[source]))

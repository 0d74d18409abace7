"""A virtual environment in which the built wheel is installed, and nothing of the working tree can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

TIMEOUT = 120.0  # s


def run(command: list[str | Path], directory: Path) -> str:
    """Run a command in a folder and return what it printed; the test fails where the command does."""
    environment = os.environ | {"PWD": str(directory)}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class FreshEnvironment:
    """A virtual environment with one wheel in it.

    The dependencies are those of the environment that runs the tests, seen through a .pth file. The .pth files in
    there count for nothing here, so its editable installation of the project stays out of sight.

    Parameters
    ----------
    directory : Path
        Where it is made.
    wheel : Path
        What is installed.

    Attributes
    ----------
    python : Path
        Its interpreter.
    site : Path
        Where its packages are.
    added : set of str
        What the wheel has brought to `site`.
    """

    def __init__(self, directory: Path, wheel: Path) -> None:
        venv.create(directory, with_pip=False, symlinks=True)
        self.python = directory / "bin" / "python"
        scheme = {"base": str(directory), "platbase": str(directory)}
        self.site = Path(sysconfig.get_path("purelib", "venv", scheme))
        (self.site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        before = {path.name for path in self.site.iterdir()}
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check"]
        run([*pip, "install", "--quiet", "--no-index", "--no-deps", "--force-reinstall", wheel], directory)
        self.added = {path.name for path in self.site.iterdir()} - before

    def run(self, *arguments: str | Path, directory: Path) -> str:
        """Run the interpreter in a folder and return what it printed."""
        return run(["env", "--unset=PYTHONPATH", self.python, *arguments], directory)

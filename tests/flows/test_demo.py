"""The end of the demonstration: `make demo-stop` says whether there was a server to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest

COMMAND = "from xrt_products.flows.cli.demo import stop_demo; stop_demo()"


def stop(folder: Path) -> str:
    """Run what `make demo-stop` runs, and return what it says."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    path = tmp_path / ".demo" / "server.pid"
    path.parent.mkdir()
    return path


def test_a_server_that_was_left_up_is_ended_and_named(tmp_path: Path, pid_file: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)", "prefect"]
    with subprocess.Popen(sleeper, start_new_session=True) as server:
        pid_file.write_text(str(server.pid))
        Thread(target=server.wait).start()  # else it stays in the table of processes when it has ended

        said = stop(tmp_path)

        assert said == f"Ended the demonstration's Prefect server (process {server.pid}).\n"
        assert server.wait(10) != 0
    assert not pid_file.exists()


def test_where_no_server_was_left_up_it_says_so(tmp_path: Path, pid_file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pid_file.write_text(str(gone.pid))

    assert stop(tmp_path) == "No Prefect server of the demonstration was running.\n"
    assert stop(tmp_path) == "No Prefect server of the demonstration was running.\n"

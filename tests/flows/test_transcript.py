"""What a person sees of `run`, Ctrl-C and `collect`, in terminals of two sizes: kept in `test-results/`, to be read.

It needs tmux: `apt-get install tmux`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from prefect_runs import wait_for
from user_servers import TIMEOUT, own_state, wait_for_end
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("own server")]

COMMAND = Path(sys.executable).with_name("xrt-products")
RESULTS = Path(__file__).parents[2] / "test-results"
DURATION = 6000.0  # s of service time, of which each poll takes a minute: a hundred polls of a second
SCENARIO = Scenario(
    {
        "all": Build(requested=60, queued=60, running=DURATION),
        Product.StandardPos: Build(requested=0, queued=0, running=0),
    }
)
# Prefect's words of its own work, and whatever else a person at a terminal has no use for.
UNWANTED = (
    "Crash",
    "Retry",
    "Traceback",
    "Task run",
    "Flow run",
    "Finished in state",
    "EventsWorker",
    "Prefect server",
)


class Screen:
    """A terminal of tmux in which a shell runs.

    Parameters
    ----------
    columns, lines : int
        Its size.
    folder : Path
        Where the shell starts.
    """

    def __init__(self, columns: int, lines: int, folder: Path) -> None:
        self._socket = f"xrt-{uuid4().hex[:8]}"
        self.text = ""
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(folder), "sh")
        self.type(f"PS1='$ '; alias xrt-products={shlex.quote(str(COMMAND))}; clear")
        wait_for("the shell", lambda: self._screen().strip() == "$", TIMEOUT)

    def type(self, line: str) -> None:
        """Type a line, and press Enter."""
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def wait_for(self, pattern: str) -> None:
        """Wait until the screen shows something, and keep it."""
        wait_for(f"{pattern!r} on the screen", lambda: re.search(pattern, self._screen()), TIMEOUT)
        self.text += f"{'-' * 20} {pattern}\n{self._screen()}\n"

    def close(self) -> None:
        self._tmux("kill-server")

    def _screen(self) -> str:
        """Return what is on the screen, and what has scrolled out of it; lines that the terminal broke are whole."""
        text = self._tmux("capture-pane", "-p", "-J", "-S", "-")
        return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *words],
            env=dict(os.environ),  # without COLUMNS and LINES, which readline sets below Python
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT,
        )
        return done.stdout


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Serve with a clock that waits for the test, however long the machine takes."""
    with Emulator(users=(USER,), scenario=SCENARIO, seconds_per_poll=60.0) as running:
        monkeypatch.setenv("UKSSDC_USER", USER)
        monkeypatch.setenv("UKSSDC_URL", running.url)
        yield running


@pytest.fixture
def folder(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a user's folder with a request in it; no Prefect server is set up."""
    assert prefect_api  # its database is copied
    products = (Product.LightCurve, Product.StandardPos, Product.Image)
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(request_for(*products).model_dump(mode="json")))
    with own_state(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield tmp_path


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (140, 40)])
def test_each_line_of_a_session_is_one_that_a_person_wants(
    emulator: Emulator, folder: Path, columns: int, lines: int
) -> None:
    screen = Screen(columns, lines, folder)
    try:
        screen.type("xrt-products run grb.yaml --interval 1")
        screen.wait_for(r"next look in \d+ s")
        screen.wait_for(r"(?m)^. (LightCurve|Image) .* [1-9]\d? %")
        screen.wait_for(r"(?m)^. StandardPos .* downloaded")
        screen.press("C-c")
        screen.wait_for(r"xrt-products collect 951   waits for the rest and downloads it\n.*\n\$$")
        interrupted = screen.text.splitlines()[-6:]
        screen.type("echo $?")
        screen.wait_for(r"(?m)^130$")
        screen.type("xrt-products collect 951 --interval 1")
        screen.wait_for(r"next look in \d+ s")
        emulator.advance(DURATION)
        screen.wait_for(r"Quick look: products/GRB_200416A/951/quicklook.md\n\$$")
    finally:
        screen.close()
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"transcript-{columns}x{lines}.txt").write_text(screen.text)

    assert "job 951 (GRB 200416A) goes on at the service" in "\n".join(interrupted)
    assert "On disk, in products/GRB_200416A/951: psf.tar.gz" in "\n".join(interrupted)
    assert [word for word in UNWANTED if word in screen.text] == []
    assert ("Running for" in screen.text) is (columns > 110)
    assert max(len(line) for line in screen.text.splitlines() if "━" in line) <= columns
    wait_for_end(folder)

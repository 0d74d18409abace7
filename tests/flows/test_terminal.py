"""A flow's run as the terminal shows it: table and download bars below the log, plain lines elsewhere."""

from __future__ import annotations

import io
import itertools
import logging
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prefect.logging.handlers import PrefectConsoleHandler
from prefect_runs import copy_database
from rich.console import Console
from terminal import COMMAND, HIDE_CURSOR, Terminal, left_on_screen
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Job, JobStatus, Product
from ukssdc.emulator import Build, Fault
from xrt_products import request_products
from xrt_products.flows.cli.live import live_below_log
from xrt_products.tasks.observe.display import use_display

LC, IMAGE = Product.LightCurve, Product.Image
BUILD = Build(requested=0, queued=0, running=150, size=2 << 20)
SLOW = Fault("slow", "download", rate=1.0, seconds=1.0)
RUN = ("run", "grb.yaml", "--interval", 0.3, "--no-quicklook")  # drawing takes longer than all the rest
COLLECT = ("collect", 951, "--interval", 0.3, "--no-quicklook")
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \| ")
DOWNLOAD = re.compile(r"(LightCurve|Image) +[━╸╺]+ \d\.\d/2\.1 MB \d+\.\d [kM]B/s \d:\d\d:\d\d")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a request in it."""
    body = request_for(IMAGE, LC).model_dump(mode="json")
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(body))
    return tmp_path


class Recorder:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.pending: list[int] = []
        self.retries: list[tuple[str, Exception, float]] = []
        self.downloads: dict[Product, list[tuple[int, int | None]]] = {}
        self.outcomes: dict[Product, str] = {}

    def status(self, job: Job, status: JobStatus) -> None:
        self.pending.append(len(status.pending))
        assert job.job_id == 951

    def retry(self, name: str, error: Exception, delay: float) -> None:
        self.retries.append((name, error, delay))

    def download(self, product: Product, size: int, total: int | None) -> None:
        self.downloads.setdefault(product, []).append((size, total))

    def outcome(self, product: Product, outcome: str) -> None:
        self.outcomes[product] = outcome


class Broken:
    """A display that fails."""

    def fail(self, *_: Any) -> None:
        raise RuntimeError("no terminal")

    status = retry = download = outcome = fail


@pytest.mark.parametrize("arguments", [RUN, COLLECT], ids=["run", "collect"])
def test_in_a_terminal_there_are_a_live_table_and_download_bars_and_at_the_end_the_report(
    serve: Serve, folder: Path, arguments: tuple[object, ...]
) -> None:
    emulator = serve({"all": BUILD}, faults=[SLOW])
    if arguments == COLLECT:
        Client(USER, emulator.url).submit(request_for(IMAGE, LC))

    terminal = Terminal(*arguments, directory=folder)
    status = terminal.end()

    frames = terminal.frames("GRB 200416A, job 951")
    tables = [[line for line in frame if "%" in line and "━" in line] for frame in frames]
    left = terminal.screen()
    log = [line for line in left if " | INFO " in line]
    assert status == 0, terminal.written
    assert any(len(rows) == 2 and all(re.search(r"\b[1-9]\d? %", row) for row in rows) for rows in tables)
    assert {m[1] for frame in frames for line in frame if (m := DOWNLOAD.search(line))} == {"LightCurve", "Image"}
    assert any("downloaded" in row for rows in tables for row in rows)
    assert "Next" in terminal.written
    assert [line for line in left if "Next" in line or DOWNLOAD.search(line)] == []
    assert len(log) > 5
    assert all(LOG_LINE.match(line) for line in log)
    assert left[-6].split("┃")[2].strip() == "Outcome"
    assert [line.split()[3] for line in left[-4:-2]] == ["downloaded", "downloaded"]
    assert terminal.cursor_is_back


def test_ctrl_c_leaves_a_tidy_terminal_and_cancels_the_job(serve: Serve, folder: Path) -> None:
    emulator = serve({"all": Build(requested=0, queued=0, running=1e6)})

    terminal = Terminal(*RUN, directory=folder)
    terminal.press_ctrl_c(after="Running (3)")

    assert terminal.end() == 130
    left = terminal.screen()
    assert left[-1] == "xrt-products: stopped. `xrt-products jobs` shows what goes on at the service"
    assert [line for line in left if "━" in line] == []
    assert terminal.cursor_is_back
    assert "Traceback" not in terminal.written
    assert len(emulator.ledger.calls("cancel")) == 1


def test_ctrl_c_where_no_prefect_server_is_set_up_cancels_the_job_and_ends_the_commands_own_server(
    serve: Serve, folder: Path
) -> None:
    emulator = serve({"all": Build(requested=0, queued=0, running=1e6)})
    copy_database(folder / "prefect.db")
    own = {
        "PREFECT_API_URL": "",
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder}/prefect.db",
    }

    terminal = Terminal(*RUN, directory=folder, environment=own)
    terminal.press_ctrl_c(after="Running (3)")

    assert terminal.end() == 130
    assert len(emulator.ledger.calls("cancel")) == 1
    assert terminal.screen()[-1].startswith("xrt-products: stopped.")
    assert "Traceback" not in terminal.written
    (url,) = set(re.findall(r"its UI at (http://127\.0\.0\.1:\d+)", terminal.written))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/api/health", timeout=5)


def test_ctrl_c_ends_a_download_in_its_middle_and_keeps_what_has_come(serve: Serve, folder: Path) -> None:
    serve({"all": Build(requested=0, queued=0, running=0, size=2 << 20)}, faults=[replace(SLOW, seconds=40.0)])

    terminal = Terminal(*RUN, directory=folder)
    terminal.press_ctrl_c(after="B/s")

    assert terminal.end() == 130
    files = {file.name for file in (folder / "products/GRB_200416A/951").iterdir()}
    assert {"lc.tar.gz.part", "image.tar.gz.part"} <= files
    assert not {"lc.tar.gz", "image.tar.gz"} & files
    assert "Traceback" not in terminal.written


def test_piped_there_are_plain_lines_and_no_bars(serve: Serve, folder: Path) -> None:
    serve({"all": BUILD}, faults=[SLOW])

    done = subprocess.run(
        [COMMAND, *map(str, RUN)], cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "B/s" not in done.stdout + done.stderr
    assert done.stderr.count("Light curve of job 951: downloaded to") == 1
    assert all(LOG_LINE.match(line) for line in done.stderr.splitlines()), done.stderr


def test_where_only_the_log_goes_to_a_terminal_nothing_is_live(serve: Serve, folder: Path) -> None:
    serve()

    with (folder / "report.txt").open("w") as report:
        terminal = Terminal(*RUN, directory=folder, stdout=report)
        status = terminal.end()

    assert status == 0
    assert HIDE_CURSOR not in terminal.written
    assert "\x1b" not in (folder / "report.txt").read_text()


def test_log_lines_of_other_threads_leave_nothing_of_the_table_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xrt_products.flows.cli.live.REDRAWN_EVERY", 0.001)
    written = io.StringIO()
    handler = PrefectConsoleHandler(written)
    handler.console = Console(file=written, force_terminal=True, width=80, height=40)
    heights = itertools.cycle([1, 9, 3])

    class Table:
        def __rich__(self) -> str:
            return "\n".join(["table"] * next(heights))

    with live_below_log(handler, Table()):
        for number in range(500):
            handler.handle(logging.LogRecord("flow", logging.INFO, "", 0, f"line {number}", None, None))

    assert written.getvalue().count("table") > 500
    assert left_on_screen(written.getvalue()) == [f"line {number}" for number in range(500)]


def test_a_display_is_told_of_polls_downloads_and_outcomes(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: BUILD, IMAGE: Build(ends=-3)})
    display = Recorder()

    with use_display(display):
        request_products(request_for(LC, IMAGE), **options, on_failure="return")

    assert display.pending[0] == 2
    assert display.pending[-1] == 0
    assert list(display.downloads) == [LC]
    assert display.downloads[LC][0] == (0, 2 << 20)
    assert display.downloads[LC][-1] == (2 << 20, 2 << 20)
    assert display.outcomes == {LC: "downloaded", IMAGE: "failed"}


def test_a_display_that_fails_changes_nothing(serve: Serve, options: dict[str, Any]) -> None:
    serve()

    with use_display(Broken()):
        report = request_products(request_for(LC, IMAGE), **options)

    assert report.ok

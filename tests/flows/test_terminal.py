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
import yaml
from failing_disk import FailingDisk
from prefect.logging.handlers import PrefectConsoleHandler
from prefect_runs import meanwhile
from rich.console import Console
from terminal import COMMAND, HIDE_CURSOR, Terminal, left_on_screen
from user_servers import own_state, wait_for_end
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Job, JobStatus, Product
from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.emulator import Build, Fault
from xrt_products import request_products
from xrt_products.flows.cli.live import LiveDisplay, live_below_log
from xrt_products.tasks.observe.display import use_display

LC, IMAGE = Product.LightCurve, Product.Image
BUILD = Build(requested=0, queued=0, running=150, size=2 << 20)
ENDLESS = Build(requested=0, queued=0, running=1e6)
SLOW = Fault("slow", "download", rate=1.0, seconds=1.0)
RUN = ("run", "grb.yaml", "--interval", 0.3, "--no-quicklook")  # drawing takes longer than all the rest
COLLECT = ("collect", 951, "--interval", 0.3, "--no-quicklook")
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d  ")
GOES_ON = [
    "xrt-products: interrupted; job 951 (GRB 200416A) goes on at the service",
    "Nothing of it is on disk yet",
    "  xrt-products collect 951   waits for the rest and downloads it",
    "  xrt-products cancel 951    cancels it",
]
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

    def campaign(self, name: str, progress: CampaignProgress) -> None:
        raise AssertionError(f"{name} is no campaign: {progress}")


class Broken:
    """A display that fails."""

    def fail(self, *_: Any) -> None:
        raise RuntimeError("no terminal")

    status = retry = download = outcome = campaign = fail


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
    log = left[: left.index("GRB 200416A, job 951")]
    assert status == 0, terminal.written
    assert any(len(rows) == 2 and all(re.search(r"\b[1-9]\d? %", row) for row in rows) for rows in tables)
    assert {m[1] for frame in frames for line in frame if (m := DOWNLOAD.search(line))} == {"LightCurve", "Image"}
    assert any("downloaded" in row for rows in tables for row in rows)
    assert "Next" in terminal.written
    assert [line for line in left if "Next" in line or DOWNLOAD.search(line)] == []
    assert len(log) == (3 if arguments == RUN else 2)
    assert all(LOG_LINE.match(line) for line in log)
    assert left[-6].split("┃")[2].strip() == "Outcome"
    assert [line.split()[3] for line in left[-4:-2]] == ["downloaded", "downloaded"]
    assert terminal.cursor_is_back


@pytest.mark.parametrize("arguments", [RUN, COLLECT], ids=["run", "collect"])
def test_ctrl_c_leaves_the_job_to_the_service_and_says_how_to_go_on(
    serve: Serve, folder: Path, arguments: tuple[object, ...]
) -> None:
    emulator = serve({"all": ENDLESS})
    if arguments == COLLECT:
        Client(USER, emulator.url).submit(request_for(IMAGE, LC))

    terminal = Terminal(*arguments, directory=folder)
    terminal.press_ctrl_c(after="Running (3)")

    assert terminal.end() == 130
    left = terminal.screen()
    assert left[-4:] == GOES_ON
    assert [line for line in left if "━" in line or "Crash" in line] == []
    assert terminal.cursor_is_back
    assert "Traceback" not in terminal.written
    assert emulator.ledger.calls("cancel") == []


def test_ctrl_c_cancels_the_job_where_that_is_asked_for(serve: Serve, folder: Path) -> None:
    emulator = serve({"all": ENDLESS})

    terminal = Terminal(*RUN, "--cancel-on-interrupt", directory=folder)
    terminal.press_ctrl_c(after="Running (3)")

    assert terminal.end() == 130
    assert len(emulator.ledger.calls("cancel")) == 1
    assert terminal.screen()[-1].startswith("xrt-products: interrupted; cancelled at the service: job 951: ")


def test_ctrl_c_in_a_narrow_terminal_names_the_destination_that_was_chosen(serve: Serve, folder: Path) -> None:
    serve({"all": ENDLESS})

    terminal = Terminal(*RUN, "--destination", "my products", directory=folder)
    terminal.press_ctrl_c(after="Running (3)")

    assert terminal.end() == 130
    assert "  xrt-products collect 951 --destination 'my products'   waits for" in terminal.screen()[-2]


def test_a_second_ctrl_c_ends_a_command_at_once(serve: Serve, folder: Path) -> None:
    serve({"all": ENDLESS}, faults=[Fault("stall", "cancel", rate=1.0, seconds=60.0)])

    terminal = Terminal(*RUN, "--cancel-on-interrupt", directory=folder)
    terminal.press_ctrl_c(after="Running (3)")
    terminal.press_ctrl_c(after="Running (3)")

    assert terminal.end() == 130
    assert "xrt-products: ended at once." in terminal.screen()[-1]
    assert terminal.cursor_is_back


def test_ctrl_c_where_no_prefect_server_is_set_up_leaves_the_job_and_ends_the_commands_server(
    serve: Serve, folder: Path
) -> None:
    emulator = serve({"all": ENDLESS})
    with own_state(folder) as environment:
        terminal = Terminal(*RUN, directory=folder, environment=environment)
        terminal.press_ctrl_c(after="Running (3)")

        assert terminal.end() == 130
        assert terminal.screen()[-4:] == GOES_ON
        assert "Traceback" not in terminal.written
        wait_for_end(folder)
    assert emulator.ledger.calls("cancel") == []


def test_below_the_table_ticks_when_the_next_look_comes_and_retries_are_not_shown(serve: Serve, folder: Path) -> None:
    serve({"all": ENDLESS})

    terminal = Terminal("run", "grb.yaml", "--interval", 3, "--no-quicklook", directory=folder)
    terminal.press_ctrl_c(after="next look in 1 s")

    assert terminal.end() == 130
    assert re.findall(r"next look in (\d) s", terminal.written)[:1] == ["3"]
    assert "Retry" not in terminal.written
    assert "ProductsPending" not in terminal.written


def test_a_service_that_is_away_and_a_slot_that_is_not_free_are_shown(serve: Serve, folder: Path) -> None:
    emulator = serve({"all": ENDLESS}, faults=[Fault("http_502", "status", rate=1.0)])
    Client(USER, emulator.url).submit(request_for(IMAGE))

    waiting = Terminal(*RUN, "--max-active", 1, directory=folder)
    waiting.press_ctrl_c(after="waiting for a slot: 1 of 1 active; ")
    assert waiting.end() == 130
    assert waiting.screen()[-1] == "xrt-products: interrupted; nothing has been submitted"

    away = Terminal(*COLLECT, directory=folder)
    away.press_ctrl_c(after="the service is away since ")
    assert away.end() == 130
    assert re.search(r"the service is away since \d\d:\d\d \(HTTP 5\d\d\); ", away.written)


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


def test_a_full_disk_is_told_as_such_and_once(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    disk = FailingDisk(options["destination"])
    disk.install(monkeypatch)
    disk.full = lambda name: name.endswith(".part")
    display, lines = LiveDisplay(), list[str | None]()
    monkeypatch.setattr(display, "say", lines.append)

    with (
        use_display(display),
        meanwhile(lambda: disk.count >= 4, lambda: setattr(disk, "full", lambda _: False)),
    ):
        report = request_products(request_for(LC, IMAGE), **options)

    assert report.ok
    said = [line for line in lines if line and line.startswith("disk full")]
    assert len(said) == 1
    assert re.fullmatch(r"disk full since \d\d:\d\d \(make room, and it goes on by itself\)", said[0])


def test_a_display_that_fails_changes_nothing(serve: Serve, options: dict[str, Any]) -> None:
    serve()

    with use_display(Broken()):
        report = request_products(request_for(LC, IMAGE), **options)

    assert report.ok

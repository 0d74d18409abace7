"""`xrt-products watch`: a live table in a terminal, plain lines elsewhere, an exit status as for collect."""

from __future__ import annotations

import re
import subprocess
import sys
from io import StringIO

import pytest
from raw_server import http, raw_server
from rich.console import Console
from terminal import Terminal
from xrt_support import USER, Serve, request_for

from ukssdc import Client, Job, JobStatus, Product, ProductStatus
from ukssdc.emulator import ABSENT, Build, Emulator, Stage
from xrt_products.flows.cli.watch import View, watch_job

LC, IMAGE = Product.LightCurve, Product.Image
FAST = 0.05  # s
UNPREFECT = "import sys; from xrt_products.flows.cli.commands import app; code = app(['watch', '951', '--interval', '0.05'], result_action='return_value'); sys.exit(7 if 'prefect' in sys.modules else code)"  # noqa: E501


def submitted(emulator: Emulator, *products: Product) -> tuple[Client, Job]:
    client = Client(USER, emulator.url)
    return client, client.submit(request_for(*products))


def watched(client: Client, job: Job) -> tuple[int, list[str]]:
    """Watch a job where stdout is no terminal; return the exit status and the lines."""
    out = StringIO()
    status = watch_job(client, job, interval=FAST, console=Console(file=out, width=60))
    return status, out.getvalue().splitlines()


def test_where_it_is_no_terminal_there_is_a_plain_line_per_change(serve: Serve) -> None:
    stages = (Stage(60, 1, "Requested"), Stage(180, 2, "Queued"), Stage(0, 4, "Complete"))
    client, job = submitted(serve({LC: Build(stages=stages)}), LC)

    status, lines = watched(client, job)

    assert status == 0
    assert lines == [
        "LightCurve: 0 %, Requested (1), next: the queue",
        "LightCurve: 0 %, Queued (2), next: its build",
        "LightCurve: 100 %, Complete (4), next: download",
        "Complete: LightCurve. Download with: xrt-products collect 951",
    ]


def test_a_running_product_tells_its_step_and_what_comes_next(serve: Serve) -> None:
    client, job = submitted(serve({LC: Build(requested=0, queued=0, running=600)}), LC)

    _, lines = watched(client, job)

    assert any("Extract data" in line and "next: Binning light curve." in line for line in lines)
    assert any("running for" in line for line in lines)


def test_a_line_says_nothing_of_what_is_null() -> None:
    steps = [{"StepLabel": None, "StepStatus": 1, "StepExtra": None}, {"StepLabel": None, "StepStatus": 0}]
    progress = {"GotProgress": 1, "ProgressSteps": steps, "TimeRunning": None}
    running = ProductStatus(status_code=3, status_text="Running", progress=progress)
    view = View(Job(job_id=951, url="http://127.0.0.1/951", name="GRB 200416A", products=(LC,)))

    assert view.update(JobStatus({LC: running})) == ["LightCurve: 0 %, Running (3)"]


@pytest.mark.parametrize(
    ("build", "status"),
    [(Build(ends=-3), 1), (Build(ends=-4), 0), (Build(stages=(Stage(0, ABSENT, ""),)), 1), (Build(), 0)],
    ids=["failed", "cancelled", "no status", "complete"],
)
def test_it_ends_with_1_where_a_product_failed(serve: Serve, build: Build, status: int) -> None:
    client, job = submitted(serve({LC: build}), LC, IMAGE)

    assert watched(client, job)[0] == status


def test_a_product_that_has_a_status_again_is_waited_for(serve: Serve) -> None:
    # Without a status for four polls of a minute, while the image is still built; then it runs, and is complete.
    stages = (Stage(240, ABSENT, ""), Stage(240, 3, "Running"), Stage(0, 4, "Complete"))
    builds = {LC: Build(stages=stages), IMAGE: Build(requested=0, queued=0, running=330)}
    client, job = submitted(serve(builds), LC, IMAGE)

    status, lines = watched(client, job)

    assert status == 0
    assert lines[-2].startswith("LightCurve: 100 %, Complete (4)")


def test_an_interval_that_would_annoy_the_service_is_refused_before_anything_is_asked() -> None:
    client = Client(USER, "https://service.invalid/user_objects")

    with pytest.raises(ValueError, match="once a minute"):
        watch_job(client, Job(job_id=1, url="", name="x", products=(LC,)), interval=59)


def test_trouble_that_may_pass_is_shown_and_waited_out() -> None:
    busy = http(b"Busy", "503 Service Unavailable")
    done = http(b'{"OK": 1, "lc": {"statusCode": 4, "statusText": "Complete"}}')

    with raw_server(busy, done) as url:
        status, lines = watched(Client(USER, url), Job(job_id=1, url=url, name="x", products=(LC,)))

    assert status == 0
    assert re.fullmatch(r"the service is away since \d\d:\d\d \(HTTP 503\)", lines[0])
    assert [line for line in lines if "answers again" in line] == ["the service answers again"]
    assert lines[-2].startswith("LightCurve: 100 %")


def test_the_command_needs_no_prefect(serve: Serve) -> None:
    submitted(serve({LC: Build(ends=-3)}), LC)

    done = subprocess.run([sys.executable, "-c", UNPREFECT], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert "LightCurve: 0 %" in done.stdout


def test_in_a_terminal_there_is_a_live_table_with_a_bar_per_product(serve: Serve) -> None:
    submitted(serve({"all": Build(requested=0, queued=0, running=600)}), LC, IMAGE)

    terminal = Terminal("watch", 951, "--interval", 0.2)
    status = terminal.end()

    frames = terminal.frames("GRB 200416A, job 951")
    bars = [[line for line in frame if "━" in line and "%" in line] for frame in frames]
    assert status == 0
    assert len(frames) > 2
    assert [len(rows) for rows in bars if len(rows) != 2] in ([], [0])  # the first frame may come before the answer
    assert all("100 %" in row for row in bars[-1])
    assert any(re.search(r"\b[1-9]\d? %", row) for rows in bars for row in rows)
    assert USER not in terminal.written


def test_ctrl_c_ends_it_with_one_line(serve: Serve) -> None:
    submitted(serve({"all": Build(running=1e6)}), LC)

    terminal = Terminal("watch", 951, "--interval", 0.2)
    terminal.press_ctrl_c(after="Running (3)")

    assert terminal.end() == 130
    assert terminal.screen()[-1] == "xrt-products: stopped watching; job 951 goes on at the service"
    assert terminal.cursor_is_back
    assert "Traceback" not in terminal.written


@pytest.mark.parametrize(("columns", "headings"), [(60, 3), (80, 3), (120, 7), (200, 7)])
def test_the_table_fits_the_terminal_and_cuts_no_text(columns: int, headings: int) -> None:
    label = "Extract data: working on observation 00966554000"
    steps = [{"StepLabel": label, "StepStatus": 1}, {"StepLabel": "Binning light curve", "StepStatus": 0}]
    progress = {"GotProgress": 1, "ProgressSteps": steps, "TimeRunning": "00:01:52"}
    running = ProductStatus(status_code=3, status_text="Running", progress=progress)

    title, _, heading, _, *rows, _, url = drawn(JobStatus({LC: running, IMAGE: running}), columns)

    assert title == "GRB 200416A, job 951"
    assert url == "http://127.0.0.1/951"
    assert len(heading.strip("┃").split("┃")) == headings
    assert [row.split()[1] for row in rows if "%" in row] == ["LightCurve", "Image"]
    words = re.sub("[│━╸╺]", " ", " ".join(rows)).split()
    assert [word for word in label.split() if words.count(word) != 2] == []
    assert "…" not in "".join(rows)


def test_a_column_in_which_there_is_nothing_is_left_out() -> None:
    queued = ProductStatus(status_code=2, status_text="Queued")

    (heading,) = [line for line in drawn(JobStatus({LC: queued, IMAGE: queued}), 140) if "Product" in line]

    assert [name.strip() for name in heading.strip("┃").split("┃")] == ["Product", "Done", "", "Status", "Next"]


def test_what_is_downloaded_has_no_download_to_come() -> None:
    complete = ProductStatus(status_code=4, status_text="Complete")

    lines = drawn(JobStatus({LC: complete}), 140, {LC: "downloaded"})

    assert "download" not in " ".join(lines).replace("downloaded", "")


def drawn(status: JobStatus, columns: int, outcomes: dict[Product, str] | None = None) -> list[str]:
    """Return the lines of the live table, each of which fits."""
    view = View(Job(job_id=951, url="http://127.0.0.1/951", name="GRB 200416A", products=(LC, IMAGE)))
    view.update(status)
    view.outcomes |= outcomes or {}
    out = StringIO()
    Console(file=out, width=columns).print(view)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert all(len(line) < columns for line in lines)
    return lines

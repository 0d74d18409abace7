"""Output that cannot be written: every command writes what it can, and its exit status speaks of the job."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import yaml
from terminal import Terminal
from xrt_support import QUICK, USER, Serve, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Scenario

COMMAND = Path(sys.executable).with_name("xrt-products")
LC, IMAGE = Product.LightCurve, Product.Image
NAME = "η Car"
ENDLESS = Build(requested=0, queued=0, running=1e6)
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""}
TERMINALS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "strict ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "C": {"LC_ALL": "C", "LANG": "C"},
    "C without UTF-8": ASCII_LOCALE,
}
IN_THE_GATE = ("ascii", "C without UTF-8")


def later(*values: object) -> Any:
    """Return a case that `make test-long` runs: each is a process of its own."""
    return pytest.param(*values, marks=pytest.mark.long)


def start(*arguments: object, stdout: Any = subprocess.PIPE, **options: Any) -> subprocess.Popen[bytes]:
    environment = os.environ | {"COLUMNS": "120"} | options.pop("environment", {})
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, env=environment, **options
    )


def end(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    """Wait for a command; return its exit status and what it wrote."""
    out, err = process.communicate(timeout=180)
    assert b"Traceback" not in (out or b"") + err, err.decode(errors="replace")
    assert b"Exception ignored" not in err
    return process.returncode, out or b"", err


@pytest.fixture
def full() -> Iterator[IO[bytes]]:
    with Path("/dev/full").open("wb") as file:
        yield file


@pytest.fixture
def unread() -> Iterator[int]:
    """Return the end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Serve job 951, of which the image is complete and the light curve runs; no Prefect is needed for it."""
    scenario = Scenario({LC: ENDLESS, IMAGE: Build(requested=0, queued=0, running=0)})
    with Emulator(users=(USER,), scenario=scenario, seconds_per_poll=60.0) as running:
        monkeypatch.setenv("UKSSDC_USER", USER)
        monkeypatch.setenv("UKSSDC_URL", running.url)
        Client(USER, running.url).submit(request_for(LC, IMAGE, name=NAME))
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a request in it."""
    body = request_for(IMAGE, name=NAME).model_dump(mode="json")
    (tmp_path / "car.yaml").write_text(yaml.safe_dump(body))
    return tmp_path


SHOWING = [("status", 951), ("jobs",)]
EXITS: dict[object, int] = {"status": 3}  # the job is pending


@pytest.mark.parametrize("arguments", SHOWING, ids=["status", "jobs"])
@pytest.mark.parametrize("terminal", [name if name in IN_THE_GATE else later(name) for name in TERMINALS])
def test_a_name_that_the_terminal_cannot_show_is_shown_as_far_as_it_can(
    emulator: Emulator, arguments: tuple[object, ...], terminal: str
) -> None:
    assert emulator.jobs

    status, out, err = end(start(*arguments, environment=TERMINALS[terminal]))

    assert (status, err) == (EXITS.get(arguments[0], 0), b"")
    assert b" Car" in out
    assert b"LightCurve" in out


@pytest.mark.parametrize("terminal", ["ascii", "latin-1", "C without UTF-8"])
def test_a_table_on_a_terminal_without_box_characters_is_drawn_in_ascii(emulator: Emulator, terminal: str) -> None:
    assert emulator.jobs

    _, out, _ = end(start("status", 951, environment=TERMINALS[terminal]))

    lines = out.decode("ascii").splitlines()
    assert lines[0].startswith("? Car, job 951")
    assert sum(line.startswith("+--") for line in lines) >= 2
    assert out.count(b"?") == 1


def test_watching_and_cancelling_show_what_they_can_too(emulator: Emulator) -> None:
    cancelled = end(start("cancel", 951, environment=TERMINALS["ascii"]))
    watched = end(start("watch", 951, "--interval", 0.1, environment=TERMINALS["ascii"]))

    assert cancelled[0] == 1  # the image has ended already
    assert b"LightCurve: Job cancelled OK\n" in cancelled[1]
    assert watched[0] == 0
    assert watched[1].count(b"\n") >= 2
    assert len(emulator.ledger.calls("cancel")) == 1


def test_a_live_table_in_a_terminal_of_ascii_is_drawn(emulator: Emulator) -> None:
    emulator.cancel(951)
    emulator.advance(60)

    terminal = Terminal("watch", 951, "--interval", 0.1, environment=ASCII_LOCALE)

    assert terminal.end() == 0, terminal.written
    assert "? Car, job 951" in terminal.written
    assert terminal.written.isascii()


@pytest.mark.parametrize("arguments", [*SHOWING, ("cancel", 951, "LightCurve")], ids=["status", "jobs", "cancel"])
def test_a_full_disk_is_told_on_stderr_and_is_not_the_jobs_fault(
    emulator: Emulator, full: IO[bytes], arguments: tuple[object, ...]
) -> None:
    status, _, err = end(start(*arguments, stdout=full))

    assert status == EXITS.get(arguments[0], 0)
    assert err == b"xrt-products: could not write to stdout: No space left on device\n"
    assert len(emulator.ledger.calls("cancel")) == (arguments[0] == "cancel")


@pytest.mark.parametrize("ends", [-3, 4])
def test_watching_goes_on_to_the_jobs_end_where_the_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, full: IO[bytes], ends: int
) -> None:
    scenario = Scenario({"all": Build(requested=0, queued=0, running=200, ends=ends)})
    with Emulator(users=(USER,), scenario=scenario, seconds_per_poll=60.0) as emulator:
        monkeypatch.setenv("UKSSDC_USER", USER)
        monkeypatch.setenv("UKSSDC_URL", emulator.url)
        Client(USER, emulator.url).submit(request_for(LC))

        status, _, err = end(start("watch", 951, "--interval", 0.1, stdout=full))

    assert status == (0 if ends == 4 else 1)
    assert err.count(b"could not write to stdout") == 1
    assert len(emulator.ledger.calls("status")) > 3


@pytest.mark.parametrize(
    "arguments", [*SHOWING, ("cancel", 951, "LightCurve"), ("--help",), ("run", "--help")], ids=lambda a: a[0]
)
def test_a_pipe_that_nobody_reads_is_passed_over_in_silence(
    emulator: Emulator, unread: int, arguments: tuple[object, ...]
) -> None:
    assert emulator.jobs

    status, _, err = end(start(*arguments, stdout=unread))

    assert (status, err) == (EXITS.get(arguments[0], 0), b"")


def test_watching_ends_when_nobody_reads_its_lines_any_more(emulator: Emulator, unread: int) -> None:
    status, _, err = end(start("watch", 951, "--interval", 0.1, stdout=unread))

    assert (status, err) == (141, b"")
    assert len(emulator.ledger.calls("status")) == 1


def test_watching_a_job_that_is_over_speaks_of_the_job_though_nobody_reads(emulator: Emulator, unread: int) -> None:
    emulator.cancel(951)
    emulator.advance(60)

    assert end(start("watch", 951, "--interval", 0.1, stdout=unread))[0] == 0


@pytest.mark.parametrize("arguments", [*SHOWING, ("cancel", 951, "LightCurve")], ids=["status", "jobs", "cancel"])
@pytest.mark.parametrize("closed", [later(">&-"), later(">&- 2>&-"), "<&- >&- 2>&-", "2>&-"])
def test_where_stdout_or_stderr_is_closed_from_the_start_the_command_does_its_work(
    emulator: Emulator, arguments: tuple[object, ...], closed: str
) -> None:
    line = f'"{COMMAND}" {" ".join(map(str, arguments))} {closed}'

    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (EXITS.get(arguments[0], 0), b"")
    assert len(emulator.ledger.calls("cancel")) == (arguments[0] == "cancel")


def test_an_error_that_cannot_be_told_has_its_exit_status_all_the_same(emulator: Emulator, full: IO[bytes]) -> None:
    assert emulator.jobs

    done = subprocess.run([COMMAND, "status", "4711"], stdout=full, stderr=full, timeout=60, check=False)

    assert done.returncode == 1


def test_a_terminal_that_is_busy_is_waited_for(emulator: Emulator) -> None:
    """A program that has the same terminal or pipe can make it non-blocking: Node.js and ssh do."""
    for number in range(40):
        Client(USER, emulator.url).submit(request_for(LC, name=f"{NAME} {number} {'x' * 60}"))
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)

    process = start("jobs", stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        written = pipe.read()

    status, _, err = end(process)
    assert (status, err) == (0, b"")
    assert written.rstrip().endswith(b"active")
    assert len(written) > 4096


@pytest.mark.parametrize("terminal", [later("ascii"), later("latin-1"), "C without UTF-8"])
def test_a_run_downloads_and_ends_with_0_whatever_the_terminal_can_show(
    serve: Serve, folder: Path, terminal: str
) -> None:
    serve({IMAGE: QUICK})

    status, out, err = end(start("run", "car.yaml", "--interval", 0.2, cwd=folder, environment=TERMINALS[terminal]))

    assert status == 0, err.decode(errors="replace")
    assert b"? Car, job 951" in out
    assert b"downloaded" in out
    assert len(list(folder.glob("products/*/951/image.tar.gz"))) == 1


@pytest.mark.parametrize(
    ("command", "build"),
    [
        pytest.param("run", Build(ends=-3), id="run, failed"),
        pytest.param("collect", QUICK, id="collect, complete"),
        pytest.param("run", QUICK, id="run, complete", marks=pytest.mark.long),
        pytest.param("collect", Build(ends=-3), id="collect, failed", marks=pytest.mark.long),
    ],
)
def test_where_neither_report_nor_log_can_be_written_the_exit_status_is_the_jobs(
    serve: Serve, folder: Path, full: IO[bytes], build: Build, command: str
) -> None:
    emulator = serve({IMAGE: build})
    if command == "collect":
        Client(USER, emulator.url).submit(request_for(IMAGE, name=NAME))
    arguments = {"run": ("run", "car.yaml"), "collect": ("collect", "951")}[command]

    done = subprocess.run(
        [COMMAND, *arguments, "--interval", "0.2"], cwd=folder, stdout=full, stderr=full, timeout=180, check=False
    )

    assert done.returncode == (0 if build == QUICK else 1)
    assert len(list(folder.glob("products/*/951/image.tar.gz"))) == (build == QUICK)


def test_a_run_whose_report_and_log_nobody_reads_goes_on_to_its_end(serve: Serve, folder: Path, unread: int) -> None:
    serve({IMAGE: QUICK})

    done = subprocess.run(
        [COMMAND, "run", "car.yaml", "--interval", "0.2"],
        cwd=folder,
        stdout=unread,
        stderr=unread,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0
    assert len(list(folder.glob("products/*/951/image.tar.gz"))) == 1

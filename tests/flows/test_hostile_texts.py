"""Texts are texts: nothing that the service or a file's name holds controls the terminal, turns it or hides in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_process import CommandLine
from raw_server import http, raw_server
from terminal import COMMAND, Terminal
from xrt_support import USER, Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Stage

LC = Product.LightCurve
TEXTS = {
    "clear screen": "\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "clipboard": "\x1b]52;c;aGk=\x07",
    "clipboard in C1": "\x9d52;c;aGk=\x9c",
    "CSI in C1": "\x9b2J",
    "DCS": "\x1bP+q544e\x1b\\",
    "NUL, backspace, DEL": "\x00\x08\x7f",
    "carriage return": "all is well\rbad",
    "right to left": "\u202egnp.exe\u202c",
    "isolate": "\u2067abc\u2069",
    "mark": "\u200f\u061c",
    "line separator": "a\u2028b\u2029c",
    "byte-order mark": "\ufeff",
    "tags": "\U000e0041\U000e007f",
    "half a character": "\ud83d",
}
ALL = "|".join(["shown", *TEXTS.values()])
FORBIDDEN = set(ALL) - set(map(chr, range(0x20, 0x7F))) - {"\n", "\t"}


def answer(**keys: Any) -> bytes:
    return http(json.dumps({"OK": 1, **keys}).encode())


def entry(code: int, text: str) -> dict[str, Any]:
    steps = [{"StepLabel": text, "StepStatus": 1, "StepExtra": text}, {"StepLabel": text, "StepStatus": 0}]
    progress = {"GotProgress": 1, "PreProgress": text, "ProgressSteps": steps, "TimeRunning": text}
    return {"statusCode": code, "statusText": text, "progress": progress}


def command(url: str, *arguments: object, folder: Path | None = None) -> str:
    """Run a command to its end and return all that it wrote, which has no sequences of its own in a pipe."""
    done = CommandLine(folder or Path.cwd())(*arguments, UKSSDC_USER=USER, UKSSDC_URL=url)
    written = done.stdout + done.stderr
    assert "Traceback" not in written
    return written


def process(url: str, *arguments: object) -> str:
    """Run a command in a process of its own: its log goes where Python's does."""
    environment = os.environ | {"UKSSDC_USER": USER, "UKSSDC_URL": url, "COLUMNS": "200"}
    done = subprocess.run(
        [COMMAND, *map(str, arguments)], env=environment, capture_output=True, timeout=180, check=False
    )
    assert done.returncode in {0, 3}  # 3: it is still pending
    return (done.stdout + done.stderr).decode()


def assert_harmless(written: str) -> None:
    """See that a text is shown, and nothing that was in it has an effect."""
    found = {f"U+{ord(char):04X}" for char in FORBIDDEN & set(written)}
    assert found == set()
    assert "shown" in written


def attached(text: str) -> bytes:
    return answer(JobID=951, oldJob=951, URL="http://127.0.0.1/951", jobPars={"name": f"x{text}y", "lc": "1"})


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_status_shows_names_texts_and_progress_as_texts(text: str) -> None:
    with raw_server(attached(text), answer(lc=entry(3, f"shown{text}"))) as url:
        assert_harmless(command(url, "status", 951))


def test_a_command_in_a_process_of_its_own_writes_them_as_texts() -> None:
    with raw_server(attached(ALL), answer(lc=entry(3, ALL))) as url:
        assert_harmless(process(url, "status", 951))


def test_watch_shows_plain_lines_without_effect() -> None:
    lines = attached(ALL), answer(lc=entry(3, ALL)), answer(lc=entry(-3, ALL))
    with raw_server(*lines) as url:
        assert_harmless(command(url, "watch", 951, "--interval", 0.1))


def test_watch_in_a_terminal_writes_no_sequences_but_its_own() -> None:
    with raw_server(attached(ALL), answer(lc=entry(3, ALL)), answer(lc=entry(-3, ALL))) as url:
        terminal = Terminal("watch", 951, "--interval", 0.1, environment={"UKSSDC_USER": USER, "UKSSDC_URL": url})
        terminal.end()

    assert "\x1b[2J" not in terminal.written
    assert not re.search(r"\x1b[]P]", terminal.written)
    assert FORBIDDEN & set(terminal.written) <= {"\x1b", "\r"}
    assert "shown" in terminal.written


def test_jobs_shows_names_without_effect() -> None:
    job = {"JobID": 951, "Name": ALL, "DateSubmitted": "2026-01-01 00:00:00", "hasProd": True}
    with raw_server(answer(jobs=[job]), answer(numJobs=1)) as url:
        assert_harmless(command(url, "jobs"))


def test_cancel_shows_a_line_per_product_without_effect() -> None:
    texts = {"lc": f"{ALL}\nSpectrum: Job cancelled OK"}
    with raw_server(attached(""), answer(statusCodes={"lc": 0}, status=texts)) as url:
        written = command(url, "cancel", 951)

    assert_harmless(written)
    assert written.count("\n") == 1


def refusal(**keys: Any) -> bytes:
    return answer(**(keys | {"OK": 0}))


@pytest.mark.parametrize(
    "refused",
    [
        refusal(ERROR=ALL),
        refusal(ERROR="no", listErr=[{"label": ALL, "list": [ALL, {ALL: ALL}]}]),
        refusal(ERROR={"text": ALL}),
        http(f"<html>{ALL}</html>".encode(errors="replace")),
        http(json.dumps([ALL]).encode()),
        http(b"", f"500 {ALL.replace(chr(13), '').encode('latin-1', 'replace').decode('latin-1')}"),
    ],
    ids=["ERROR", "listErr", "ERROR as an object", "HTML", "a list", "reason"],
)
@pytest.mark.parametrize("arguments", [("status", 951), ("jobs",)], ids=["status", "jobs"])
def test_a_refusal_is_a_text(refused: bytes, arguments: tuple[object, ...]) -> None:
    with raw_server(refused) as url:
        written = command(url, *arguments)

    assert FORBIDDEN & set(written) == set(), [w for w in written.splitlines() if FORBIDDEN & set(w)]


def test_a_warning_of_the_service_is_a_text() -> None:
    warned = {"deprecationWarning": {"message": ALL}}
    with raw_server(answer(jobs=[], **warned), answer(numJobs=0)) as url:
        assert_harmless(process(url, "jobs"))


@pytest.mark.parametrize("ends", [4, -3, -4])
def test_a_run_shows_status_texts_without_effect(serve: Serve, tmp_path: Path, ends: int) -> None:
    text = ALL.replace("\ud83d", "")
    emulator = serve({LC: Build(stages=(Stage(90, 3, text), Stage(0, ends, text)))})
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(request_for(LC).model_dump(mode="json")))

    written = command(emulator.url, "run", "grb.yaml", "--interval", 0.2, folder=tmp_path)

    assert FORBIDDEN & set(written) == set(), [w for w in written.splitlines() if FORBIDDEN & set(w)]
    assert "Outcome" in written


@pytest.mark.parametrize("text", [t for t in TEXTS.values() if "\x00" not in t and "\ud83d" not in t])
def test_the_name_of_a_file_is_a_text(text: str, tmp_path: Path) -> None:
    file = tmp_path / f"a{text.replace('/', '')}b.yaml"
    file.write_text("name: [")

    for name in (file, f"missing{text}.yaml"):
        assert FORBIDDEN & set(command("http://127.0.0.1:9/x", "run", name, folder=tmp_path)) == set()


def test_the_name_of_a_target_is_a_text(serve: Serve, tmp_path: Path) -> None:
    emulator = serve()
    body = request_for(LC).model_dump(mode="json") | {"name": "GRB\u202e \x1b[2J\x9b2J"}
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(body))

    written = command(emulator.url, "run", "grb.yaml", "--interval", 0.2, folder=tmp_path)

    assert FORBIDDEN & set(written) == set(), [w for w in written.splitlines() if FORBIDDEN & set(w)]


@pytest.mark.parametrize("option", ["--destination", "--notify", "--no-such-option"])
def test_what_an_option_is_given_is_a_text(serve: Serve, tmp_path: Path, option: str) -> None:
    emulator = serve()
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(request_for(LC).model_dump(mode="json")))

    written = command(
        emulator.url, "run", "grb.yaml", "--interval", 0.2, option, "x\x1b[2J\u202e\x9by", folder=tmp_path
    )

    assert FORBIDDEN & set(written) == set(), [w for w in written.splitlines() if FORBIDDEN & set(w)]

"""One Prefect server for all commands of a user that find none set up: it comes with the first and goes with the last.

The figures are printed (`pytest -s`); `make test-long` runs what takes long.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml
from prefect_runs import wait_for
from user_servers import TIMEOUT, own_state, server_home, servers_of, wait_for_end
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("own server")]

COMMAND = Path(sys.executable).with_name("xrt-products")
AT_ONCE = 10
OPTIONS = ("--interval", "0.5", "--no-quicklook", "--max-active", "20")
# What is about the jobs: their numbers, names, files, and the table of each.
ABOUT_JOBS = re.compile(
    r"\d\d:\d\d:\d\d  (The service took the request as job \d+|Light curve of job \d+: |LightCurve: \d+ %|"
    r"waiting for a slot: )"
)


@pytest.fixture
def state(prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of a user who has no Prefect server set up; the database is there already."""
    assert prefect_api  # its database is copied
    with own_state(tmp_path) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
            if not value:
                monkeypatch.delenv(name)
        yield tmp_path


@pytest.fixture
def emulator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    build = getattr(request, "param", Build(requested=0, queued=0, running=0))
    with Emulator(users=(USER,), scenario=Scenario({"all": build}), seconds_per_poll=60.0) as running:
        monkeypatch.setenv("UKSSDC_USER", USER)
        monkeypatch.setenv("UKSSDC_URL", running.url)
        yield running


def write_request(folder: Path, name: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(request_for(Product.LightCurve, name=name).model_dump(mode="json")))
    return path


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run_all(folder: Path, names: list[str]) -> tuple[float, list[tuple[int, str, str]]]:
    """Run a command for each target at once; return the time, s, and of each its exit status, stdout and stderr."""
    files = [write_request(folder, name) for name in names]
    began = time.monotonic()
    processes = [start(folder, "run", file, *OPTIONS) for file in files]
    ended = [(*p.communicate(timeout=TIMEOUT), p.returncode) for p in processes]
    return time.monotonic() - began, [(status, out, err) for out, err, status in ended]


def test_ten_commands_started_together_end_well_and_leave_no_process(state: Path, emulator: Emulator) -> None:
    alone, [first] = run_all(state, ["Alone"])
    wait_for_end(state)

    together, ended = run_all(state, [f"Target {n}" for n in range(AT_ONCE)])

    sys.stdout.write(
        f"\none command: {alone:.1f} s; {AT_ONCE} at once: {together:.1f} s, {together / alone:.1f} times\n"
    )
    assert [status for status, _, _ in [first, *ended]] == [0] * (AT_ONCE + 1), ended
    assert len(emulator.jobs) == AT_ONCE + 1
    for _, out, err in ended:
        assert [line for line in err.splitlines() if not ABOUT_JOBS.match(line)] == []
        assert out.startswith("Target ")
    wait_for_end(state)
    assert not (state / ".prefect").exists()


def test_the_history_of_runs_stays_and_ui_shows_it(state: Path, emulator: Emulator) -> None:
    _, [(status, _, err)] = run_all(state, ["M 82"])
    assert (status, len(emulator.jobs)) == (0, 1), err
    wait_for_end(state)

    ui = start(state, "ui")
    try:
        assert ui.stdout is not None
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+", ui.stdout.readline())
        runs = requests.post(f"{url}/api/flow_runs/filter", json={}, timeout=TIMEOUT).json()
        account = requests.get(f"{url}/api/block_types/slug/ukssdc-account", timeout=TIMEOUT)
        page = requests.get(f"{url}/runs", headers={"Accept": "text/html"}, timeout=TIMEOUT)
    finally:
        os.kill(ui.pid, signal.SIGINT)
        ui.communicate(timeout=TIMEOUT)

    assert ("M 82", "COMPLETED") in {(run["name"], run["state_type"]) for run in runs}
    assert page.ok
    assert account.ok  # of the first start: the second one registers no blocks
    assert ui.returncode == 130
    wait_for_end(state)


@pytest.mark.parametrize("emulator", [Build(requested=0, queued=0, running=1e6)], indirect=True)
def test_the_server_goes_on_while_another_command_uses_it_and_ends_after_the_last_is_killed(
    state: Path, emulator: Emulator
) -> None:
    first, second = (start(state, "run", write_request(state, name), *OPTIONS) for name in ("One", "Two"))
    wait_for("both jobs' polls", lambda: polled(emulator) >= {951, 952}, TIMEOUT)
    (server,) = servers_of(state)

    os.kill(first.pid, signal.SIGKILL)
    first.communicate(timeout=TIMEOUT)
    polls = len(emulator.ledger.calls("status"))
    wait_for("more polls", lambda: len(emulator.ledger.calls("status")) > polls + 2, TIMEOUT)
    assert servers_of(state) == [server]
    assert {b"DO_NOT_TRACK=1", b"PREFECT_SERVER_ANALYTICS_ENABLED=false"} <= environment_of(server)

    os.kill(second.pid, signal.SIGKILL)
    second.communicate(timeout=TIMEOUT)
    wait_for_end(state)


@pytest.mark.parametrize("emulator", [Build(requested=0, queued=0, running=1e6)], indirect=True)
def test_ctrl_c_ends_a_command_whose_server_does_not_answer(state: Path, emulator: Emulator) -> None:
    run = start(state, "run", write_request(state, "M 82"), *OPTIONS)
    wait_for("two polls", lambda: len(emulator.ledger.calls("status")) > 1, TIMEOUT)
    (server,) = servers_of(state)
    os.kill(server, signal.SIGSTOP)

    os.kill(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=TIMEOUT)

    assert run.returncode == 130
    assert err.splitlines()[-1].startswith("xrt-products: ended at once. What has been submitted goes on")
    assert emulator.ledger.calls("cancel") == []


def test_a_server_that_was_killed_is_started_anew(state: Path, emulator: Emulator) -> None:
    home = server_home(state)
    (home / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:9"}))

    _, [(status, _, err)] = run_all(state, ["M 82"])

    assert (status, len(emulator.jobs)) == (0, 1), err


def test_a_server_that_does_not_start_is_said_with_its_log(state: Path, emulator: Emulator) -> None:
    (server_home(state) / "prefect.db").write_bytes(b"no database " * 1000)

    _, [(status, _, err)] = run_all(state, ["M 82"])

    assert status == 1
    assert "xrt-products: the Prefect server ended. The end of its log" in err
    assert "file is not a database" in err
    assert emulator.ledger.calls("submit") == []


def test_a_server_in_a_profile_of_prefects_goes_before_the_users_own(state: Path, emulator: Emulator) -> None:
    profiles = state / ".prefect" / "profiles.toml"
    profiles.parent.mkdir()
    profiles.write_text('active = "mine"\n[profiles.mine]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n')

    process = start(state, "ui")
    out, _ = process.communicate(timeout=TIMEOUT)

    assert process.returncode == 0
    assert "http://127.0.0.1:9" in out
    assert servers_of(state) == []
    assert len(emulator.jobs) == 0


def environment_of(process: int) -> set[bytes]:
    return set(Path(f"/proc/{process}/environ").read_bytes().split(b"\0"))


def polled(emulator: Emulator) -> set[int]:
    return {call.job_id for call in emulator.ledger.calls("status") if call.job_id is not None}

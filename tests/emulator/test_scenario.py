"""Scenario files and what they say of mistakes; the emulator as a program of its own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from raw_calls import TIMEOUT, status, submit
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.emulator import ABSENT, Build, Emulator, Scenario, ScenarioError

SCENARIO = """\
products:
  all:         {requested: 1, queued: 2, running: 3}
  LightCurve:  {running: 120}
  spec:        {ends: -3, text: No photons}
  Image:       {size: 256 MiB}
  StandardPos:
    stages:
      - [5, 1, Requested]
      - [5, null, Unknown status]
      - [5, absent]
      - [0, 4, Complete]
targets:
  M82:
    LightCurve: {ends: -2}
unresolvable: [Planet X]
"""


def scenario(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return Scenario.from_yaml(path)


def test_a_file_says_how_the_builds_go(tmp_path: Path) -> None:
    read = scenario(tmp_path, SCENARIO)

    curve, spectrum = read.build(Product.LightCurve), read.build(Product.Spectrum)
    assert (curve.requested, curve.queued, curve.running, curve.ends) == (1, 2, 120, 4)
    assert (spectrum.running, spectrum.ends, spectrum.text) == (3, -3, "No photons")
    assert read.build(Product.Image).size == 256 * 2**20
    assert read.unresolvable == {"Planet X"}


def test_a_file_can_list_stages(tmp_path: Path) -> None:
    stages = scenario(tmp_path, SCENARIO).build(Product.StandardPos).stages

    assert stages is not None
    assert [(s.seconds, s.code) for s in stages] == [(5, 1), (5, None), (5, ABSENT), (0, 4)]


def test_a_targets_builds_go_before_those_of_all(tmp_path: Path) -> None:
    read = scenario(tmp_path, SCENARIO)

    assert read.build(Product.LightCurve, "M82") == Build(
        requested=1, queued=2, running=120, ends=-2, waits=True, progress=True
    )


def test_an_empty_file_is_the_scenario_in_which_all_complete(tmp_path: Path) -> None:
    assert scenario(tmp_path, "") == Scenario()
    assert {Scenario().build(p).ends for p in Product} == {4}


@pytest.mark.parametrize(
    ("size", "expected"), [("5", 5), ("'5 B'", 5), ("2 kB", 2000), ("1.5 MiB", 1572864), ("1 GB", 10**9)]
)
def test_sizes_may_have_units(tmp_path: Path, size: str, expected: int) -> None:
    assert scenario(tmp_path, f"products: {{Image: {{size: {size}}}}}").build(Product.Image).size == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("products: {LightCruve: {ends: 4}}", "did you mean LightCurve?"),
        ("product: {LightCurve: {ends: 4}}", "did you mean products?"),
        ("products: {LightCurve: {runing: 4}}", "products: LightCurve: unknown name 'runing'; did you mean running?"),
        ("products: {LightCurve: {running: -4}}", "running is a number of seconds, 0 or more, not -4"),
        ("products: {LightCurve: {running: soon}}", "running is a number of seconds, 0 or more, not 'soon'"),
        ("products: {LightCurve: {running: true}}", "running is a number of seconds"),
        ("products: {LightCurve: {running: .nan}}", "running is a number of seconds"),
        ("products: {LightCurve: {ends: badly}}", "ends is a status code"),
        ("products: {LightCurve: {size: large}}", "size is a number of bytes, or a text such as 256 MiB, not 'large'"),
        ("products: {LightCurve: {cancel: 9}}", "cancel is 1, 2, 3 or 4"),
        ("products: {LightCurve: {stages: []}}", "at least one"),
        ("products: {LightCurve: {stages: 4}}", "stages is a list of [seconds, code, text]"),
        ("products: {LightCurve: {stages: [[1, 3], [2]]}}", "stage 2 is [seconds, code, text]"),
        ("products: {LightCurve: {stages: [[x, 3]]}}", "stage 1: seconds is a number of seconds"),
        ("products: {LightCurve: 5}", "products: LightCurve is a mapping (name: value), not 5"),
        ("products: [LightCurve]", "products is a mapping"),
        ("targets: {M82: {Imag: {ends: 4}}}", "targets: M82: unknown name 'Imag'; did you mean Image?"),
        ("unresolvable: Planet X", "unresolvable is a list of target names"),
        ("unresolvable: 5", "unresolvable is a list of target names"),
        ("- products", "a scenario is a mapping"),
        ("products: {", "is no YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(words)) as caught:
        scenario(tmp_path, text)

    assert "scenario.yaml" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cannot read the scenario .*nowhere\.yaml"):
        Scenario.from_yaml(tmp_path / "nowhere.yaml")


def test_a_scenario_from_a_file_is_followed(tmp_path: Path) -> None:
    with Emulator(scenario=scenario(tmp_path, SCENARIO)) as emulator:
        emulator.freeze()
        job_id = submit(emulator, Product.LightCurve, Product.Spectrum, name="M82")
        emulator.advance(10)

        answer = status(emulator, job_id, Product.LightCurve, Product.Spectrum)

    assert (answer["lc"]["statusCode"], answer["spec"]["statusCode"]) == (-2, -3)
    assert answer["spec"]["statusText"] == "No photons"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    command = [sys.executable, "-m", "ukssdc.emulator", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def program(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the program; yield it and the address that it says it answers at."""
    command = [sys.executable, "-m", "ukssdc.emulator", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/user_objects", line)
            assert found, line
            yield process, found[0]
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_serves_until_it_is_told_to_end(number: signal.Signals) -> None:
    with program("--port", "0", "--user", "astronomer@example.org") as (process, url):
        body = request_for(Product.LightCurve).to_wire("astronomer@example.org")
        answer = requests.post(f"{url}/run_userobject.php", json=body, timeout=TIMEOUT).json()
        process.send_signal(number)
        process.wait(timeout=10)
        assert process.stdout is not None
        assert process.stderr is not None
        rest, errors = process.stdout.read(), process.stderr.read()

    assert answer["OK"] == 1
    assert f"export UKSSDC_URL={url}" in rest
    assert process.returncode == 0
    assert errors == ""


def test_the_program_serves_on_the_port_it_is_given() -> None:
    port = free_port()

    with program("--port", str(port)) as (_, url):
        assert url == f"http://127.0.0.1:{port}/user_objects"
        assert requests.get(f"{url}/nothing", timeout=TIMEOUT).status_code == 404


def test_the_program_follows_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("unresolvable: [Planet X]")

    with program("--port", "0", "--scenario", path) as (_, url):
        body = request_for(Product.LightCurve, name="Planet X").to_wire(USER)
        answer = requests.post(f"{url}/run_userobject.php", json=body, timeout=TIMEOUT).json()

    assert answer["OK"] == 0


def test_a_port_in_use_ends_the_program_with_a_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run("--port", str(port))

    assert ended.returncode == 1
    assert f"port {port} of 127.0.0.1 is in use by another program" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_mistake_in_the_scenario_ends_the_program_with_a_message(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("products: {LightCruve: {ends: 4}}")

    ended = run("--scenario", path)

    assert ended.returncode == 1
    assert "did you mean LightCurve?" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--port", "70000"), ("--speed", "0"), ("--speed", "fast"), ("--max-active-jobs", "0")]
)
def test_a_wrong_option_ends_the_program_with_a_message(option: str, value: str) -> None:
    ended = run(option, value)

    assert ended.returncode == 2
    assert f"argument {option}: '{value}' is not a" in ended.stderr

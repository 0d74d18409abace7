"""The commands that look and ask: what a request would send, what a job was asked for, and where it stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_process import CommandLine
from xrt_support import GLOBALS, USER, Serve, request_for

from ukssdc import Client, Product, ProductRequest
from ukssdc.emulator import Build

COMMAND = Path(sys.executable).with_name("xrt-products")
LC, IMAGE = Product.LightCurve, Product.Image
FLAT = {**GLOBALS, "LightCurve": {"binMeth": "counts", "pcCounts": 20, "wtCounts": 30, "dynamic": True}, "Image": None}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command in a folder with a request, in this process."""
    (tmp_path / "grb.yaml").write_text(yaml.safe_dump(FLAT))
    return CommandLine(tmp_path)


def piped(folder: Path, text: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=folder,
        env=os.environ | environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_check_prints_what_would_be_sent_without_an_account_and_sends_nothing(serve: Serve, run: Run) -> None:
    emulator = serve()

    done = run("check", "grb.yaml", UKSSDC_USER="")

    sent = request_for(LC, IMAGE).to_wire(USER)
    assert done.returncode == 0
    assert json.loads(done.stdout) == {name: value for name, value in sent.items() if name != "UserID"}
    assert done.stderr == "grb.yaml is a valid request: GRB 200416A, LightCurve, Image\n"
    assert len(emulator.ledger) == 0


@pytest.mark.parametrize("text", ["name: x\nLightCurve: {binMeth: never}\n", "- a\n", "", "name: [\n"])
def test_check_names_what_is_wrong(tmp_path: Path, run: Run, text: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text)

    done = run("check", "wrong.yaml", UKSSDC_USER="")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("xrt-products: ")
    assert "wrong.yaml" in done.stderr


def test_a_dash_is_stdin(serve: Serve, tmp_path: Path) -> None:
    emulator = serve()

    checked = piped(tmp_path, yaml.safe_dump(FLAT), "check", "-", UKSSDC_USER="")
    ran = piped(tmp_path, json.dumps(FLAT), "run", "-", "--interval", 0.2, "--no-quicklook")

    assert (checked.returncode, checked.stderr) == (0, "stdin is a valid request: GRB 200416A, LightCurve, Image\n")
    assert ran.returncode == 0, ran.stderr
    assert list(emulator.jobs) == [951]


def test_the_request_of_an_old_job_is_one_that_run_takes(serve: Serve, run: Run, tmp_path: Path) -> None:
    emulator = serve()
    old = Client(USER, emulator.url).submit(request_for(LC, IMAGE))

    done = run("request", old.job_id)

    (tmp_path / "again.yaml").write_text(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# The request of job 951\nname: GRB 200416A\n")
    assert USER not in done.stdout
    assert ProductRequest.from_file(tmp_path / "again.yaml").to_wire("") == old.request.to_wire("")
    assert run("run", "again.yaml", "--interval", 0.2, "--no-quicklook").returncode == 0


@pytest.mark.parametrize(
    ("build", "products", "status"),
    [
        (Build(), (), 0),
        (Build(ends=-4), ("LightCurve",), 0),
        (Build(ends=-3), (), 1),
        (Build(ends=-3), ("Image",), 0),
        (Build(running=1e6), (), 3),
        (Build(running=1e6), ("Image",), 0),
    ],
)
def test_the_exit_status_of_status_says_complete_or_not(
    serve: Serve, run: Run, build: Build, products: tuple[str, ...], status: int
) -> None:
    emulator = serve({LC: build})
    Client(USER, emulator.url).submit(request_for(LC, IMAGE))
    emulator.advance(3600)

    table, data = run("status", 951, *products), run("status", 951, *products, "--json")

    found = json.loads(data.stdout)
    assert (table.returncode, data.returncode) == (status, status)
    assert found["job_id"] == 951
    assert list(found["products"]) == list(products or ("LightCurve", "Image"))
    assert found["complete"] is (status != 3)
    assert found["products"].get("Image", {"complete": True})["complete"]


def test_status_of_a_product_that_is_none_is_refused(serve: Serve, run: Run) -> None:
    emulator = serve()
    Client(USER, emulator.url).submit(request_for(IMAGE))

    done = run("status", 951, "Lightcurve")

    assert done.returncode == 1
    assert "no such product: Lightcurve" in done.stderr


@pytest.mark.parametrize(("last", "numbers"), [((), [953, 952, 951]), (("--last", 2), [953, 952])])
def test_jobs_lists_the_last_ones_with_what_was_asked_for_and_what_is_still_there(
    serve: Serve, run: Run, last: tuple[Any, ...], numbers: list[int]
) -> None:
    emulator = serve()
    for name in ("One", "Two", "Three"):
        Client(USER, emulator.url).submit(request_for(LC, IMAGE, name=name))

    table, data = run("jobs", *last), run("jobs", *last, "--json")

    found = json.loads(data.stdout)
    assert [job["job_id"] for job in found] == numbers
    assert found[0]["products"] == ["LightCurve", "Image"]
    assert found[0]["available"] in (True, False)
    assert table.stdout.count("LightCurve, Image") == len(numbers)
    assert "3 active" in table.stdout


def test_a_count_of_jobs_below_one_is_refused(run: Run) -> None:
    done = run("jobs", "--last", 0, UKSSDC_USER=USER)

    assert (done.returncode, done.stderr) == (1, "xrt-products: --last is 0: give a count, at least 1\n")


def test_every_exit_status_is_in_the_help_and_in_the_readme(run: Run) -> None:
    said = " ".join(run("--help").stdout.split())
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

    for number in (0, 1, 2, 3, 129, 130, 141, 143):
        assert f" {number} " in said
        assert f"| {number} |" in readme

"""`xrt-products rebin`, as its users meet it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from in_process import CommandLine
from xrt_support import Rebinnable

from ukssdc.emulator import Build

Run = Callable[..., CompletedProcess[str]]
QUICKLY = ("--interval", "0.2", "--no-quicklook")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return CommandLine(tmp_path)


def test_a_light_curve_is_binned_anew_and_shown_as_a_table(rebinnable: Rebinnable, run: Run, tmp_path: Path) -> None:
    emulator, _ = rebinnable()

    done = run("rebin", 951, "--bin-method", "counts", "--pc-counts", 40, "--wt-counts", 60, "--no-dynamic", *QUICKLY)

    assert done.returncode == 0, done.stderr
    assert "lightcurve.csv" in done.stdout
    assert (tmp_path / "products" / "GRB_200416A" / "951" / "rebin-71" / "lightcurve.csv").is_file()
    sent = emulator.ledger.calls("rebin")[0].body
    assert {name: sent[name] for name in ("binMeth", "pcCounts", "dynamic")} == {
        "binMeth": "counts",
        "pcCounts": 40,
        "dynamic": False,
    }


def test_a_rebinning_that_fails_ends_with_status_1(rebinnable: Rebinnable, run: Run) -> None:
    rebinnable(Build(requested=0, queued=0, running=60, ends=-3))

    done = run("rebin", 951, "--bin-method", "snapshot", *QUICKLY)

    assert done.returncode == 1
    assert "did not produce the product" in done.stdout
    assert "Traceback" not in done.stderr


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_sent(rebinnable: Rebinnable, run: Run) -> None:
    emulator, _ = rebinnable()
    before = len(emulator.ledger)

    done = run("rebin", 951, "--bin-method", "time", "--pc-bin-time", "long", "--min-energy", "-1")

    assert done.returncode == 1
    assert "the rebinning has 3 problems" in done.stderr
    assert len(emulator.ledger) == before


def test_an_option_that_there_is_not_is_a_wrong_command_line(run: Run) -> None:
    assert run("rebin", 951, "--bin-method", "snapshot", "--srcrad", 20).returncode == 2


def test_the_help_describes_every_parameter(run: Run) -> None:
    done = run("rebin", "--help")

    for option in ("--bin-method", "--pc-counts", "--match-hr", "--min-frac-exp", "--fresh", "--interval"):
        assert option in done.stdout
    assert "Default of the service" in done.stdout

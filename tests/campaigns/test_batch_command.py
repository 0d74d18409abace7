"""`xrt-products batch`, and `run` with several files, as their users meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from campaign_support import TEMPLATE, targets
from in_process import CommandLine
from xrt_support import Serve, request_for

from ukssdc import Product
from ukssdc.emulator import Build

Run = Callable[..., CompletedProcess[str]]
LC = Product.LightCurve
SHORT = Build(requested=0, queued=0, running=30)
QUICKLY = {"interval": 0.2, "quicklook": False}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return CommandLine(tmp_path)


@pytest.fixture
def campaign(tmp_path: Path) -> Callable[..., Path]:
    def write(**content: Any) -> Path:
        path = tmp_path / "grbs.json"
        path.write_text(json.dumps({"name": "GRBs", "template": TEMPLATE, "targets": targets(3), **QUICKLY} | content))
        return path

    return write


def test_a_campaign_s_file_is_run_with_its_options(
    serve: Serve, run: Run, campaign: Callable[..., Path], tmp_path: Path
) -> None:
    emulator = serve({LC: SHORT}, max_active_jobs=2)

    done = run("batch", campaign(destination="out", max_active=2))

    assert done.returncode == 0, done.stderr
    assert "GRBs: 3 downloaded" in done.stdout
    assert str(Path("out") / "campaign.ecsv") in done.stdout
    assert (tmp_path / "out" / "campaign.csv").is_file()
    assert [call for call in emulator.ledger.calls("submit") if call.ok == 0] == []


def test_the_command_line_goes_before_the_file(
    serve: Serve, run: Run, campaign: Callable[..., Path], tmp_path: Path
) -> None:
    serve({LC: SHORT})
    table = tmp_path / "two.csv"
    table.write_text("name,RA,Dec,targ\nGRB 8,1,2,00000008\nGRB 9,1,2,00000009\n")

    done = run("batch", campaign(destination="out"), "--destination", "other", "--targets", table)

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "other").iterdir() if path.is_dir()) == ["GRB_8", "GRB_9"]
    assert not (tmp_path / "out").exists()


def test_what_failed_is_shown_with_its_row_and_how_to_go_on(
    serve: Serve, run: Run, campaign: Callable[..., Path]
) -> None:
    serve({LC: SHORT}, targets={"GRB 2": {LC: Build(ends=-3)}})

    done = run("batch", campaign())

    assert done.returncode == 1
    assert "GRBs: 2 downloaded, 1 failed" in done.stdout
    assert "did not produce the product" in done.stdout
    assert "with --redo failed, what has failed as well" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_dry_run_needs_no_account_and_sends_nothing(
    serve: Serve, run: Run, campaign: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = serve()
    monkeypatch.delenv("UKSSDC_USER")

    done = run("batch", campaign(), "--dry-run")

    assert done.returncode == 0, done.stderr
    assert "3 jobs would be submitted, 5 active at once." in done.stdout
    assert len(emulator.ledger) == 0


def test_mistakes_of_rows_and_options_are_said_and_nothing_is_sent(
    serve: Serve, run: Run, campaign: Callable[..., Path]
) -> None:
    emulator = serve()
    rows = targets(3)
    rows[2]["RA"] = 400

    wrong_row = run("batch", campaign(targets=rows))
    wrong_option = run("batch", campaign(intervall=60, max_wait="long"))

    assert (wrong_row.returncode, wrong_option.returncode) == (1, 1)
    assert "row 3 (GRB 3), column RA" in wrong_row.stderr
    assert "intervall: there is no such option: did you mean interval?" in wrong_option.stderr
    assert "max_wait: " in wrong_option.stderr
    assert len(emulator.ledger) == 0


def test_several_requests_are_a_campaign(serve: Serve, run: Run, tmp_path: Path) -> None:
    emulator = serve({LC: SHORT})
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(request_for(LC, name=f"Target {name}").to_yaml())

    done = run("run", "a.yaml", "b.yaml", "--interval", "0.2", "--no-quicklook")

    assert done.returncode == 0, done.stderr
    assert [job.name for job in emulator.jobs.values()] == ["Target a", "Target b"]
    assert "2 downloaded" in done.stdout


def test_a_dry_run_counts_what_is_missing_alone(serve: Serve, run: Run, campaign: Callable[..., Path]) -> None:
    serve({LC: SHORT}, targets={"GRB 2": {LC: Build(ends=-3)}})
    assert run("batch", campaign()).returncode == 1
    path = campaign(targets=targets(4))

    assert (
        "1 job would be submitted, 5 active at once; 3 rows submitted already."
        in run("batch", path, "--dry-run").stdout
    )
    assert "2 jobs would be submitted" in run("batch", path, "--dry-run", "--redo", "failed").stdout
    assert "4 jobs would be submitted" in run("batch", path, "--dry-run", "--redo", "all").stdout

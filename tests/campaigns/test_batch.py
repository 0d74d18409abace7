"""A campaign: every target once, no more jobs at once than may be, and nothing done twice."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table
from campaign_support import TEMPLATE, run_batch, submitted_names, targets
from prefect_runs import meanwhile
from xrt_support import Serve, request_for

from ukssdc import Product, UKSSDCError
from ukssdc.campaign.mistakes import InvalidCampaign
from ukssdc.emulator import Build, Fault
from ukssdc.errors import InvalidOptions, JobInProgress
from xrt_products import BatchReport, ProductsFailed, request_batch, request_products

LC = Product.LightCurve
SOME_POLLS = Build(requested=0, queued=0, running=300)
SHORT = Build(requested=0, queued=0, running=30)
ENDLESS = Build(requested=0, queued=0, running=1e6)


def test_the_results_have_a_row_for_each_target_with_its_columns_and_units(
    serve: Serve, options: dict[str, Any]
) -> None:
    serve({LC: SHORT})

    run_batch(targets(3, redshift=[0.1, None, 2.0]), options | {"quicklook": True})

    table = Table.read(options["destination"] / "campaign.ecsv")
    assert list(table["Target"]) == ["GRB 1", "GRB 2", "GRB 3"]
    assert list(table["Outcome"]) == ["downloaded"] * 3
    assert table["redshift"].filled(-1).tolist() == [0.1, -1, 2.0]
    assert str(table["Rate"].unit) == "ct / s"
    assert (table["Rate"] > 0).all()
    for name in ("campaign.csv", "campaign.html", "campaign.png"):
        assert (options["destination"] / name).is_file()


def test_the_same_campaign_again_asks_for_nothing(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SHORT})
    first = run_batch(targets(3), options)
    before = len(emulator.ledger.calls())

    again = run_batch(targets(3), options)

    assert len(emulator.ledger.calls()) == before
    assert [report.files for report in again.reports] == [report.files for report in first.reports]
    assert [report.outcomes[LC].sha256 for report in again.reports] == [  # type: ignore[union-attr]
        report.outcomes[LC].sha256  # type: ignore[union-attr]
        for report in first.reports
    ]


def test_what_is_new_or_changed_in_the_table_is_submitted_and_nothing_else(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({LC: SHORT})
    run_batch(targets(3), options)
    rows = targets(4)
    rows[1]["RA"] = 99.0

    report = run_batch(rows, options)

    assert report.ok
    assert submitted_names(emulator) == ["GRB 1", "GRB 2", "GRB 3", "GRB 2", "GRB 4"]


def test_failures_stop_nobody_and_are_told_with_their_rows(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: SHORT}, targets={"GRB 2": {LC: Build(ends=-3)}})

    with pytest.raises(ProductsFailed, match=r"1 of 3 targets failed:\n  - row 2 \(GRB 2\), job 952: LightCurve") as e:
        run_batch(targets(3), options | {"on_failure": "raise"})

    report = e.value.report
    assert isinstance(report, BatchReport)
    assert [row.outcome for row in report.rows] == ["downloaded", "failed", "downloaded"]
    assert submitted_names(emulator) == ["GRB 1", "GRB 2", "GRB 3"]  # -3 is the end: it is not tried again


@pytest.mark.parametrize("code", [-1, -2])
def test_what_fails_for_a_reason_that_may_pass_is_tried_once_more_at_the_end(
    serve: Serve, options: dict[str, Any], code: int
) -> None:
    emulator = serve({LC: SHORT}, targets={"GRB 1": {LC: Build(ends=code)}})

    report = run_batch(targets(3), options, max_active=1)

    assert submitted_names(emulator) == ["GRB 1", "GRB 2", "GRB 3", "GRB 1"]
    assert [row.outcome for row in report.rows] == ["failed", "downloaded", "downloaded"]
    assert report.rows[0].report is not None
    assert report.rows[0].report.job.job_id == 954


def test_a_submission_that_is_refused_is_tried_again_and_the_others_go_on(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({LC: SHORT}, faults=[Fault("not_ok", "submit", nth=2, count=3)])

    report = run_batch(targets(3), options, max_active=1)

    assert report.ok
    assert submitted_names(emulator) == ["GRB 1", "GRB 3", "GRB 2"]


@pytest.mark.parametrize(("redo", "names"), [("failed", ["GRB 2"]), ("all", ["GRB 1", "GRB 2", "GRB 3"])])
def test_redo_submits_anew(serve: Serve, options: dict[str, Any], redo: str, names: list[str]) -> None:
    emulator = serve({LC: SHORT}, targets={"GRB 2": {LC: Build(ends=-3)}})
    run_batch(targets(3), options)

    run_batch(targets(3), options, redo=redo)

    assert submitted_names(emulator)[3:] == names


def test_a_job_that_is_gone_is_asked_for_again(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: Build(requested=0, queued=0, running=600)})
    run_batch(targets(2), options | {"max_wait": 1.0})
    emulator.restart(forget=True)

    report = run_batch(targets(2), options)

    assert report.ok
    assert [r.job.job_id for r in report.reports] == list(emulator.jobs)


def test_a_job_that_is_gone_but_on_disk_whole_gets_its_quick_look_and_no_other_job(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({LC: SHORT})
    [before] = run_batch(targets(1), options).reports
    with before.folder.open() as record:  # as if killed before the quick look
        record.ended = False
    emulator.restart(forget=True)

    report = run_batch(targets(1), options | {"quicklook": True})

    assert report.ok
    assert len(emulator.jobs) == 0
    assert (before.directory / "quicklook.md").is_file()
    assert before.folder.read().finished  # type: ignore[union-attr]


def test_mistakes_are_told_all_at_once_and_nothing_is_sent(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()
    rows = targets(4)
    rows[1]["RA"] = 400.0
    rows[3]["Dec"] = "north"

    with pytest.raises(InvalidCampaign) as error:
        request_batch(rows, TEMPLATE, **options)

    assert [(mistake.row, mistake.column) for mistake in error.value.mistakes] == [(2, "RA"), (4, "Dec")]
    assert emulator.ledger.calls() == []


def test_a_dry_run_sends_nothing(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()

    report = run_batch(targets(3), options, dry_run=True)

    assert report.ok
    assert [row.outcome for row in report.rows] == ["not_submitted"] * 3
    assert emulator.ledger.calls() == []
    assert not options["destination"].exists()


def test_another_campaign_in_the_same_folder_is_refused(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve({LC: ENDLESS})

    def second() -> None:
        with pytest.raises(JobInProgress, match="a campaign is in progress for this destination"):
            run_batch(targets(2), options)

    with meanwhile(lambda: emulator.jobs, second):
        run_batch(targets(1), options | {"max_wait": 5.0})

    assert len(emulator.jobs) == 1


def test_targets_come_from_a_table_or_from_a_campaign_s_file(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve({LC: SHORT})
    (tmp_path / "t.csv").write_text("name,RA,Dec,targ\nGRB 1,00:40:00,-5,00000001\nGRB 2,00:44:00,-4,00000002\n")
    (tmp_path / "c.json").write_text(json.dumps({"name": "C", "template": TEMPLATE, "targets": "t.csv"}))

    table = request_batch(tmp_path / "t.csv", TEMPLATE, **options, units={"RA": "hourangle"})
    file = request_batch(tmp_path / "c.json", **options | {"destination": tmp_path / "other"})

    assert table.ok
    assert file.ok
    assert submitted_names(emulator) == ["GRB 1", "GRB 2"] * 2
    assert float(emulator.jobs[951].pars["RA"]) == pytest.approx(10.0)


def test_a_file_that_sets_options_is_for_the_command(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    serve()
    (tmp_path / "c.json").write_text(json.dumps({"template": TEMPLATE, "targets": targets(1), "interval": 120}))

    with pytest.raises(InvalidOptions, match=r"c.json sets interval: give the flow's options as parameters"):
        request_batch(tmp_path / "c.json", **options)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hosts", "hunter2 one\nhunter2 two\n"),
        ("hosts.csv", "user,password\nme,hunter2\n"),
        ("hosts.yaml", "password: hunter2\n"),
        ("hosts.yaml", "name: {password: hunter2}\ntargets: [hunter2]\n"),
        ("hosts.yaml", "- hunter2: [\n"),
        ("hosts.json", '{"hunter2": "hunter2", "targets": []}'),
    ],
)
def test_an_error_about_a_file_that_a_parameter_names_repeats_nothing_of_it(
    serve: Serve, options: dict[str, Any], tmp_path: Path, name: str, text: str
) -> None:
    emulator = serve()
    (tmp_path / name).write_text(text)

    with pytest.raises(UKSSDCError) as error:
        request_batch(tmp_path / name, TEMPLATE, **options, dry_run=True)

    assert "hunter2" not in str(error.value)
    assert "password" not in str(error.value)
    assert len(emulator.ledger) == 0


def test_many_rows_go_into_a_file(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()

    with pytest.raises(InvalidOptions, match="give the name of a file"):
        run_batch(targets(3000, note=["x" * 60] * 3000), options)

    assert emulator.ledger.calls() == []


def test_the_service_that_refuses_the_account_ends_the_campaign(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = serve()
    monkeypatch.setenv("UKSSDC_USER", "nobody@example.org")

    with pytest.raises(UKSSDCError, match="not registered"):
        run_batch(targets(2), options)

    assert emulator.ledger.calls("submit") == []


def test_one_notification_tells_of_all_failures(
    serve: Serve, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    serve({LC: Build(ends=-3)})

    run_batch(targets(3), options, notify="json://127.0.0.1:9")  # nobody there

    assert caplog.text.count("Could not send the notification") == 1


def test_a_campaign_whose_disk_is_gone_finds_what_is_published(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    emulator = serve({LC: SHORT})
    there = (tmp_path / "there").as_uri()
    first = run_batch(targets(3), options, publish=there)
    shutil.rmtree(options["destination"])

    again = run_batch(targets(3), options, publish=there)

    assert first.ok
    assert again.ok
    assert len(emulator.jobs) == len(emulator.ledger.calls("download")) == 3
    assert (tmp_path / "there" / "campaign.csv").is_file()


def test_its_published_results_keep_the_science(serve: Serve, options: dict[str, Any], tmp_path: Path) -> None:
    serve({LC: SHORT})
    asked = options | {"quicklook": True, "publish": (tmp_path / "there").as_uri()}
    table = tmp_path / "there" / "campaign.csv"
    run_batch(targets(1), asked)
    first = table.read_text()
    shutil.rmtree(options["destination"])

    run_batch(targets(1), asked)

    (row,) = csv.DictReader(io.StringIO(first))
    assert float(row["Rate"]) > 0
    assert table.read_text() == first


def test_a_destination_s_folders_follow_the_pattern(serve: Serve, options: dict[str, Any]) -> None:
    serve({LC: SHORT})

    report = run_batch(targets(2, group=["a", "b"]), options, folder="{group}/{targ}")

    folders = [path.directory.relative_to(options["destination"]) for path in report.reports]
    assert folders == [Path("a/00000001/951"), Path("b/00000002/952")]


def test_a_single_request_may_have_a_folder_of_its_own_and_finds_its_job_there(
    serve: Serve, options: dict[str, Any]
) -> None:
    emulator = serve({LC: ENDLESS})
    request = request_for(LC, useSXPS=False)
    folder: dict[str, Any] = {"folder": "{name}/{LightCurve.binMeth}", "on_failure": "return"}

    first = request_products(request, **options | {"max_wait": 1.0}, **folder)
    again = request_products(request, **options | {"max_wait": 1.0}, **folder)

    assert first.directory == options["destination"] / "GRB_200416A" / "counts" / "951"
    assert again.directory == first.directory
    assert list(emulator.jobs) == [951]
    with pytest.raises(InvalidOptions, match=r"folder names \{nobody\}"):
        request_products(request, **options, folder="{nobody}")


def test_targets_and_template_may_be_texts_as_a_form_has_them(serve: Serve, options: dict[str, Any]) -> None:
    emulator = serve()
    table, template = "name,RA,Dec,targ\nGRB 1,11,-5,00000001\nGRB 2,12,-5,00000002", json.dumps(TEMPLATE)
    asked: dict[str, Any] = {"on_failure": "return", "dry_run": True} | options

    pasted = request_batch(table, template, **asked)

    assert pasted.rows == run_batch(targets(2), options, dry_run=True).rows
    assert len(emulator.ledger) == 0
    with pytest.raises(InvalidCampaign, match="the pasted table has 1 mistake:"):
        request_batch("name,name\nGRB 1,GRB 2", template, **asked)


def test_an_error_about_a_template_s_file_repeats_nothing_of_it(
    serve: Serve, options: dict[str, Any], tmp_path: Path
) -> None:
    serve()
    secret = tmp_path / "secret.yaml"
    secret.write_text("password: [hunter2")

    with pytest.raises(InvalidCampaign, match=r"template: .*secret\.yaml") as error:
        request_batch(targets(1), str(secret), dry_run=True, **options)

    assert "hunter2" not in str(error.value)

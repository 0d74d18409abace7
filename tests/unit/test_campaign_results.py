"""The results of a campaign on disk: tables that astropy reads back, a page, a picture, and what they rest on."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from emulated_campaign import end_job, ended, job_of, look_of, named, observations, rows_of

from ukssdc import Product
from ukssdc.campaign import CampaignResults, RowReport, check_rows
from ukssdc.campaign.campaign_results import PAGE
from ukssdc.outcomes import Failed, JobReport
from ukssdc.plotting.campaign_plot import campaign_figure
from ukssdc.record.record import JobRecord


def table_of(directory: Path) -> Any:
    return Table.read(directory / "campaign.ecsv")


def written(results: CampaignResults) -> CampaignResults:
    assert results.write(always=True) == ()
    return results


def test_a_row_per_target_with_input_outcome_times_and_science(tmp_path: Path) -> None:
    rows = named(["GRB 200416A", "M82"])
    written(ended(tmp_path, rows))

    table = table_of(tmp_path)

    assert list(table["Target"]) == ["GRB 200416A", "M82"]
    assert list(table["class"]) == ["test", "test"]
    assert list(table["Job"]) == [951, 952]
    assert list(table["Outcome"]) == ["downloaded"] * 2
    assert list(table["Queued"]) == [300.0] * 2
    assert list(table["Running"]) == [600.0] * 2
    assert list(table["Path"]) == ["GRB_200416A/951", "M82/952"]
    for name, unit in {
        "Queued": u.s, "XRT_RA": u.deg, "XRT_Err90": u.arcsec, "Rate": u.ct / u.s, "NH": u.cm**-2, "MJD": u.d,
        "Flux": u.erg / u.cm**2 / u.s, "FluxPos": u.erg / u.cm**2 / u.s, "UpperLimit": u.ct / u.s, "Exposure": u.s,
    }.items():  # fmt: skip
        assert table[name].unit == unit, name


def test_the_science_is_that_of_the_job_s_results(tmp_path: Path) -> None:
    [row] = named(["M82"])
    look = look_of(job_of(row, 951), row.body)
    result = ended(tmp_path, [row]).results[0]
    science, position = result.science, look.positions[Product.StandardPos]
    fits, curve = look.spectral_fits, look.light_curve
    assert fits
    assert curve

    best = max((spectrum for _, spectrum, _ in fits.fits), key=lambda spectrum: spectrum.exposure or 0)
    fit = next(iter(best.models.values()))
    bins = curve.datasets["PC"]
    exposures = np.array(bins.columns["Exposure"])
    assert (science.ra, science.dec, science.err90) == (position.ra, position.dec, position.err90)
    assert science.spectrum
    assert fit.gamma
    assert science.spectrum.gamma
    assert (science.spectrum.gamma.value, science.spectrum.gamma.neg) == (fit.gamma.value, fit.gamma.neg)
    assert science.rate
    assert science.rate.value == pytest.approx(np.average(bins.value, weights=exposures), rel=1e-5)
    assert science.rate.pos == pytest.approx(np.hypot.reduce(exposures * bins.value_pos) / exposures.sum(), rel=0.2)
    assert science.upper_limit is None


def test_upper_limits_alone_are_an_upper_limit(tmp_path: Path) -> None:
    [row] = rows_of({"name": "faint", "RA": 1, "Dec": 2})
    look = look_of(job_of(row, 951), row.body)
    assert look.light_curve
    wire = {"Datasets": ["PCUL"], "PCULData": {"columns": ["Time", "TimePos", "TimeNeg", "Rate", "RatePos", "RateNeg"],
            "data": [[1, 1, -1, "0.02", 0, 0], [5, 1, -1, "0.01", 0, 0]]}}  # fmt: skip
    curve = type(look.light_curve).from_wire(wire)
    end_job(tmp_path, row, 951, look=look.model_copy(update={"light_curve": curve}))
    results = CampaignResults(tmp_path, "x", [row])
    science = results.note(row, folder=tmp_path / "faint" / "951").science

    assert (science.rate, science.upper_limit) == (None, 0.01)
    assert "&lt; 0.01" in _html(written(results), tmp_path)
    assert table_of(tmp_path)["Rate"].mask.all()


def test_what_failed_is_told_with_its_reason(tmp_path: Path) -> None:
    rows = named(["a", "b", "c", "d", "e"])
    results = CampaignResults(tmp_path, "x", rows)
    failed = Failed(product="Spectrum", code=-3, text="No counts", meaning="not produced", advice="Ask")
    folder = end_job(tmp_path, rows[0], 951)
    results.note(rows[0], job_of(rows[0], 951), {"LightCurve": "downloaded", "Spectrum": failed}, folder)
    results.note(rows[1], problem="the service refused to submit the request: no such target")
    results.note(rows[2], job_of(rows[2], 953), {"LightCurve": "cancelled"})
    results.note(rows[3], job_of(rows[3], 954))
    written(results)

    table = table_of(tmp_path)
    assert list(table["Outcome"]) == ["failed", "failed", "cancelled", "active", "waiting"]
    assert table["Problem"][0] == "Spectrum: No counts (code -3: not produced). Ask"
    assert table["Problem"][1] == "the service refused to submit the request: no such target"
    assert list(table["Job"].filled(0)) == [951, 0, 953, 954, 0]
    assert results.counts() == {"failed": 2, "cancelled": 1, "active": 1, "waiting": 1}
    assert results.summary().splitlines()[4].startswith("| 1 | a | 951 | failed |")


def test_a_campaign_that_is_run_again_reads_all_from_its_jobs_folders(tmp_path: Path) -> None:
    rows = named(["GRB 200416A", "M82"])
    first = written(ended(tmp_path, rows))
    record = JobRecord.load(tmp_path / "M82" / "952")
    assert record
    record.outcomes[Product.Spectrum] = "failed"
    record.note_status(Product.Spectrum, -3, "No counts", record.history[-1].at)
    record.save(tmp_path / "M82" / "952")

    again = CampaignResults(tmp_path, "x", rows)
    for row, number in zip(rows, (951, 952), strict=True):
        again.note(row, folder=tmp_path / row.folder / str(number))

    assert again.results[0] == first.results[0]
    assert again.results[1].outcome == "failed"
    assert again.results[1].problem == "Spectrum: No counts (code -3)"
    assert again.results[1].job_id == 952


def test_columns_of_the_input_keep_their_values_and_units(tmp_path: Path) -> None:
    target = {"name": "x", "RA": "10:00:00", "Dec": 2, "mag": 17.5, "n": 3, "ok": True, "Rate": 5, "z": None,
              "obs": ["a", "b"], "id": "00012"}  # fmt: skip
    rows = rows_of(target, target | {"name": "y", "mag": None, "n": None, "ok": None, "z": 0.5})
    written(CampaignResults(tmp_path, "x", rows, {"mag": "mag", "Rate": "Jy"}))

    table = table_of(tmp_path)

    assert (table["mag"].unit, table["input_Rate"].unit, table["Rate"].unit) == (u.mag, u.Jy, u.ct / u.s)
    assert list(table["RA"]) == ["10:00:00"] * 2
    assert list(table["id"]) == ["00012"] * 2
    assert [table["mag"][0], table["n"][0], table["ok"][0], table["z"][1]] == [17.5, 3, True, 0.5]
    assert all(table[name].mask.tolist() == [False, True] for name in ("mag", "n", "ok"))
    assert table["obs"][0] == '["a", "b"]'


def test_the_csv_has_the_same_rows_and_runs_no_formula(tmp_path: Path) -> None:
    rows = rows_of({"name": "x", "RA": 1, "Dec": 2, "note": "=1+1"}, {"name": "y", "RA": 1, "Dec": -2, "note": "a\nb"},
                   {"name": "z", "RA": "22:22:47.64", "Dec": "-07:31:04.4"})  # fmt: skip
    written(CampaignResults(tmp_path, "x", rows))

    found = list(csv.DictReader(io.StringIO((tmp_path / "campaign.csv").read_text())))

    assert [row["note"] for row in found] == ["'=1+1", "a b", ""]
    assert [row["Dec"] for row in found] == ["2", "-2", "-07:31:04.4"]
    assert list(found[0]) == table_of(tmp_path).colnames


def test_nothing_in_a_page_or_a_summary_is_markup(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>|[x](y)"
    rows = check_rows(
        [{"name": hostile, "RA": 1, "Dec": 2, hostile: hostile}, {"name": "y", "RA": 1, "Dec": 2, hostile: 3}],
        {"getTargs": True, "centroid": False, "Image": {}},
    )
    results = CampaignResults(tmp_path, hostile, rows, {hostile: hostile})
    results.note(rows[0], problem=hostile)

    page = _html(written(results), tmp_path)

    assert page.count("<script>") == 1
    assert "<script>" not in results.summary()
    assert "](y)" not in results.summary().replace("\\](y)", "")


def test_a_summary_is_bounded_and_failures_come_first() -> None:
    rows = named([f"T{n}" for n in range(80)])
    results = CampaignResults(Path("x"), "x", rows)
    for row in rows:
        results.note(row, problem="refused " * 99 if row.number > 70 else None, outcomes={"LightCurve": "downloaded"})

    lines = results.summary().splitlines()

    assert len(lines) == 2 + 2 + 50 + 2
    assert [line.split(" | ")[3] for line in lines[4:16]] == ["failed"] * 10 + ["downloaded"] * 2
    assert lines[-1] == f"... and 30 more: see {PAGE}"
    assert max(map(len, lines)) < 300


def test_one_target_s_picture_is_flux_against_time_and_many_have_their_curves(tmp_path: Path) -> None:
    one = campaign_figure("M82", ended(tmp_path / "one", observations(5)).results)
    many = campaign_figure("x", ended(tmp_path / "many", named()).results)

    assert one
    assert [axes.get_ylabel() for axes in one.axes][1] == "Photon index"
    assert one.axes[1].get_xlabel() == "MJD (UTC)"
    assert many
    assert [axes.get_title() for axes in many.axes[:10]] == [row.name for row in named()]
    assert campaign_figure("x", CampaignResults(tmp_path, "x", named()).results) is None


def test_one_job_with_a_spectrum_for_each_observation_is_flux_against_time(tmp_path: Path) -> None:
    rows = rows_of(
        {"name": "M82", "RA": 148.97, "Dec": 69.68, "Spectrum.timeslice": "obsid", "Spectrum.whichData": "all"}
    )
    results = ended(tmp_path, rows)
    (tmp_path / "M82/951/spectra.ecsv").touch()
    results.note(rows[0], folder=tmp_path / "M82/951")
    written(results)

    count = len(results.results[0].science.spectra)
    assert results.summary().startswith("1 target: 1 downloaded")
    assert f'<a href="M82/951/spectra.ecsv">{count} spectra</a>' in (tmp_path / PAGE).read_text()
    figure = campaign_figure("M82", results.results)
    assert figure
    assert figure.axes[0].get_ylabel().startswith("Observed flux")
    assert table_of(tmp_path)["Spectra"][0] == count > 1


def test_what_cannot_be_written_is_a_note_and_what_was_there_stays(tmp_path: Path) -> None:
    results = written(ended(tmp_path, named(["a"])))
    (tmp_path / "campaign.csv").unlink()
    (tmp_path / "campaign.csv").mkdir()
    before = (tmp_path / "campaign.ecsv").read_bytes()

    [note] = results.write(always=True)

    assert note.startswith("could not write campaign.csv: ")
    assert (tmp_path / "campaign.ecsv").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_broken_results_in_a_folder_are_no_science_and_no_obstacle(tmp_path: Path) -> None:
    [row] = named(["a"])
    folder = end_job(tmp_path, row, 951)
    (folder / "results.json").write_text("{")
    (folder / "job.json").write_text("{")

    result = CampaignResults(tmp_path, "x", [row]).note(row, job_of(row, 951), {"LightCurve": "downloaded"}, folder)

    assert (result.outcome, result.science.ra, result.queued) == ("downloaded", None, None)


def test_writing_after_each_target_takes_a_small_part_of_the_time(tmp_path: Path) -> None:
    rows = named([f"T{n}" for n in range(200)])
    results = CampaignResults(tmp_path, "x", rows)
    written_files = []
    for row in rows:
        results.note(row, problem="x")
        before = _stamps(tmp_path)
        assert results.write() == ()
        written_files.append(_stamps(tmp_path) != before)

    assert written_files[0]
    assert sum(written_files) < 20  # each write is followed by 20 times as long without one
    assert results.write(always=True) == ()
    assert (tmp_path / "campaign.csv").read_text().count("failed") == 200


def _stamps(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in directory.glob("campaign.*")}


def _html(_: CampaignResults, directory: Path) -> str:
    return (directory / "campaign.html").read_text()


def test_a_page_keeps_the_digits_of_the_input_and_a_name_leads_to_its_quick_look(tmp_path: Path) -> None:
    rows = rows_of(*({"name": name, "RA": 1, "Dec": 2, "T0": t0} for name, t0 in (("a", 608713541.952), ("b", 5))))
    results = CampaignResults(tmp_path, "x", rows)
    folder = end_job(tmp_path, rows[0], 951)
    (folder / "quicklook.md").write_text("# a")
    results.note(rows[0], folder=folder)

    page = _html(written(results), tmp_path)

    assert ">608713541.952</td>" in page
    assert '<td class="wrap"><a href="a/951/quicklook.md">a</a></td>' in page
    assert '<td class="wrap">b</td>' in page


def test_products_that_failed_alike_are_named_together(tmp_path: Path) -> None:
    [row] = named(["a"])
    results = CampaignResults(tmp_path, "x", [row])
    told = {
        product: Failed(product=product, code=-2, text="Error", meaning="no", advice=f"See failure-{product}.md")
        for product in ("LightCurve", "Spectrum")
    }
    report = RowReport(
        number=1, name="a", key="k", report=JobReport(job=job_of(row, 951), outcomes=told, directory="a")
    )

    result = results.note(row, job_of(row, 951), told, end_job(tmp_path, row, 951))

    assert result.problem == report.what == "LightCurve, Spectrum: Error (code -2: no). See failure-*.md"

"""M82, observed 288 times: one job with a spectrum of each observation, or a job for each; killed on the way."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.table import Table
from chromium import browser, page
from playwright.sync_api import Page
from prefect_runs import account, group, wait_for
from xrt_support import USER

from ukssdc import Product
from ukssdc.download.archive import verify_archive
from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products import BatchReport, request_batch

__all__ = ["browser", "page"]
pytestmark = pytest.mark.long

LC, SPECTRUM = Product.LightCurve, Product.Spectrum
TARGET_IDS = [f"000325{n:02d}" for n in range(3, 13)]
OBSIDS = [f"{target}{segment:03d}" for segment in range(29) for target in TARGET_IDS][:288]
SIZE = 1_200_000_000  # bytes: 4 MB a slice
TIMEOUT = 900.0  # s
SCREENSHOTS = Path(__file__).parents[2] / "test-results"
M82 = {"name": "M82", "RA": 148.97, "Dec": 69.68, "targ": ",".join(TARGET_IDS)}
PILE_UP = {"pcPupRate": 1000, "wtPupRate": 1000}
SCRIPT = "from xrt_products import request_batch\nrequest_batch({rows!r}, {template!r}, **{options!r})\n"


@pytest.fixture
def options(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return the options of a campaign whose files, gigabytes of them, are gone after the test."""
    destination = tmp_path / "products"
    yield {"destination": str(destination), "name": "M82", "interval": 0.2, "max_wait": TIMEOUT}
    shutil.rmtree(destination, ignore_errors=True)


def run_until(when: Any, emulator: Emulator, home: Path, rows: Any, template: Any, options: dict[str, Any]) -> None:
    """Run a campaign in a process that is killed once a condition holds."""
    script = SCRIPT.format(rows=rows, template=template, options=options)
    with group([sys.executable, "-c", script], home / "log", home, **account(emulator.url, USER)) as running:
        wait_for("the moment to kill it", lambda: when() or running.process.poll() is not None, TIMEOUT, 0.02)
        assert running.process.poll() is None, (home / "log").read_text()[-3000:]
        running.kill()


def run(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, rows: Any, template: Any, options: dict[str, Any]
) -> BatchReport:
    for name, value in account(emulator.url, USER).items():
        monkeypatch.setenv(name, value)
    report: BatchReport = request_batch(rows, template, on_failure="return", **options)
    return report


def look_at(page: Page, destination: Path, name: str) -> None:
    """Open the campaign's page, and keep what it looks like, and the picture."""
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if request.url.startswith("http") else None)
    page.goto((destination / "campaign.html").as_uri())
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    page.locator("#targets").screenshot(path=SCREENSHOTS / f"{name}-table.png")
    (SCREENSHOTS / f"{name}-picture.png").write_bytes((destination / "campaign.png").read_bytes())
    assert trouble == []
    assert page.locator("img").first.evaluate("image => image.naturalWidth") > 500


def test_one_job_with_a_spectrum_of_each_observation(
    prefect_api: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Page
) -> None:
    assert prefect_api
    scenario = Scenario({"all": Build(requested=0, queued=10, running=120), SPECTRUM: Build(running=300, size=SIZE)})
    observations = {"whichData": "user", "useObs": ",".join(OBSIDS), "srcrad": 21}
    template = {
        "centroid": False,
        **PILE_UP,
        "LightCurve": {"binMeth": "obsid", **observations},
        "Spectrum": {"hasRedshift": False, "timeslice": "obsid", **observations},
    }
    options |= {"extract": True}
    destination = Path(options["destination"])

    def half_there() -> bool:
        return any(part.stat().st_size > SIZE // 4 for part in destination.rglob("spec.tar.gz.part"))

    with Emulator(users=(USER,), scenario=scenario, speed=300) as emulator:
        run_until(half_there, emulator, tmp_path, [M82], template, options)
        report = run(emulator, monkeypatch, [M82], template, options)

        assert report.ok
        assert list(emulator.jobs) == [951]
        downloads = emulator.ledger.calls("download", product=SPECTRUM)
        assert [call.http_status for call in downloads] == [200, 206]
        assert downloads[1].bytes_sent < 0.8 * SIZE

    folder = destination / "M82" / "951"
    assert (folder / "spec.tar.gz").stat().st_size == SIZE
    assert {path.name for path in (folder / "spec").iterdir() if path.is_dir()} == {f"Obs_{name}" for name in OBSIDS}
    assert all((folder / "spec" / f"Obs_{name}" / f"Obs_{name}pc.pi").is_file() for name in OBSIDS)
    assert all((folder / "spec" / f"Obs_{name}" / "events.evt").stat().st_size > 3_900_000 for name in OBSIDS)
    spectra = Table.read(folder / "spectra.ecsv")
    assert Counter(spectra["ObsID"].astype(str)) == Counter(OBSIDS)
    assert set(spectra["Mode"]) == {"PC"}
    assert set(spectra["Model"]) == {"PowerLaw"}
    for column in ("MeanMJD", "Exposure", "Rate", "RateErr", "ObsFlux", "ObsFluxPos", "ObsFluxNeg"):
        assert spectra[column].unit is not None
        assert np.ma.count(spectra[column]) == len(OBSIDS)
    assert all((folder / "spec" / file).is_file() for file in spectra["File"])
    campaign = Table.read(destination / "campaign.ecsv")
    assert campaign["Spectra"].tolist() == [288]
    look_at(page, destination, "m82-one-job")


def test_a_job_for_each_of_227_observations(
    prefect_api: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Page
) -> None:
    assert prefect_api
    empty, names = "M82 without data", OBSIDS[:227]
    scenario = Scenario(
        {"all": Build(requested=0, queued=20, running=200)}, {empty: {SPECTRUM: Build(ends=-3), LC: Build(ends=-3)}}
    )
    rows = [M82 | {"obsid": name, "LightCurve.useObs": name, "Spectrum.useObs": name} for name in names]
    rows[113]["name"] = empty
    template = {
        "centroid": False,
        "LightCurve": {"binMeth": "obsid", "whichData": "user"},
        "Spectrum": {"hasRedshift": False, "whichData": "user"},
    }
    options |= {"folder": "{name}/{obsid}"}
    destination = Path(options["destination"])

    with Emulator(users=(USER,), scenario=scenario, speed=300, max_active_jobs=5) as emulator:
        for jobs in (70, 150):
            run_until(lambda jobs=jobs: len(emulator.jobs) >= jobs, emulator, tmp_path, rows, template, options)
        report = run(emulator, monkeypatch, rows, template, options)

        assert Counter(str(job.pars["uselcobs"]) for job in emulator.jobs.values()) == Counter(names)
        assert [call for call in emulator.ledger.calls("submit") if not call.ok] == []

    assert Counter(row.outcome for row in report.rows) == {"downloaded": 226, "failed": 1}
    archives = [*destination.rglob("lc.tar.gz"), *destination.rglob("spec.tar.gz")]
    assert len(archives) == 2 * 226
    assert all(verify_archive(path, "tar.gz") is None for path in archives)
    table = Table.read(destination / "campaign.ecsv")
    assert len(table) == 227
    assert list(table["obsid"].astype(str)) == names
    assert u.Unit(table["Flux"].unit) == u.Unit("erg / (cm2 s)")
    assert u.Unit(table["Rate"].unit) == u.Unit("ct / s")
    assert np.ma.count(table["Flux"]) == np.ma.count(table["MJD"]) == 226
    assert table["Outcome"][113] == "failed"
    look_at(page, destination, "m82-227-jobs")

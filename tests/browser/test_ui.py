"""What a person sees: the Prefect UI's pages in a real browser after a flow run. `make test-browser` runs it.

The screenshots are kept in test-results/.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from xrt_support import QUICK, USER, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario
from xrt_products import request_products

RESULTS = Path(__file__).parents[2] / "test-results"
TIMEOUT = 30_000  # ms
WIDTH, HEIGHT, TALLEST = 1400, 1000, 4000  # px


@pytest.fixture(scope="module")
def ui(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the flow with one failing product, and return what the server knows of it."""
    scenario = Scenario({"all": QUICK, Product.EnhancedPos: Build(ends=-3)})
    with (
        pytest.MonkeyPatch.context() as patch,
        Emulator(users=(USER,), scenario=scenario, seconds_per_poll=60) as emulator,
    ):
        patch.setenv("UKSSDC_USER", USER)
        patch.setenv("UKSSDC_URL", emulator.url)
        wanted = request_for(
            Product.LightCurve, Product.Spectrum, Product.StandardPos, Product.EnhancedPos, name="GRB 261124B"
        )
        destination = tmp_path_factory.mktemp("products")
        report = request_products(wanted, destination=destination, interval=0.5, on_failure="return")
    assert report.outcomes[Product.EnhancedPos].outcome == "failed"
    named = {"flow_runs": {"name": {"any_": ["GRB 261124B"]}}}
    run = requests.post(f"{prefect_api}/flow_runs/filter", json=named, timeout=30).json()[0]
    artifacts = requests.post(f"{prefect_api}/artifacts/filter", json=named | {"limit": 200}, timeout=30).json()
    return {
        "address": prefect_api.removesuffix("/api"),
        "run": run["id"],
        "artifacts": {a["key"]: a["id"] for a in artifacts if a["key"]},
    }


def artifact(ui: dict[str, Any], start: str) -> str:
    """Return the address of the artifact whose key begins like this."""
    (found,) = [identity for key, identity in ui["artifacts"].items() if key.startswith(start)]
    return f"{ui['address']}/artifacts/artifact/{found}"


def keep(page: Page, name: str) -> None:
    """Keep a screenshot of the whole page; what scrolls in it does not count for its height, so that is made to fit."""
    RESULTS.mkdir(exist_ok=True)
    tallest = page.evaluate("Math.max(...[...document.querySelectorAll('*')].map(e => e.scrollHeight))")
    page.set_viewport_size({"width": WIDTH, "height": min(max(HEIGHT, tallest), TALLEST)})
    page.screenshot(path=RESULTS / f"{name}.png", full_page=True)


def right_edge(shown: Locator) -> float:
    """Return where something ends on the page, px from the left."""
    box = shown.bounding_box()
    assert box is not None
    return box["x"] + box["width"]


def test_the_run_page_shows_what_each_task_did(ui: dict[str, Any], page: Page) -> None:
    page.goto(f"{ui['address']}/runs/flow-run/{ui['run']}")
    page.get_by_text("Task Runs", exact=True).first.click()

    for name in ("submit GRB 261124B", "download LightCurve", "report EnhancedPos"):
        expect(page.get_by_text(name).first).to_be_visible(timeout=TIMEOUT)
    expect(page.get_by_text("poll job 951").first).to_be_visible(timeout=TIMEOUT)
    keep(page, "run")


def test_the_failure_report_says_what_to_do(ui: dict[str, Any], page: Page) -> None:
    page.goto(artifact(ui, "failure-951-enh"))

    expect(page.get_by_role("heading", name="GRB 261124B: enhanced position failed")).to_be_visible(timeout=TIMEOUT)
    expect(page.get_by_text("swifthelp@leicester.ac.uk").first).to_be_visible()
    keep(page, "failure-report")


def test_the_status_table_says_where_each_product_ended(ui: dict[str, Any], page: Page) -> None:
    page.goto(artifact(ui, "xrt-status"))

    for product, end in {"light curve": "downloaded", "enhanced position": "failed"}.items():
        row = page.get_by_role("row").filter(has=page.get_by_role("cell", name=product))
        expect(row.get_by_role("cell", name=end)).to_be_visible(timeout=TIMEOUT)
    keep(page, "status")


def test_progress_is_at_100_per_cent(ui: dict[str, Any], page: Page) -> None:
    page.goto(artifact(ui, "progress-951-lc"))

    expect(page.get_by_text("Progress: 100%")).to_be_visible(timeout=TIMEOUT)
    keep(page, "progress")


def test_a_bar_that_stopped_short_says_why(ui: dict[str, Any], page: Page) -> None:
    page.goto(artifact(ui, "progress-951-enh"))

    expect(page.get_by_text("enhanced position failed: GRB 261124B, job 951")).to_be_visible(timeout=TIMEOUT)


def test_the_run_page_lists_the_artifacts(ui: dict[str, Any], page: Page) -> None:
    page.goto(f"{ui['address']}/runs/flow-run/{ui['run']}")
    page.get_by_text("Artifacts", exact=True).first.click()

    for key in ("quicklook-951", "xrt-status-951", "failure-951-enh"):
        expect(page.get_by_text(key).first).to_be_visible(timeout=TIMEOUT)
    keep(page, "artifacts")


def test_the_quick_look_shows_the_light_curve(ui: dict[str, Any], page: Page) -> None:
    page.goto(artifact(ui, "quicklook-951"))
    picture = page.locator("img[src^='data:image/png']").first
    expect(picture).to_be_visible(timeout=TIMEOUT)
    expect(page.get_by_role("heading", name="Spectral fits")).to_be_visible()
    keep(page, "quick-look")
    for heading in ("Photon index", "Observed flux", "Offset (arcsec)"):  # what is looked for needs no scrolling
        assert right_edge(page.get_by_role("columnheader", name=heading)) < right_edge(picture)

    shown = Image.open(io.BytesIO(picture.screenshot())).convert("RGB")

    pixels = np.asarray(shown).astype(int)
    white = int((pixels.min(axis=2) > 245).sum())
    coloured = int((pixels.max(axis=2) - pixels.min(axis=2) > 60).sum())
    assert shown.width > 300
    assert white > shown.width * shown.height / 2  # its own light ground, on the UI's dark one
    assert coloured > 200  # the points of the light curve

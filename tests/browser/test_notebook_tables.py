"""What a notebook shows of objects, in Chromium: tables that fit, in which the texts of the service are text."""

from __future__ import annotations

from pathlib import Path

from looks import full_look, job
from playwright.sync_api import Dialog, Page

from ukssdc import Client, JobStatus, Product, ProductStatus
from ukssdc.outcomes import Cancelled, JobReport
from xrt_products.flows.notebook import NotebookDisplay

RESULTS = Path(__file__).parents[2] / "test-results"
STEPS = {"GotProgress": 1, "ProgressSteps": [{"StepLabel": "Build <i>images</i>.", "StepStatus": 1}]}
RUNNING = ProductStatus(status_code=3, status_text="Running <img src=x onerror=alert(1)>", progress=STEPS)


def test_tables_fit_and_run_nothing(page: Page) -> None:
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    look = full_look()
    report = JobReport(
        job=job(),
        outcomes={Product.Image: Cancelled(product=Product.Image, text="<script>alert(2)</script>")},
        directory=".",
    )
    live = NotebookDisplay()
    live.status(job(name="<b>"), JobStatus(dict.fromkeys(Product, RUNNING)))
    live.download(Product.LightCurve, 1_000_000, 4_000_000)
    things = (
        live,
        *(Client("observer@example.org"), job(name="M82 <b>bold</b>"), RUNNING, report),
        *(JobStatus(dict.fromkeys(Product, RUNNING)), look.light_curve, look.spectral_fits),
    )

    page.set_content("<body style='font-family: sans-serif'>" + "<hr>".join(t._repr_html_() for t in things if t))

    assert page.locator("table").count() == 8
    assert page.locator("img, script, b, i").count() == 0
    assert page.locator("progress").count() == len(Product)
    assert dialogs == []
    assert page.evaluate("document.body.scrollWidth") <= 1400
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / "notebook-tables.png", full_page=True)

"""What a flow shows of itself in a notebook, and that it runs where an event loop runs already."""

from __future__ import annotations

import asyncio
from typing import Any

from html_check import elements_of
from looks import job
from xrt_support import Serve, request_for

from ukssdc import JobStatus, Product, ProductStatus
from ukssdc.campaign.campaign_progress import CampaignProgress
from ukssdc.errors import NoSlot, TransportError
from ukssdc.outcomes import JobReport
from xrt_products import request_products
from xrt_products.flows.notebook import NotebookDisplay, in_notebook, shown_in_notebook
from xrt_products.tasks.observe.display import has_display
from xrt_products.tasks.poll import ProductsPending

STEPS = {"GotProgress": 1, "ProgressSteps": [{"StepLabel": "Build <i>images</i>.", "StepStatus": 1}]}
RUNNING = ProductStatus(status_code=3, status_text="Running", progress=STEPS)


def test_the_table_tells_of_progress_waits_downloads_and_ends() -> None:
    display = NotebookDisplay()

    display.status(
        job(Product.LightCurve, Product.Image), JobStatus(dict.fromkeys((Product.LightCurve, Product.Image), RUNNING))
    )
    display.retry("poll job 951", TransportError("the service is <away>", url=""), 60)
    page = display._repr_html_()
    assert "the service is &lt;away&gt;; next look at " in page
    display.retry("poll job 951", ProductsPending("...", (), NoSlot("waiting for a slot: 5 of 5 active", active=5)), 60)
    display.download(Product.LightCurve, 1_000_000, 4_000_000)
    display.outcome(Product.Image, "timed_out")

    page = display._repr_html_()
    assert set(elements_of(page)) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "progress", "pre"}
    assert "GRB 200416A, job 951" in page
    assert "waiting for a slot: 5 of 5 active; next look at " in page
    assert "downloading: 1.0 MB of 4.0 MB" in page
    assert "timed out" in page
    assert repr(display) == "GRB 200416A, job 951: LightCurve downloading: 1.0 MB of 4.0 MB, Image timed out"


def test_a_campaign_is_shown_in_the_place_of_its_jobs() -> None:
    display = NotebookDisplay()

    display.campaign("pulsars.csv", CampaignProgress(total=40, queued=5, active=5, succeeded=28, failed=2))
    display.status(job(Product.Image), JobStatus({Product.Image: RUNNING}))
    display.outcome(Product.Image, "downloaded")

    assert 'value="75"' in display._repr_html_()
    assert repr(display) == "pulsars.csv: 28 of 40 done, 2 failed, 5 active, 5 queued"


def test_there_is_none_where_there_is_no_notebook() -> None:
    with shown_in_notebook():
        assert not in_notebook()
        assert not has_display()


def test_a_flow_runs_inside_a_running_loop(serve: Serve, options: dict[str, Any]) -> None:
    serve()

    async def cell() -> JobReport:
        report: JobReport = request_products(request_for(Product.StandardPos), **options)
        return report

    assert asyncio.run(cell()).ok

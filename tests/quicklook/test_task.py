"""The task within a flow, against the emulator and a real Prefect server: it shows what there is, and never fails."""

from __future__ import annotations

import base64
import csv
import importlib
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.context import FlowRunContext
from xrt_support import GLOBALS, INTERVAL, PARAMETERS, USER, Serve, request_for

from ukssdc import Client, Product, ProductRequest, Products
from ukssdc.emulator import Build, Emulator, Fault
from ukssdc.outcomes import Failed, JobReport, Outcome
from ukssdc.record import JobFolder
from xrt_products.tasks.quicklook import quicklook

READY = Build(requested=0, queued=0, running=0)
SHOWN = (Product.LightCurve, Product.Spectrum, Product.StandardPos, Product.EnhancedPos, Product.AstromPos)


@dataclass(frozen=True)
class Seen:
    """What a run of the task left behind."""

    artifact: str
    page: str
    warnings: str
    state: str


class Handler(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def warnings() -> Iterator[Handler]:
    """Return what tasks warn of."""
    handler, logger = Handler(), logging.getLogger("prefect.task_runs")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def take(serve: Serve, tmp_path: Path, warnings: Handler) -> Callable[..., Seen]:
    """Submit a job whose products are complete at once, and run the task on it."""

    def run(
        *products: Product,
        builds: dict[Any, Build] | None = None,
        outcomes: dict[Product, Outcome] | None = None,
        wanted: Products = "all",
        prepare: Callable[[Emulator], None] = lambda _: None,
        request: ProductRequest | None = None,
    ) -> Seen:
        emulator = serve({"all": READY} | (builds or {}))
        job = Client(USER, emulator.url).submit(request or request_for(*(products or SHOWN)))
        prepare(emulator)
        report = wanted if outcomes is None else JobReport(job=job, outcomes=outcomes, directory=tmp_path)

        @flow
        def look() -> tuple[str, str]:
            state = quicklook(JobFolder(tmp_path, job), report, interval=INTERVAL, return_state=True)
            context = FlowRunContext.get()
            assert context is not None
            assert context.flow_run is not None
            return str(context.flow_run.id), state.name or ""

        run_id, state = look()
        page = tmp_path / "quicklook.md"
        return Seen(
            artifact_of(run_id), page.read_text("utf-8") if page.is_file() else "", "\n".join(warnings.lines), state
        )

    return run


def artifact_of(run_id: str) -> str:
    """Return the page that a flow run put into the Prefect UI; empty where there is none."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run_id)]))
        )
    assert len(found) <= 1
    return str(found[0].data) if found else ""


def finding(text: str, product: Product) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith(f"- {product.label.capitalize()}: ")]
    return line


def pixels(text: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r"\(data:image/png;base64,([^)]+)\)", text)]


def test_page_in_the_ui_shows_both_pictures(take: Callable[..., Seen]) -> None:
    seen = take()

    pictures = pixels(seen.artifact)
    assert len(pictures) == 2
    assert all(picture.startswith(b"\x89PNG") and len(picture) < 200_000 for picture in pictures)
    assert len(seen.artifact) < 1_000_000


def test_job_without_problems_gives_no_warning(take: Callable[..., Seen]) -> None:
    assert take().warnings == ""


def test_job_in_mjd_is_shown(take: Callable[..., Seen], tmp_path: Path) -> None:
    light_curve = PARAMETERS[Product.LightCurve] | {"timeFormat": "m"}

    seen = take(
        request=ProductRequest.model_validate({"globals": GLOBALS, "products": {Product.LightCurve: light_curve}})
    )

    assert len(pixels(seen.artifact)) == 1
    with (tmp_path / "lightcurve.csv").open() as file:
        assert {row["TimeFormat"] for row in csv.DictReader(file)} == {"MJD"}


AWKWARD = [
    (Product.LightCurve, "empty_light_curve", "empty: the service could not make a single bin"),
    (Product.Spectrum, "nofit", "NOFIT"),
    (Product.Spectrum, "nospec", "no spectrum"),
    (Product.EnhancedPos, "no_position", "no position: "),
    (Product.SourceDet, "no_sources", "0 sources"),
]


@pytest.mark.parametrize(("product", "case", "words"), AWKWARD, ids=[case for _, case, _ in AWKWARD])
def test_awkward_result_is_said_in_words(take: Callable[..., Seen], product: Product, case: str, words: str) -> None:
    seen = take(product, builds={product: Build(requested=0, queued=0, running=0, awkward=case)})

    assert words in finding(seen.artifact, product)
    assert seen.page
    assert seen.state == "Completed"


@pytest.mark.parametrize("kind", ["http_500", "html_200", "invalid_json", "not_ok"])
def test_result_that_cannot_be_read_is_said_and_the_rest_is_there(take: Callable[..., Seen], kind: str) -> None:
    def break_it(emulator: Emulator) -> None:
        emulator.faults.append(Fault(kind, call="spectral_fits", count=100))

    seen = take(Product.LightCurve, Product.Spectrum, prepare=break_it)

    assert "its results could not be read: " in finding(seen.artifact, Product.Spectrum)
    assert "spectrum: its results could not be read" in seen.warnings
    assert "bins in PC" in finding(seen.artifact, Product.LightCurve)


def test_result_that_is_only_available_on_a_retry_is_shown(take: Callable[..., Seen]) -> None:
    def break_it(emulator: Emulator) -> None:
        emulator.faults.append(Fault("http_502", call="light_curve", count=1))

    seen = take(Product.LightCurve, prepare=break_it)

    assert len(pixels(seen.artifact)) == 1
    assert seen.warnings == ""


def test_page_says_that_the_service_does_not_answer(take: Callable[..., Seen]) -> None:
    seen = take(prepare=Emulator.stop)

    assert "its results could not be read: " in finding(seen.artifact, Product.LightCurve)
    assert "because the service does not answer" in finding(seen.artifact, Product.Spectrum)
    assert seen.state == "Completed"


def test_failed_product_is_on_the_page_and_not_fetched(take: Callable[..., Seen]) -> None:
    running: list[Emulator] = []
    failed = Failed(product=Product.LightCurve, code=-3, text="No data", meaning="nothing came", advice="Write.")

    seen = take(Product.LightCurve, outcomes={Product.LightCurve: failed}, prepare=running.append)

    assert "failed: No data (code -3: nothing came). Write." in finding(seen.artifact, Product.LightCurve)
    assert seen.warnings == ""  # its branch has said so
    assert running[0].ledger.calls("light_curve") == []


def test_product_that_could_not_be_downloaded_is_shown_all_the_same(take: Callable[..., Seen]) -> None:
    failed = Failed(product=Product.LightCurve, code=4, text="Disk full", meaning="not on disk", advice="Fetch it.")

    seen = take(Product.LightCurve, outcomes={Product.LightCurve: failed})

    assert len(pixels(seen.artifact)) == 1


def test_only_complete_products_are_fetched(take: Callable[..., Seen]) -> None:
    seen = take(Product.LightCurve, Product.Spectrum, wanted=["Spectrum"])

    assert "not complete" in finding(seen.artifact, Product.LightCurve)
    assert "photon index" in finding(seen.artifact, Product.Spectrum)


def test_folder_that_cannot_be_written_leaves_the_page_in_the_ui(take: Callable[..., Seen], tmp_path: Path) -> None:
    (tmp_path / "quicklook.md").mkdir()

    seen = take(Product.LightCurve)

    assert len(pixels(seen.artifact)) == 1
    assert "could not write quicklook.md" in seen.artifact
    assert "could not write quicklook.md" in seen.warnings


def test_no_account_is_said_in_the_page(take: Callable[..., Seen], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = take(Product.LightCurve, prepare=lambda _: monkeypatch.delenv("UKSSDC_USER"))

    assert "not asked for: " in finding(seen.artifact, Product.LightCurve)
    assert seen.state == "Completed"


def test_error_in_the_quick_look_is_a_warning_and_no_failure(
    take: Callable[..., Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("a mistake")

    module = importlib.import_module("xrt_products.tasks.quicklook")  # the task of that name hides it
    monkeypatch.setattr(module, "write_files", explode)

    seen = take(Product.LightCurve)

    assert "RuntimeError('a mistake')" in seen.warnings
    assert seen.state == "Completed"


def test_mail_address_is_nowhere(take: Callable[..., Seen], tmp_path: Path) -> None:
    seen = take()

    texts = [path.read_bytes() for path in tmp_path.iterdir()]
    assert USER not in seen.artifact
    assert all(USER.encode() not in text for text in texts)

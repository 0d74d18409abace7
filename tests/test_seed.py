"""The page that the project was asked for (job-status.md), statement by statement, against the emulator.

The values are the page's own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from xrt_support import request_for

from ukssdc import Client, Job, Product, ProductStatus, StatusCode
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.outcomes import build_failed
from xrt_products.tasks.report import failure_page

FIVE = (Product.LightCurve, Product.Spectrum, Product.StandardPos, Product.EnhancedPos, Product.AstromPos)
ENHANCED_POS = """\
Trying using the <em>v,b,white</em> filters:
  Identify XRT-UVOT overlaps. - DONE
  ** Determine position. - ACTIVE -- Working on overlap 1 / 1**
  Build Images.

The job has been running for 00:00:08
"""
SPECTRUM = {
    "GotProgress": 1,
    "ProgressSteps": [
        {"StepLabel": "Prepare data.", "StepStatus": 2},
        {
            "StepLabel": "Build spectra.",
            "StepStatus": 1,
            "StepExtra": "Working on spectrum: interval0 (1/1)",
            "SubStep": [
                {
                    "StepLabel": "Extract data.",
                    "StepStatus": 1,
                    "StepExtra": "Working on observation 1 / 1",
                },
                {"StepLabel": "Fit spectrum.", "StepStatus": 0},
            ],
        },
    ],
    "TimeRunning": "00:00:08",
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(scenario=Scenario.seed_page()) as running:
        running.freeze()
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    return Client("observer@example.org", emulator.url)


@pytest.fixture
def job(emulator: Emulator, client: Client) -> Job:
    """Submit the page's job, and let its builds run for 8 s."""
    submitted = client.submit(request_for(*FIVE))
    emulator.advance(20 + 8)
    return submitted


def test_complete_tells_whether_the_builds_have_ended(emulator: Emulator, client: Client, job: Job) -> None:
    assert client.status(job).complete is False

    emulator.advance(3600)

    assert client.status(job).complete is True


def test_complete_does_not_tell_whether_they_succeeded_after_a_cancellation(client: Client, job: Job) -> None:
    client.cancel(job)

    status = client.status(job)

    assert status.complete is True
    assert {s.status_code for s in status.values()} == {-4}


def test_complete_does_not_tell_whether_they_succeeded_after_a_failure() -> None:
    with Emulator(scenario=Scenario({"all": Build(ends=-3)})) as emulator:
        client = Client("observer@example.org", emulator.url)
        job = client.submit(request_for(*FIVE))
        emulator.advance(3600)

        assert client.status(job).complete is True


@pytest.mark.parametrize("some", [("LightCurve", "StandardPos"), ["LightCurve", "StandardPos"]])
def test_the_status_of_some_products(client: Client, job: Job, some: tuple[str, ...] | list[str]) -> None:
    assert list(client.status(job, some)) == ["LightCurve", "StandardPos"]


def test_the_status_without_an_argument_is_that_of_all(client: Client, job: Job) -> None:
    assert dict(client.status(job)) == dict(client.status(job, "all"))


def test_a_bare_product_name_is_refused(client: Client, job: Job) -> None:
    with pytest.raises(ValueError, match=r"\['LightCurve'\]"):
        client.status(job, "LightCurve")


def test_each_entry_has_four_entries(client: Client, job: Job) -> None:
    for entry in client.status(job).values():
        assert isinstance(entry.status_code, int)
        assert isinstance(entry.status_text, str)
        assert isinstance(entry.progress_text, str)
        assert isinstance(entry.progress, dict)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-10, "no status returned"),
        (-4, "cancelled by the user"),
        (-3, "did not produce"),
        (-2, "internal error at the UKSSDC: the job could not be added to the queue"),
        (-1, "internal error at the UKSSDC: the job could not be requested"),
        (1, "requested, not yet queued"),
        (2, "queue"),
        (3, "running"),
        (4, "complete"),
        (5, "waits for the standard position"),
    ],
)
def test_each_code_has_its_meaning(code: int, words: str) -> None:
    assert words in ProductStatus.from_wire({"statusCode": code}).meaning


@pytest.mark.parametrize("code", [-2, -3])
def test_the_codes_that_should_never_exist_ask_for_an_email_at_once(job: Job, code: int) -> None:
    failure = build_failed(Product.LightCurve, ProductStatus(status_code=code, status_text="No light curve"))

    page = failure_page(job, failure)

    assert "at once" in failure.advice
    assert "To: swifthelp@leicester.ac.uk" in page
    assert "job 951" in page
    assert "No light curve" in page


def test_progress_is_only_there_while_a_product_runs(emulator: Emulator, client: Client, job: Job) -> None:
    assert client.status(job)["LightCurve"].progress["GotProgress"] == 1

    emulator.advance(3600)

    assert client.status(job)["LightCurve"].progress_text == "No progress information available"


def test_the_pages_first_example_all_five_are_running(client: Client, job: Job) -> None:
    status = client.status(job)

    assert {product: s.status_text for product, s in status.items()} == dict.fromkeys(FIVE, "Running")
    assert {product: s.status_code for product, s in status.items()} == dict.fromkeys(FIVE, 3)
    assert status["AstromPos"].status_code is StatusCode.RUNNING


def test_the_pages_second_example_the_enhanced_positions_progress_text(client: Client, job: Job) -> None:
    assert client.status(job)["EnhancedPos"].progress_text == ENHANCED_POS


def test_the_pages_third_example_the_spectrums_progress_structure(client: Client, job: Job) -> None:
    assert client.status(job)["Spectrum"].progress == SPECTRUM


def test_the_time_running_counts_from_the_builds_start_and_not_from_the_submission(
    emulator: Emulator, client: Client
) -> None:
    job = client.submit(request_for(*FIVE))
    emulator.advance(20 + 3)

    assert client.status(job)["LightCurve"].progress["TimeRunning"] == "00:00:03"

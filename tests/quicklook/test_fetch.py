"""Fetching results: errors that may pass are retried, for a minute at most; others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from xrt_support import USER, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from ukssdc.quicklook import QuickLook, fetch

READY = Build(requested=0, queued=0, running=0)
DELAYS = (0.0, 0.01, 0.02)  # s
CALLS = ("light_curve", "spectral_fits", "standard_position")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(users=(USER,), scenario=Scenario({"all": READY})) as running:
        yield running


@pytest.fixture
def look_with(emulator: Emulator) -> Callable[..., QuickLook]:
    """Return what a look finds at a service where one thing goes wrong."""

    def run(fault: Fault, backoff_delays: tuple[float, ...] = DELAYS) -> QuickLook:
        client = Client(USER, emulator.url)
        job = client.submit(request_for(Product.LightCurve, Product.Spectrum, Product.StandardPos))
        emulator.faults.append(fault)
        return fetch(client, job, backoff_delays=backoff_delays)

    return run


def count_calls(emulator: Emulator) -> list[int]:
    """Return how often each kind of result was fetched."""
    return [len(emulator.ledger.calls(call)) for call in CALLS]


@pytest.mark.parametrize("kind", ["http_502", "html_200", "reset_before"])
def test_an_error_that_has_passed_leaves_no_trace_and_only_its_call_is_repeated(
    emulator: Emulator, look_with: Callable[..., QuickLook], kind: str
) -> None:
    look = look_with(Fault(kind, call="spectral_fits", count=1))

    assert look.problems == {}
    assert look.spectral_fits is not None
    assert count_calls(emulator) == [1, 2, 1]


def test_an_error_that_does_not_pass_is_retried_once_per_delay(
    emulator: Emulator, look_with: Callable[..., QuickLook]
) -> None:
    look = look_with(Fault("http_502", call="spectral_fits", count=100))

    assert "HTTP 502" in look.problems[Product.Spectrum]
    assert count_calls(emulator) == [1, 1 + len(DELAYS), 1]


def test_an_error_that_cannot_pass_is_not_retried(emulator: Emulator, look_with: Callable[..., QuickLook]) -> None:
    look = look_with(Fault("not_ok", call="spectral_fits", count=100))

    assert Product.Spectrum in look.problems
    assert count_calls(emulator) == [1, 1, 1]


def test_no_retry_begins_after_the_minute_is_over(emulator: Emulator, look_with: Callable[..., QuickLook]) -> None:
    look = look_with(Fault("http_502", call="spectral_fits", count=1), backoff_delays=(61.0,))

    assert "HTTP 502" in look.problems[Product.Spectrum]
    assert count_calls(emulator) == [1, 1, 1]


def test_a_service_that_does_not_answer_gets_one_call_at_a_time(
    emulator: Emulator, look_with: Callable[..., QuickLook]
) -> None:
    look = look_with(Fault("reset_before", count=100))

    assert count_calls(emulator) == [1 + len(DELAYS), 0, 0]
    assert "did not answer" in look.problems[Product.LightCurve]
    assert "because the service does not answer" in look.problems[Product.Spectrum]

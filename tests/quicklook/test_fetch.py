"""Asking for results: what may pass is asked for again, soon and not for long; the rest is not asked for twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from xrt_support import USER, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator, Fault, Scenario
from ukssdc.quicklook import QuickLook, fetch

READY = Build(requested=0, queued=0, running=0)
PAUSES = (0.0, 0.01, 0.02)  # s
ASKED = ("light_curve", "spectral_fits", "standard_position")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(users=(USER,), scenario=Scenario({"all": READY})) as running:
        yield running


@pytest.fixture
def look_with(emulator: Emulator) -> Callable[..., QuickLook]:
    """Return what a look finds at a service where one thing goes wrong."""

    def run(fault: Fault, backoff_delays: tuple[float, ...] = PAUSES) -> QuickLook:
        client = Client(USER, emulator.url)
        job = client.submit(request_for(Product.LightCurve, Product.Spectrum, Product.StandardPos))
        emulator.faults.append(fault)
        return fetch(client, job, backoff_delays=backoff_delays)

    return run


def asked(emulator: Emulator) -> list[int]:
    """Return how often each kind of result was asked for."""
    return [len(emulator.ledger.calls(call)) for call in ASKED]


@pytest.mark.parametrize("kind", ["http_502", "html_200", "reset_before"])
def test_what_has_passed_leaves_no_trace_and_only_it_is_asked_for_again(
    emulator: Emulator, look_with: Callable[..., QuickLook], kind: str
) -> None:
    look = look_with(Fault(kind, call="spectral_fits", count=1))

    assert look.problems == {}
    assert look.spectral_fits is not None
    assert asked(emulator) == [1, 2, 1]


def test_what_does_not_pass_is_asked_for_as_often_as_there_are_pauses(
    emulator: Emulator, look_with: Callable[..., QuickLook]
) -> None:
    look = look_with(Fault("http_502", call="spectral_fits", count=100))

    assert "HTTP 502" in look.problems[Product.Spectrum]
    assert asked(emulator) == [1, 1 + len(PAUSES), 1]


def test_what_cannot_pass_is_asked_for_once(emulator: Emulator, look_with: Callable[..., QuickLook]) -> None:
    look = look_with(Fault("not_ok", call="spectral_fits", count=100))

    assert Product.Spectrum in look.problems
    assert asked(emulator) == [1, 1, 1]


def test_no_try_begins_after_the_minute_is_over(emulator: Emulator, look_with: Callable[..., QuickLook]) -> None:
    began = time.monotonic()

    look = look_with(Fault("http_502", call="spectral_fits", count=1), backoff_delays=(61.0,))

    assert time.monotonic() - began < 61
    assert "HTTP 502" in look.problems[Product.Spectrum]
    assert asked(emulator) == [1, 1, 1]


def test_service_that_does_not_answer_is_asked_for_one_result_at_a_time(
    emulator: Emulator, look_with: Callable[..., QuickLook]
) -> None:
    look = look_with(Fault("reset_before", count=100))

    assert asked(emulator) == [1 + len(PAUSES), 0, 0]
    assert "did not answer" in look.problems[Product.LightCurve]
    assert "as the service does not answer" in look.problems[Product.Spectrum]

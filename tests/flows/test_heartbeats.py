"""Commands run their flows without the heartbeats that only a worker's runs need."""

from __future__ import annotations

import threading

from prefect import flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from xrt_products.flows.cli.heartbeats import without_heartbeats


@flow
def beating(before: int) -> int:
    """Return how many threads that run a copy of a context, as the heartbeats' does, there are more than before."""
    return contexts() - before


def contexts() -> int:
    """Count the threads that were given a context to run in."""
    return sum(thread.name.endswith("(run)") for thread in threading.enumerate())


def test_a_flow_within_has_no_heartbeats(prefect_api: str) -> None:
    assert prefect_api
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 180}):  # the tests' own runs have none
        assert beating(contexts()) == 1

        with without_heartbeats():
            assert beating(contexts()) == 0

"""Commands run their flows without the heartbeats that only a worker's runs need."""

from __future__ import annotations

import threading

from prefect import flow

from xrt_products.flows.cli.heartbeats import without_heartbeats


def heartbeats() -> list[str]:
    """Return the names of the threads that send heartbeats."""
    return [thread.name for thread in threading.enumerate() if "heartbeat" in thread.name.lower()]


@flow
def beating() -> list[str]:
    """Return the heartbeats while a flow runs."""
    return heartbeats()


def test_a_flow_within_has_no_heartbeats(prefect_api: str) -> None:
    assert prefect_api
    assert beating() != []

    with without_heartbeats():
        assert beating() == []

"""Prefect's server, whose writers wait for their turn as the commands' own does: `prefect_server.py server start ...`.

With three flows at once, half of the tests' time went into Prefect's pauses after refused writes.
"""

from __future__ import annotations

from prefect.cli import app

from xrt_products.flows.cli.server import begin_transactions_as_writers

if __name__ == "__main__":
    begin_transactions_as_writers()
    app()

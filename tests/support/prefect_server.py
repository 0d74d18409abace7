"""Prefect's server, whose writers wait for their turn: `python prefect_server.py server start ...`.

On SQLite a transaction of Prefect's begins as a reader. Where two want to write at once, the second is refused with
HTTP 503, however long SQLite would wait, and Prefect's client asks again after 2, 4, 8 ... s: with three flows at once
half of the tests' time went into that. One that begins as a writer waits in the queue, as on PostgreSQL.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from prefect.cli import app
from prefect.server.database.configurations import AioSqliteConfiguration

_begin = AioSqliteConfiguration.begin_transaction


def _begin_as_writer(
    self: AioSqliteConfiguration,
    session: Any,
    with_for_update: bool = False,  # noqa: ARG001 - Prefect's signature
) -> AbstractAsyncContextManager[Any]:
    return _begin(self, session, with_for_update=True)


if __name__ == "__main__":
    AioSqliteConfiguration.begin_transaction = _begin_as_writer  # type: ignore[method-assign, assignment]
    app()

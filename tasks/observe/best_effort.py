"""What only shows a run never fails it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect import get_run_logger
from prefect.exceptions import PrefectException

from xrt_products.tasks.cancellation import note_outage


@contextmanager
def best_effort(what: str, *, reveal: bool = True) -> Iterator[None]:
    """Log what goes wrong in the body as a warning, and go on.

    Parameters
    ----------
    what : str
        What was attempted, in words: "show the progress of job 951".
    reveal : bool, optional
        Whether the log may hold the error's own text; without it, only its type is named.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the products matter more
        if isinstance(error, httpx.HTTPError | PrefectException):
            note_outage()
        why = repr(error) if reveal else type(error).__name__
        get_run_logger().warning("Could not %s: %s. Everything else goes on", what, why)

"""On the terminal, an error that says what to do next stands without a traceback."""

from __future__ import annotations

import copy
import logging

from prefect.logging.configuration import setup_logging

from tasks.outcomes import ProductsFailed
from tasks.poll import ProductsPending
from ukssdc import UKSSDCError

EXPECTED = (UKSSDCError, ProductsFailed, ProductsPending)


class _Quiet(logging.Formatter):
    """Leave the traceback of an expected error out; everything else is formatted as before."""

    def __init__(self, before: logging.Formatter) -> None:
        super().__init__()
        self._before = before

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info and isinstance(record.exc_info[1], EXPECTED):
            record = copy.copy(record)
            record.exc_info = record.exc_text = None
        return self._before.format(record)


def no_traceback_for_expected_errors() -> None:
    """Apply it to Prefect's handlers that write to the terminal; the Prefect UI keeps the whole."""
    setup_logging()
    loggers = [logging.getLogger(name) for name in ("prefect", "prefect.flow_runs", "prefect.task_runs")]
    for handler in {h for logger in loggers for h in logger.handlers if isinstance(h, logging.StreamHandler)}:
        if handler.formatter is not None and not isinstance(handler.formatter, _Quiet):
            handler.setFormatter(_Quiet(handler.formatter))

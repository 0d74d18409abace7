"""On the command line, an error that says what to do next has no traceback."""

from __future__ import annotations

import logging

from ukssdc import UKSSDCError
from ukssdc.outcomes import ProductsFailed

EXPECTED = (UKSSDCError, ProductsFailed)


class _WithoutTraceback(logging.Filter):
    """Take the traceback of an expected error out of a record; its message says it all.

    Of products that failed, the run's last state and the report at the end tell.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, EXPECTED):
            record.exc_info = None
        return not isinstance(error, ProductsFailed)


def no_traceback_for_expected_errors() -> None:
    """Apply it to Prefect's loggers of runs: Prefect sets its handlers anew at each run, but leaves filters alone."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        if not any(isinstance(f, _WithoutTraceback) for f in logger.filters):
            logger.addFilter(_WithoutTraceback())

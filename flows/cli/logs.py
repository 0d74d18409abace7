"""Log lines on the command line: of the jobs only, without tracebacks where an error says what to do, and controls."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import prefect
from prefect.logging.handlers import PrefectConsoleHandler

from ukssdc import UKSSDCError
from ukssdc.outcomes import ProductsFailed
from ukssdc.texts import replace_controls
from xrt_products.tasks.poll import ProductsPending

EXPECTED = (UKSSDCError, ProductsFailed, ProductsPending)
PREFECT = str(Path(prefect.__file__).parent)


class _WithoutTraceback(logging.Filter):
    """Take the traceback of an expected error out of a record; its message says it all.

    Of products that failed, the run's last state and the report at the end tell.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, EXPECTED):
            record.exc_info = None
        return not isinstance(error, ProductsFailed)


class _WithoutControls(logging.Filter):
    """Take out of a record what a target's name or a folder's may hold and a terminal would obey."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = replace_controls(record.getMessage()), ()
        for name in ("flow_run_name", "task_run_name"):  # in Prefect's format, before the message
            if isinstance(value := getattr(record, name, None), str):
                setattr(record, name, replace_controls(value))
        return True


class _AboutJobs(logging.Filter):
    """Keep what Prefect says of its own work to its UI: a retry is what waiting looks like, and no failure."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "repeated_at_end", False):
            return False
        return bool(record.exc_info) or not record.pathname.startswith(PREFECT)


def filter_logs() -> None:
    """Apply it to Prefect's loggers of runs: Prefect sets its handlers anew at each run, but leaves filters alone."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        for wanted in (_WithoutTraceback, _WithoutControls):
            if not any(isinstance(f, wanted) for f in logger.filters):
                logger.addFilter(wanted())
    if os.environ.get("PREFECT_LOGGING_LEVEL"):  # who sets one wants to see more
        return
    for logger in (logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))):
        for handler in logger.handlers:
            if isinstance(handler, PrefectConsoleHandler) and not any(
                isinstance(f, _AboutJobs) for f in handler.filters
            ):
                handler.addFilter(_AboutJobs())

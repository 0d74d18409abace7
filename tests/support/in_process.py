"""The command line in the tests' own process: the same `main()`, without the seconds that a new Python takes."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TextIO

import pytest
from prefect.logging.handlers import PrefectConsoleHandler

from xrt_products.flows.cli.commands import main

STDERR: Any = sys.__stderr__  # open as long as this process; what pytest puts in its place is not


class CommandLine:
    """Runs the command in a folder, as a process would run there.

    Parameters
    ----------
    folder : Path
        The working directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *arguments: object, **environment: str) -> CompletedProcess[str]:
        """Run it and return its exit status and what it wrote; an error that it lets through is the test's."""
        words = ["xrt-products", *map(str, arguments)]
        out, err = io.StringIO(), io.StringIO()
        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.chdir(self._folder)
            patch.setattr(sys, "argv", words)
            for name, value in {"COLUMNS": "200", **environment}.items():
                patch.setenv(name, value)
            stack.enter_context(_signals_and_logs_as_found(err))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            stack.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", "Cyclopts application invoked without tokens")  # as it is by its script
            ended = stack.enter_context(pytest.raises(SystemExit))
            main()
        return CompletedProcess(words, _status(ended.value), out.getvalue(), err.getvalue())


@contextmanager
def _signals_and_logs_as_found(log: TextIO) -> Iterator[None]:
    """Have Prefect's log lines in the place of this process's, and leave everything as it was."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    environment = dict(os.environ)
    filters = {
        logger: list(logger.filters) for logger in map(logging.getLogger, ("prefect.flow_runs", "prefect.task_runs"))
    }
    consoles = {handler: handler.console.file for handler in _console_handlers()}
    for handler in consoles:
        handler.console.file = log
    try:
        yield
    finally:
        for handler in _console_handlers():
            handler.filters.clear()
        for handler in _console_handlers():  # one that is new would go on writing to what the test throws away
            handler.console.file = consoles.get(handler) or STDERR
        for logger, before in filters.items():
            logger.filters[:] = before
        for number, on_signal in handlers.items():
            signal.signal(number, on_signal)
        os.environ.clear()
        os.environ.update(environment)


def _console_handlers() -> list[PrefectConsoleHandler]:
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    return [h for logger in loggers for h in logger.handlers if isinstance(h, PrefectConsoleHandler)]


def _status(ended: SystemExit) -> int:
    """Return the exit status that Python makes of it."""
    if ended.code is None:
        return 0
    return ended.code if isinstance(ended.code, int) else 1

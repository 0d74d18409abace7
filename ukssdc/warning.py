"""Warnings in the log, each of them once in a process."""

from __future__ import annotations

import logging
from functools import lru_cache


@lru_cache(maxsize=64)
def warn_once(message: str) -> None:
    """Log a warning, unless it has been logged before."""
    # Not a Python warning: where those are errors, it would hide the answer of a call that has been made.
    logging.getLogger("ukssdc").warning("%s", message)

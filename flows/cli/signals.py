"""SIGTERM, and SIGHUP when the terminal is closed, end a command in order, as Ctrl-C does."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def end_in_order_on_signals() -> None:
    """End this process in order, by `SystemExit`, with an exit status that names the signal, as shells do.

    SIGHUP goes to whatever handles SIGTERM at the moment: while a flow runs, that is Prefect.
    """
    first: list[int] = []

    def hang_up(number: int, _: FrameType | None) -> None:
        if not first:  # both the kernel and the shell may send one
            first.append(number)
            signal.raise_signal(signal.SIGTERM)

    def terminate(number: int, _: FrameType | None) -> None:
        first.append(number)
        sys.exit(128 + first[0])

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup asks
        signal.signal(signal.SIGHUP, hang_up)

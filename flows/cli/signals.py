"""How signals end a command: SIGTERM and SIGHUP in order, Ctrl-C with last words, a second Ctrl-C at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import FrameType

EXIT_INTERRUPTED = 130  # as shells do: 128 and the signal's number
NOTHING_TO_TELL = "`xrt-products jobs` shows what goes on at the service"
MAX_END = 8.0  # s that a command may take to its end after Ctrl-C: Prefect waits for its server, which may be away

_at_forced_end: ContextVar[Callable[[], None] | None] = ContextVar("at_forced_end", default=None)


@contextmanager
def at_forced_end(do: Callable[[], None]) -> Iterator[None]:
    """Have something done if a command is ended at once while the body runs, such as giving the cursor back."""
    token = _at_forced_end.set(do)
    try:
        yield
    finally:
        _at_forced_end.reset(token)


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
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a shell asks of what it starts in the background
        signal.signal(signal.SIGINT, _interrupt())


@contextmanager
def end_at_once_on_signals() -> Iterator[None]:
    """End this process at once on a signal while the body imports, when nothing has to be put in order yet.

    What a handler raises in the middle of an import may never arrive: pydantic's compiled code ignores it in places,
    and Python makes a `RuntimeError` of it where a class is made.
    """

    def end(number: int, _: FrameType | None) -> None:
        with suppress(Exception):
            if number == signal.SIGINT:
                sys.stderr.write(f"xrt-products: interrupted; {NOTHING_TO_TELL}\n")
            sys.stderr.flush()
        os._exit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def _interrupt() -> Callable[[int, FrameType | None], None]:
    """Return a handler that raises `KeyboardInterrupt` once; after that, or when it takes too long, it is the end."""
    interrupted = threading.Event()

    def interrupt(_: int, frame: FrameType | None) -> None:
        del frame
        if interrupted.is_set():
            _end_now(_at_forced_end.get())
        interrupted.set()
        timer = threading.Timer(MAX_END, _end_now, [_at_forced_end.get()])
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    return interrupt


def _end_now(do: Callable[[], None] | None) -> None:
    with suppress(Exception):
        if do is not None:
            threading.Thread(target=do, daemon=True).start()  # which may wait for a lock that is never given back
            threading.Event().wait(0.2)
        sys.stderr.write(
            "xrt-products: ended at once. What has been submitted goes on at the service: `xrt-products jobs` lists "
            "it, `xrt-products collect JOB` goes on with it\n"
        )
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(EXIT_INTERRUPTED)

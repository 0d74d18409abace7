"""The Prefect server that commands share: a state folder of a test's own, and the processes of its server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from prefect_runs import copy_database, wait_for

MODULE = b"xrt_products.flows.cli.server"
TIMEOUT = 120.0  # s; longer than anything here takes


@contextlib.contextmanager
def own_state(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the environment of commands that find no Prefect server set up; nothing of them is left behind.

    Parameters
    ----------
    folder : Path
        The user's: the server's home in it has a database already, which takes half a minute to make.
    """
    home = server_home(folder)
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "prefect.db").exists():
        copy_database(home / "prefect.db")
    environment = {
        "PREFECT_API_URL": "",
        "PREFECT_HOME": "",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "",
        "HOME": str(folder),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    try:
        yield environment
    finally:
        for number in servers_of(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def server_home(folder: Path) -> Path:
    """Return the home of the server, which is there once it has been started."""
    return folder / "state" / "xrt-products" / f"prefect-{version('prefect')}-{socket.gethostname()}"


def servers_of(folder: Path) -> list[int]:
    """Return the processes of the server that serves this user's commands."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes()
            if MODULE in words and str(server_home(folder)).encode() in words:
                found.append(int(process.name))
    return found


def wait_for_end(folder: Path) -> None:
    """Wait until the server has ended, by itself."""
    wait_for("the server's end", lambda: not servers_of(folder), TIMEOUT)

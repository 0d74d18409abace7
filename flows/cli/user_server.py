"""One Prefect server for all commands of a user on this machine that find none set up: it keeps the history of runs.

Three locks, each of which goes with its process however that ends: every command has a shared one on `users.lock`; the
server has one on `server.lock` from before it is started; between the two, `start.lock` lets one command at a time look
whether there is a server, and start it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import IO

from ukssdc.slots import state_folder
from xrt_products.flows.cli.server import (
    NO_STATISTICS,
    address,
    exempt_loopback_from_proxies,
    listen,
    start,
    wait_until_healthy,
)

MAX_STARTS = 3  # servers that end while they are waited for
PROFILES = "profiles.toml"
SETTINGS_FILES = ("prefect.toml", "pyproject.toml", ".env")  # in which Prefect looks, in the working folder
PREFECT_ONLY = frozenset({PROFILES, "prefect.toml"})


class UserServer:
    """The server, and the right to use it; it ends when nobody has that any more."""

    def __init__(self) -> None:
        # One per version, whose databases differ; and one per machine, where machines share the user's folder.
        self.home = state_folder() / f"prefect-{version('prefect')}-{socket.gethostname()}"
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.log = self.home / "server.log"
        self.is_new = not (self.home / "prefect.db").exists()
        self._users = self._locked("users.lock", fcntl.LOCK_SH)
        self.url = self._find_or_start()

    def _find_or_start(self) -> str:
        """Return where the server is, which may not answer yet."""
        with self._locked("start.lock", fcntl.LOCK_EX), self._open("server.lock") as lock:
            if not _try_lock(lock):
                return str(json.loads((self.home / "server.json").read_text("utf-8"))["url"])
            with listen(self._last_port()) as listener, self.log.open("wb") as log:
                url = address(listener)
                (self.home / "server.json").write_text(json.dumps({"url": url}), "utf-8")
                start(listener, self.home, log, users=self.home / "users.lock", inherited=[lock.fileno()])
            return url

    def wait(self) -> None:
        """Wait until it answers.

        Raises
        ------
        OSError
            It does not start; with the end of its log.
        """
        for last in (False,) * (MAX_STARTS - 1) + (True,):
            try:
                return wait_until_healthy(self._is_running, self.url, self.log)
            except OSError:
                if last or self._is_running():
                    raise
            self.url = self._find_or_start()
            self.tell_prefect()
        return None

    def tell_prefect(self) -> None:
        """Let Prefect know where it is: when it is imported, or now, as it looks only once."""
        os.environ["PREFECT_API_URL"] = f"{self.url}/api"
        if "prefect" in sys.modules:
            from prefect.context import refresh_global_settings_context  # noqa: PLC0415 - no other way imports it here

            refresh_global_settings_context()

    def _is_running(self) -> bool:
        with self._open("server.lock") as lock:
            return not _try_lock(lock)

    def close(self) -> None:
        """Use it no more."""
        self._users.close()

    def _last_port(self) -> int:
        """Return the port of the last server: a page that a browser shows stays where it is."""
        with suppress(OSError, ValueError, KeyError):
            return int(json.loads((self.home / "server.json").read_text("utf-8"))["url"].rpartition(":")[2])
        return 0

    def _open(self, name: str) -> IO[bytes]:
        return (self.home / name).open("a+b")

    def _locked(self, name: str, operation: int) -> IO[bytes]:
        file = self._open(name)
        fcntl.flock(file, operation)
        return file


def _try_lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ensure_server() -> UserServer | None:
    """See that there is a Prefect server, and that Prefect, once it is imported, knows of it.

    Returns
    -------
    UserServer or None
        The user's, to be waited for, and to be kept as long as it is used; None where another one is set up.
    """
    exempt_loopback_from_proxies()  # Prefect's own calls, too
    for name, value in NO_STATISTICS.items():
        os.environ.setdefault(name, value)
    if os.environ.get("PREFECT_API_URL") or _is_set_up():
        return None
    server = UserServer()
    profiles = _profiles()
    if not os.environ.get("PREFECT_HOME"):
        os.environ["PREFECT_HOME"] = str(server.home)
        if profiles.exists():  # what else is set there stays
            os.environ.setdefault("PREFECT_PROFILES_PATH", str(profiles))
    server.tell_prefect()
    return server


def _is_set_up() -> bool:
    """Tell whether Prefect's settings name a server; Prefect, which takes its time, is asked only where one may."""
    if not any(_may_name_server(path) for path in (_profiles(), *map(Path, SETTINGS_FILES))):
        return False
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - as said

    return bool(PREFECT_API_URL.value())


def _profiles() -> Path:
    home = os.environ.get("PREFECT_HOME") or "~/.prefect"
    return Path(os.environ.get("PREFECT_PROFILES_PATH") or Path(home) / PROFILES).expanduser()


def _may_name_server(path: Path) -> bool:
    try:
        text = path.read_bytes().lower()
    except OSError:
        return False
    return b"url" in text and (b"prefect" in text or path.name in PREFECT_ONLY)

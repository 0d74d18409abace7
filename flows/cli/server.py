"""A Prefect server in a process of its own: started on a socket that is open already, and ended with its users.

Prefect would start one by itself. That one is in the terminal's foreground, so that Ctrl-C ends it before the flow has
had its last words, it serves no UI, and it loses the last events.
"""

from __future__ import annotations

import fcntl
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import IO, Any

from xrt_products.flows.cli.server_setup import leave_out_known_setup, note_setup

HOST = "127.0.0.1"
PORT = 4200  # Prefect's usual one
LOOPBACK_HOSTS = ("localhost", HOST, "::1")
SERVER_START = 180.0  # s; the first start sets its database up
GRACE = 10.0  # s; for a server to end in order when whoever used it is gone
SHUTDOWN = 5.0  # s; for the connections that are open, such as a browser's
MODULE = "xrt_products.flows.cli.server"
KEEP = b"k"  # on a server's stdin: it goes on when the process that started it ends
# A server that ends with its users is none for automations, and what evaluates them takes a third of a second to start.
# The other services cost nothing at the start, and some are of use: a run cancelled in the UI ends, old events go.
NO_AUTOMATIONS = {"PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false"}
NO_STATISTICS = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}  # the server's, and its clients'


def listen(*ports: int) -> socket.socket:
    """Listen on the first of these ports that is free, or on any free one: from then on nobody else can have it."""
    for port in (*ports, 0):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(socket.SOMAXCONN)
        except OSError:
            listener.close()
            continue
        return listener
    raise OSError(f"no free port on {HOST}")


def address(listener: socket.socket) -> str:
    """Return where a server on this socket is, for a browser."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def start(
    listener: socket.socket,
    home: Path,
    log: IO[bytes],
    *,
    users: Path | None = None,
    inherited: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a server as the head of a session of its own, which Ctrl-C in this one's terminal does not reach.

    Nothing that is set for Prefect here is set for it: all it has is its home.

    Parameters
    ----------
    listener : socket
        Where it listens; to be closed here afterwards.
    home : Path
        Its PREFECT_HOME, and where it runs.
    log : file
        Takes its output.
    users : Path, optional
        The file on which whoever uses the server has a shared lock: it ends when nobody has one. Without it, it ends
        when this process does, as nobody holds the other end of its stdin then.
    inherited : sequence of int, optional
        What it is to keep open: a lock that is its own from the start, for instance.
    """
    exempt_loopback_from_proxies()
    descriptor, port = listener.fileno(), listener.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= NO_STATISTICS | (NO_AUTOMATIONS if users else {})
    environment |= {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(port),
    }
    return subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", MODULE, str(descriptor), *([str(users)] if users else [])],
        stdin=subprocess.DEVNULL if users else subprocess.PIPE,
        stdout=log,
        stderr=log,
        cwd=home,
        env=environment,
        pass_fds=(descriptor, *inherited),
        start_new_session=True,
    )


def keep_running(process: subprocess.Popen[bytes]) -> None:
    """Let a server go on when this process ends."""
    if process.stdin is not None:
        process.stdin.write(KEEP)
        process.stdin.close()


def end_with_parent() -> None:
    """End this process in order when its stdin ends: whoever started it, and holds the other end, is gone."""
    pipe = os.dup(0)
    _end_after(lambda: os.read(pipe, 1) != KEEP)


def end_with_users(lock: Path) -> None:
    """End this process in order when nobody has a shared lock on a file any more, however they ended.

    The lock that this takes then is kept to the end: who comes now waits, and starts a server anew.
    """
    file = lock.open("a+b")

    def last_is_gone() -> bool:
        fcntl.flock(file, fcntl.LOCK_EX)
        return True

    _end_after(last_is_gone)


def _end_after(wait: Callable[[], bool]) -> None:
    def end_in_order() -> None:
        if not wait():
            return
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=end_in_order, name="end", daemon=True).start()


def exempt_loopback_from_proxies() -> None:
    """Let nothing that this process and its children send to this machine go through a proxy."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    missing = [host for host in LOOPBACK_HOSTS if host not in re.split(r"[\s,]+", known)]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, [known, *missing]))


def wait_until_healthy(is_running: Callable[[], bool], url: str, log: Path) -> None:
    """Wait until a server answers.

    Parameters
    ----------
    is_running : callable
        Tells whether its process is still there.
    url : str
    log : Path

    Raises
    ------
    OSError
        With the end of its log.
    """
    import requests  # noqa: PLC0415 - the server itself does without

    problem = f"did not start within {SERVER_START:g} s"
    deadline = time.monotonic() + SERVER_START
    with requests.Session() as session:
        session.trust_env = False  # a server on this machine is not asked through a proxy
        while time.monotonic() < deadline:
            if not is_running():
                problem = "ended"
                break
            try:  # the socket is open before the server is there, which then answers at once
                if session.get(f"{url}/api/health", timeout=2).ok:
                    return
            except requests.Timeout:
                continue
            except requests.RequestException:
                time.sleep(0.1)
    text = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise OSError(f"the Prefect server {problem}. The end of its log, {log}:\n{text}")


def end(pid: int) -> None:
    """End a server and its children: politely at first."""
    for sign, give_up_after in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(pid, sign)
        except (ProcessLookupError, PermissionError):
            return
        deadline = time.monotonic() + give_up_after
        while time.monotonic() < deadline and _alive(pid):
            time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def begin_transactions_as_writers() -> None:
    """Let the writers of Prefect's server wait for their turn on SQLite.

    There, a transaction of Prefect's begins as a reader. Where two want to write at once, the second is refused with
    HTTP 503, however long SQLite would wait, and Prefect's client asks again after 2, 4, 8 ... s: five flows that start
    together take half a minute. One that begins as a writer waits in the queue, as on PostgreSQL.
    """
    from prefect.server.database.configurations import AioSqliteConfiguration  # noqa: PLC0415 - Prefect's server only

    begin = AioSqliteConfiguration.begin_transaction

    def begin_as_writer(
        self: AioSqliteConfiguration,
        session: Any,
        with_for_update: bool = False,  # noqa: ARG001 - Prefect's signature
    ) -> AbstractAsyncContextManager[Any]:
        return begin(self, session, with_for_update=True)

    AioSqliteConfiguration.begin_transaction = begin_as_writer  # type: ignore[method-assign, assignment]


def main() -> None:
    """Serve on the socket that the command line names, until its users are gone; `start` says what they are."""
    descriptor, *users = sys.argv[1:]
    end_with_users(Path(users[0])) if users else end_with_parent()
    home = Path(os.environ["PREFECT_HOME"])
    leave_out_known_setup(home)
    gc.disable()  # a tenth of the imports' time, in which nothing becomes garbage
    import uvicorn  # noqa: PLC0415 - the functions above must import neither
    from prefect.server.api.server import create_app  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    begin_transactions_as_writers()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            note_setup(home)

    config = uvicorn.Config(
        create_app(final=True),
        log_level="warning",
        timeout_graceful_shutdown=int(SHUTDOWN),
        timeout_keep_alive=int(GRACE),
    )
    Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main()

"""A Prefect server beside a command: the demonstration's own, or that of a command that finds none set up.

Prefect would start one by itself. That one is in the terminal's foreground, so that Ctrl-C ends it before the flow has
had its last words, it serves no UI, and it loses the last events.
"""

from __future__ import annotations

import atexit
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

import requests
from rich.console import Console

HOST = "127.0.0.1"
PORT = 4200
LOOPBACK_HOSTS = ("localhost", HOST, "::1")
SERVER_START = 180.0  # s; the first start sets its database up
GRACE = 10.0  # s; for a server to end in order when the process that started it is gone
MODULE = "xrt_products.flows.cli.server"
KEEP = b"k"  # on a server's stdin: it goes on when the process that started it ends


def ensure_server() -> None:
    """See that there is a Prefect server; where none is set up, one runs until this process ends.

    To be called before Prefect is imported, which looks only once where its server is.

    Raises
    ------
    OSError
        It does not start.
    """
    exempt_loopback_from_proxies()  # Prefect's own calls, too
    if os.environ.get("PREFECT_API_URL"):
        return
    with tempfile.NamedTemporaryFile(prefix="xrt-products-", suffix=".log") as log:
        process = start(log, stdout=subprocess.PIPE)
        atexit.register(lambda: end(process.pid))  # it holds the process, whose end of the pipe must stay open
        url = process.stdout.readline().decode().strip() if process.stdout else ""
        if not url:  # Prefect knows of one; if it does not, its own words will say why
            return
        say = Console(stderr=True, highlight=False, soft_wrap=True).print
        say(f"No Prefect server is set up: one starts, with its UI at {url}, and ends with this command.")
        wait_until_healthy(process, url, Path(log.name))
    os.environ["PREFECT_API_URL"] = f"{url}/api"


def start(log: IO[bytes], port: int | None = None, stdout: int | None = None) -> subprocess.Popen[bytes]:
    """Start a server as the head of a session of its own, which Ctrl-C in this one's terminal does not reach.

    It ends by itself when this process does, however it does, as nobody holds the other end of its stdin then.
    """
    exempt_loopback_from_proxies()
    command = [sys.executable, "-m", MODULE, *([] if port is None else [str(port)])]
    return subprocess.Popen(  # noqa: S603 - ours
        command, stdin=subprocess.PIPE, stdout=stdout or log, stderr=log, start_new_session=True
    )


def keep_running(process: subprocess.Popen[bytes]) -> None:
    """Let a server go on when this process ends."""
    if process.stdin is not None:
        process.stdin.write(KEEP)
        process.stdin.close()


def end_with_parent() -> None:
    """End this process in order when its stdin ends: whoever started it, and holds the other end, is gone."""
    pipe = os.dup(0)

    def wait() -> None:
        if os.read(pipe, 1) == KEEP:
            return
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def exempt_loopback_from_proxies() -> None:
    """Let nothing that this process and its children send to this machine go through a proxy."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    missing = [host for host in LOOPBACK_HOSTS if host not in re.split(r"[\s,]+", known)]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(filter(None, [known, *missing]))


def wait_until_healthy(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a server answers.

    Raises
    ------
    OSError
        With the end of its log.
    """
    problem = f"did not start within {SERVER_START:g} s"
    deadline = time.monotonic() + SERVER_START
    with requests.Session() as session:
        session.trust_env = False  # a server on this machine is not asked through a proxy
        while time.monotonic() < deadline:
            if process.poll() is not None:
                problem = f"ended with status {process.returncode}"
                break
            try:
                if session.get(f"{url}/api/health", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.3)
    raise OSError(f"the Prefect server {problem}. The end of its log:\n{log.read_text(errors='replace')[-2000:]}")


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


def free_port() -> int:
    """Return Prefect's usual port where it is free, another one otherwise."""
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {HOST}")


def main() -> None:
    """Serve on the port that the command line names, or on a free one; the first line on stdout says where.

    Without a port, only if Prefect knows of no server.
    """
    end_with_parent()
    from prefect.settings import PREFECT_API_URL  # noqa: PLC0415 - the functions above must not import Prefect

    if not sys.argv[1:] and PREFECT_API_URL.value():
        return
    port = sys.argv[1] if sys.argv[1:] else str(free_port())
    sys.stdout.write(f"http://{HOST}:{port}\n")
    sys.stdout.flush()
    os.dup2(2, 1)  # the rest is for the log
    from prefect.cli import app  # noqa: PLC0415 - as above

    sys.argv = ["prefect", "server", "start", "--host", HOST, "--port", port]
    app()


if __name__ == "__main__":
    main()

"""The emulator: the service on a port of this machine, in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Collection, Iterable
from typing import Self

import uvicorn

from ukssdc.emulator.core.app import ServingOptions, make_app
from ukssdc.emulator.core.clock import ServiceClock
from ukssdc.emulator.core.emulated_service import EmulatedJobs, EmulatedService
from ukssdc.emulator.core.endpoints import ROOT
from ukssdc.emulator.core.ledger import Ledger
from ukssdc.emulator.core.scenario import Scenario
from ukssdc.emulator.faults.fault import Fault, Faults
from ukssdc.emulator.faults.injector import FaultInjector
from ukssdc.status import Product, Products

HOST = "127.0.0.1"
START_SECONDS = 10.0


class Emulator:
    """The UKSSDC product service, on this machine.

    >>> with Emulator(speed=60) as emulator:          # a minute of its time in a second
    ...     client = Client("observer@example.org", base_url=emulator.url)

    Parameters
    ----------
    port : int
        0: any free one.
    speed : float
        Service seconds per second.
    users : collection of str
        Registered e-mail addresses.
    scenario : Scenario, optional
        How the builds go; by default all end well, after a few minutes of service time.
    max_active_jobs : int
        Per user; a submission beyond it is refused.
    first_job_id : int
        Number of the first job.
    ranges, lengths, etags : bool
        Whether the archives can be asked for in parts, tell their length, have an ETag.
    clock_skew : float
        How far the service's calendar is ahead of this machine's, s.
    deprecation_warning : str
        Where not empty, every answer carries it.
    seconds_per_poll : float, optional
        Service time stands still but for each status call, which moves it on by so much: tests that need no clock.
    faults : iterable of Fault
        What goes wrong, and when.

    Attributes
    ----------
    ledger : Ledger
        Every call that came.
    jobs : Jobs
        Every job, by its number.
    faults : Faults
        What goes wrong; may be added to, and cleared, while it serves.
    """

    def __init__(
        self,
        port: int = 0,
        speed: float = 1.0,
        users: Collection[str] = ("observer@example.org",),
        scenario: Scenario | None = None,
        *,
        max_active_jobs: int = 50,
        first_job_id: int = 951,
        ranges: bool = True,
        lengths: bool = True,
        etags: bool = True,
        clock_skew: float = 0.0,
        deprecation_warning: str = "",
        seconds_per_poll: float | None = None,
        faults: Iterable[Fault] = (),
    ) -> None:
        self._port = port
        self._clock = ServiceClock(speed)
        self._service = EmulatedService(
            users=(users,) if isinstance(users, str) else users,
            scenario=scenario or Scenario(),
            clock=self._clock,
            max_active_jobs=max_active_jobs,
            first_job_id=first_job_id,
            clock_skew=clock_skew,
        )
        self.ledger = Ledger()
        self.faults = Faults(faults)
        options = ServingOptions(
            ranges=ranges,
            lengths=lengths,
            etags=etags,
            deprecation_warning=deprecation_warning,
            seconds_per_poll=seconds_per_poll,
        )
        if seconds_per_poll is not None:
            self.freeze()
        self._app = make_app(
            self._service,
            self.ledger,
            options,
            lambda app: FaultInjector(app, self.faults, self._service.forget),
        )
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port; known once started."""
        return self._port

    @property
    def url(self) -> str:
        """The counterpart of `https://www.swift.ac.uk/user_objects`."""
        if not self._port:
            raise RuntimeError("the emulator has no address before it is started: use `with Emulator() as emulator`")
        return f"http://{HOST}:{self._port}{ROOT}"

    @property
    def jobs(self) -> EmulatedJobs:
        """Every job, by its number."""
        return self._service.jobs

    def start(self) -> Self:
        """Serve; after a `stop`, on the same port and with the jobs of before.

        Raises
        ------
        OSError
            If the port is in use.
        """
        if self._thread is not None:
            raise RuntimeError("the emulator is serving already")
        listener = _listen(self._port)
        self._port = int(listener.getsockname()[1])
        config = uvicorn.Config(
            self._app,
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            headers=[("Server", "Apache")],
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=_serve, args=(self._server, listener), name=f"ukssdc-emulator-{self._port}", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the emulator did not start to serve")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving; connections that are open are closed. The jobs live on, and grow older."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    def restart(self, *, forget: bool = False) -> None:
        """Stop and start; with `forget`, without memory of the jobs."""
        self.stop()
        if forget:
            self._service.forget()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def freeze(self) -> None:
        """Let service time stand still."""
        self._clock.freeze()

    def resume(self) -> None:
        """Let service time run again."""
        self._clock.resume()

    def advance(self, seconds: float) -> None:
        """Jump ahead by so many service seconds, frozen or not."""
        self._clock.advance(seconds)

    def now(self) -> float:
        """Return the service time, s since the emulator was made."""
        return self._clock.now()

    def cancel(self, job_id: int, products: Products = "all") -> dict[Product, int]:
        """Cancel products as the user does on the service's web page.

        Returns
        -------
        dict
            Product to code (protocol, section 4).
        """
        return self._service.cancel(job_id, products)

    def completed_at(self, job_id: int, product: Product | str) -> float | None:
        """Return when a product became complete, on the ledger's clock (`time.monotonic`), s; None if it is not."""
        return self.jobs[job_id].completed_at(product)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(errno.EADDRINUSE, f"port {port} of {HOST} is in use by another program") from error
        raise
    return listener


def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    async def serve() -> None:
        await server.serve(sockets=[listener])
        # Who is still reading a long answer would wait for ever: uvicorn leaves such connections open.
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    with asyncio.Runner() as runner:
        runner.run(serve())

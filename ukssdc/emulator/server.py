"""The emulator: the service on a local port, in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Collection, Iterable
from typing import Any, Self

import uvicorn

from ukssdc.emulator.core.app import ServingOptions, make_app
from ukssdc.emulator.core.clock import ServiceClock
from ukssdc.emulator.core.date_header import DateHeader
from ukssdc.emulator.core.emulated_job import EmulatedJobs
from ukssdc.emulator.core.emulated_service import EmulatedService
from ukssdc.emulator.core.endpoints import ROOT
from ukssdc.emulator.core.ledger import Ledger
from ukssdc.emulator.core.scenario import Scenario
from ukssdc.emulator.faults.fault import Fault, Faults
from ukssdc.emulator.faults.injector import FaultInjector
from ukssdc.notebook import ShortRepr
from ukssdc.status import Product, Products

HOST = "127.0.0.1"
START_SECONDS = 10.0


class Emulator(ShortRepr):
    """The UKSSDC product service, emulated on this machine.

    >>> with Emulator(speed=60) as emulator:          # 60x real time
    ...     client = Client("observer@example.org", base_url=emulator.url)

    Parameters
    ----------
    port : int
        0 for any free port.
    speed : float
        Service seconds per second.
    users : collection of str
        Registered e-mail addresses.
    scenario : Scenario, optional
        How the builds go; by default all complete after a few minutes of service time.
    max_active_jobs : int
        Per user; further submissions are refused.
    first_job_id : int
        Number of the first job.
    ranges, lengths, etags : bool
        Whether archives support `Range`, and have `Content-Length` and `ETag`.
    calendar_skew : float
        How far the service's calendar (`DateSubmitted`) is ahead of this machine's, s.
    date_skew : float
        How far the web server's clock (the header `Date`) is ahead of this machine's, s.
    name_change : str, optional
        What the service makes of targets' names in its answers: "escape", "strip", "escape_strip", "shorten", "drop",
        or "mixed" for all of them in turn.
    deprecation_warning : str
        Sent with every answer, unless empty.
    seconds_per_poll : float, optional
        Freezes service time, and advances it by so much after each status call: for tests that need no clock.
    faults : iterable of Fault
        Which calls fail, and how.

    Attributes
    ----------
    ledger : Ledger
        Every call.
    jobs : Jobs
        Every job, by its number.
    rebins : EmulatedJobs
        Every rebinning of a light curve, by its own number.
    faults : Faults
        Which calls fail; can be changed while the emulator serves.
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
        calendar_skew: float = 0.0,
        date_skew: float = 0.0,
        name_change: str | None = None,
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
            calendar_skew=calendar_skew,
            name_change=name_change,
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
            lambda app: DateHeader(FaultInjector(app, self.faults, self._service.forget), date_skew),
        )
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("url", self.url if self._port else None), ("jobs", list(self.jobs))]

    @property
    def port(self) -> int:
        """The port; 0 until started, if any free one was asked for."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL, in place of `https://www.swift.ac.uk/user_objects`."""
        if not self._port:
            raise RuntimeError("the emulator has no URL before it is started: use `with Emulator() as emulator`")
        return f"http://{HOST}:{self._port}{ROOT}"

    @property
    def jobs(self) -> EmulatedJobs:
        """Every job, by its number."""
        return self._service.jobs

    @property
    def rebins(self) -> EmulatedJobs:
        """Every light curve that is binned anew, by the number of the rebinning."""
        return self._service.rebins

    def start(self) -> Self:
        """Start serving; after `stop`, on the same port and with the same jobs.

        Raises
        ------
        OSError
            If the port is in use.
        """
        if self._thread is not None:
            raise RuntimeError("the emulator is already serving")
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
            date_header=False,
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
                raise RuntimeError("the emulator did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving and close open connections; jobs are kept, and service time goes on."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    def restart(self, *, forget: bool = False) -> None:
        """Stop and start again; with `forget`, all jobs are lost."""
        self.stop()
        if forget:
            self._service.forget()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def freeze(self) -> None:
        """Freeze service time."""
        self._clock.freeze()

    def resume(self) -> None:
        """Let service time run again."""
        self._clock.resume()

    def advance(self, seconds: float) -> None:
        """Advance service time by so many seconds, frozen or not."""
        self._clock.advance(seconds)

    def now(self) -> float:
        """Return the service time, s since the emulator was created."""
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
        """Return when a product became complete (`time.monotonic`, as in the ledger, s); None if it is not."""
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
        # uvicorn leaves connections with an unfinished answer open, and their clients waiting.
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    with asyncio.Runner() as runner:
        runner.run(serve())

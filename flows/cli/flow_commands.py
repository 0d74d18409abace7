"""The commands that run a flow: they import Prefect, and only when they run."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import ukssdc
from ukssdc.client import refuse_address
from ukssdc.errors import UKSSDCError
from ukssdc.record import ProductsFolder
from ukssdc.slots import MAX_ACTIVE
from xrt_products.flows.cli.app import app
from xrt_products.flows.cli.heartbeats import without_heartbeats
from xrt_products.flows.cli.output import show_report
from xrt_products.flows.cli.signals import end_at_once_on_signals
from xrt_products.flows.options import FollowOptions, WaitOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ukssdc.outcomes import JobReport

Options = Annotated[FollowOptions, Parameter(name="*")]  # each of them an option of the command
DEFAULTS = FollowOptions()
LOG_FORMAT = "%(asctime)s  %(message)s"


@app.command
def run(
    file: Path,
    *,
    options: Options = DEFAULTS,
    fresh: bool = False,
    max_active: int = MAX_ACTIVE,
    cancel_on_interrupt: bool = False,
) -> int:
    """Submit the request in FILE, poll it once a minute, and download every product as it completes.

    Parameters
    ----------
    file
        The request, YAML or JSON, in the service's own parameter names; see the README. - is stdin.
    fresh
        Submit a new job even where an earlier run with the same request and destination has left one unfinished.
    max_active
        How many of your jobs may be active at once; where as many are, the request waits for a slot. The service asks
        for 5.
    cancel_on_interrupt
        Whether Ctrl-C cancels the job at the service. By default it goes on there, and the last lines say how to
        collect or cancel it.
    """
    request, user = ukssdc.ProductRequest.read_file(file)
    if options.account is None:
        _require_own(file, user, ukssdc.Client.from_environment)
    xrt_products = load_flows(options)
    if options.account is not None:
        _require_own(file, user, lambda: _client_of_block(options.account))
    return finish(
        lambda: xrt_products.request_products(request, fresh=fresh, max_active=max_active, **flow_parameters(options)),
        cancels=cancel_on_interrupt,
    )


@app.command
def collect(job: int, *, options: Options = DEFAULTS, cancel_on_interrupt: bool = False) -> int:
    """Take up job number JOB: wait for what is pending, download what is complete.

    Parameters
    ----------
    job
        The service's number for the job; `xrt-products jobs` lists them.
    cancel_on_interrupt
        Whether Ctrl-C cancels the job at the service.
    """
    xrt_products = load_flows(options)
    return finish(
        lambda: xrt_products.collect_products(job, **flow_parameters(options) | {"cancel_with_run": False}),
        cancels=cancel_on_interrupt,
    )


app.command(  # imported when it is asked for, because its options are made of models
    "xrt_products.flows.cli.rebin_command:rebin",
    help="Bin the complete light curve of job number JOB anew, without a new job.",
)


def load_flows(options: WaitOptions) -> Any:
    """Import the flows; before that, see that there is an account, and options that make sense, which takes no time.

    Where the service is that a block names is known only later; then the flow sees to the interval.
    """
    refuse_address(options.account if isinstance(options.account, str) else None)
    options.validate(
        ukssdc.Client.from_environment().base_url if options.account is None else None,
        name=lambda option: f"--{option.replace('_', '-')}",
    )
    ProductsFolder(options.destination).require_writable()
    if options.account is None:
        _check_account()
    with end_at_once_on_signals():
        return _import_flows()


def _import_flows() -> Any:
    """Import the flows, while the server starts where none is set up, and wait for it."""
    from xrt_products.flows.cli.user_server import ensure_server  # noqa: PLC0415 - only where Prefect is used

    for kind in ("FLOW_RUN", "TASK_RUN"):
        os.environ.setdefault(f"PREFECT_LOGGING_FORMATTERS_STANDARD_{kind}_FMT", LOG_FORMAT)
    server = ensure_server()
    if server is not None and server.is_new and sys.stderr.isatty():
        sys.stderr.write("Setting up the history of runs; this once it takes half a minute ...\n")
    if server is not None:
        atexit.register(server.close)  # before Prefect's own, which are called first and still need it
    gc.disable()  # a tenth of the imports' time, in which nothing becomes garbage
    import fastapi.encoders  # noqa: F401, PLC0415 - Prefect does it when a flow starts; here, while the server does

    import xrt_products  # noqa: PLC0415 - as well
    from xrt_products.flows.cli.live import live_display  # noqa: F401, PLC0415 - as well
    from xrt_products.flows.cli.logs import filter_logs  # noqa: PLC0415

    xrt_products.request_products  # noqa: B018 - imported when it is asked for
    gc.freeze()
    gc.enable()
    filter_logs()
    if server is not None:
        server.wait()
    return xrt_products


def _client_of_block(account: Any) -> ukssdc.Client:
    from xrt_products.tasks.account import client_for  # noqa: PLC0415 - it imports Prefect

    return client_for(account)


def _require_own(file: Path, user: str | None, client: Callable[[], ukssdc.Client]) -> None:
    """Refuse a file that another account has written: the reference client's holds the address, and ours sends none."""
    if user is not None and not client().is_account(user):
        raise UKSSDCError(f"{file} is another account's: its UserID is not yours. Take UserID out to send it as yours")


def _check_account() -> None:
    """See that the service knows the account, before anything else starts; one that is away is waited for later."""
    with ukssdc.Client.from_environment() as client:
        try:
            client.count_active_jobs()
        except ukssdc.ServiceError as error:
            raise UKSSDCError(
                f"the service does not accept the account in UKSSDC_USER: {'; '.join(error.errors)}"
            ) from None
        except UKSSDCError:
            return


def flow_parameters(options: WaitOptions) -> dict[str, Any]:
    """Return the options as a flow's parameters; a URL of a notification is hidden, as Prefect's server stores them."""
    from pydantic import SecretStr  # noqa: PLC0415 - a flow runs anyway

    notify = options.notify or os.environ.get("UKSSDC_NOTIFY")
    return {**options.as_parameters(), "notify": SecretStr(notify) if isinstance(notify, str) else None}


def finish(flow: Callable[[], JobReport], *, cancels: bool) -> int:
    """Run a flow, live where there is a terminal, and show its report; 1 where a product failed."""
    from ukssdc.outcomes import ProductsFailed  # noqa: PLC0415
    from xrt_products.flows.cli.live import live_display  # noqa: PLC0415 - it imports Prefect
    from xrt_products.flows.interrupt import cancel_on_interrupt  # noqa: PLC0415 - as well

    try:
        with without_heartbeats(), live_display(), cancel_on_interrupt(cancels):
            report = flow()
    except ProductsFailed as failed:
        report = failed.report
    show_report(report)
    return 0 if report.ok else 1

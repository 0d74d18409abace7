"""Run a flow from the command line: import what it takes, start or find the server, show how it goes."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import TYPE_CHECKING, Any

import ukssdc
from ukssdc.client import refuse_address
from ukssdc.errors import UKSSDCError
from ukssdc.record import ProductsFolder
from xrt_products.flows.cli.heartbeats import without_heartbeats
from xrt_products.flows.cli.output import show_campaign, show_report
from xrt_products.flows.cli.signals import end_at_once_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from ukssdc.campaign import BatchReport
    from ukssdc.outcomes import JobReport
    from xrt_products.flows.options import WaitOptions

LOG_FORMAT = "%(asctime)s  %(message)s"


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


def finish(flow: Callable[[], JobReport | BatchReport], *, cancels: bool) -> int:
    """Run a flow, live where there is a terminal, and show its report; 1 where a product failed."""
    from ukssdc.outcomes import JobReport, ProductsFailed  # noqa: PLC0415
    from xrt_products.flows.cli.live import live_display  # noqa: PLC0415 - it imports Prefect
    from xrt_products.flows.interrupt import cancel_on_interrupt  # noqa: PLC0415 - as well

    try:
        with without_heartbeats(), live_display(), cancel_on_interrupt(cancels):
            report = flow()
    except ProductsFailed as failed:
        report = failed.report
    if isinstance(report, JobReport):
        show_report(report)
    else:
        show_campaign(report)
    return 0 if report.ok else 1

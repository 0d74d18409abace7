"""The commands that run a flow: they import Prefect, and only when they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import ukssdc
from ukssdc.errors import UKSSDCError
from ukssdc.slots import MAX_ACTIVE
from xrt_products.flows.cli.app import app
from xrt_products.flows.cli.run_flow import finish, flow_parameters, load_flows
from xrt_products.flows.options import FollowOptions

if TYPE_CHECKING:
    from collections.abc import Callable


Options = Annotated[FollowOptions, Parameter(name="*")]  # each of them an option of the command
DEFAULTS = FollowOptions()


@app.command
def run(
    file: Path,
    *more: Path,
    options: Options = DEFAULTS,
    fresh: bool = False,
    max_active: int = MAX_ACTIVE,
    folder: str = "{name}",
    cancel_on_interrupt: bool = False,
) -> int:
    """Submit the request in FILE, poll it once a minute, and download every product as it completes.

    Several files are a campaign: their jobs are submitted as the service has room; see `xrt-products batch`.

    Parameters
    ----------
    file
        The request, YAML or JSON, in the service's own parameter names; see the README. - is stdin.
    more
        Further requests.
    fresh
        Submit a new job even where an earlier run with the same request and destination has left one unfinished.
    max_active
        How many of your jobs may be active at once; where as many are, the request waits for a slot. The service asks
        for 5.
    folder
        The target's folder below the destination, with parameters in braces: M82/{Spectrum.useObs}.
    cancel_on_interrupt
        Whether Ctrl-C cancels the job at the service. By default it goes on there, and the last lines say how to
        collect or cancel it.
    """
    if more:
        from xrt_products.flows.cli.batch_command import run_requests  # noqa: PLC0415 - it takes its time

        files, cancels = (file, *more), cancel_on_interrupt
        return run_requests(files, options, fresh=fresh, max_active=max_active, folder=folder, cancels=cancels)
    request, user = ukssdc.ProductRequest.read_file(file)
    if options.account is None:
        _require_own(file, user, ukssdc.Client.from_environment)
    xrt_products = load_flows(options)
    if options.account is not None:
        _require_own(file, user, lambda: _client_of_block(options.account))
    return finish(
        lambda: xrt_products.request_products(
            request, fresh=fresh, max_active=max_active, folder=folder, **flow_parameters(options)
        ),
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


app.command(
    "xrt_products.flows.cli.batch_command:batch",
    help="Ask for products of many targets, a few at a time, and bring each to its end.",
)


def _client_of_block(account: Any) -> ukssdc.Client:
    from xrt_products.tasks.account import client_for  # noqa: PLC0415 - it imports Prefect

    return client_for(account)


def _require_own(file: Path, user: str | None, client: Callable[[], ukssdc.Client]) -> None:
    """Refuse a file that another account has written: the reference client's holds the address, and ours sends none."""
    if user is not None and not client().is_account(user):
        raise UKSSDCError(f"{file} is another account's: its UserID is not yours. Take UserID out to send it as yours")

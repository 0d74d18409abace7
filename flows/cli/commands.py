"""The command `xrt-products`. Only `run`, `collect` and `demo` import Prefect, and only when they run."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

import ukssdc
from ukssdc.client import refuse_address
from ukssdc.errors import UKSSDCError
from ukssdc.record import ProductsFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.slots import MAX_ACTIVE
from ukssdc.texts import replace_controls
from xrt_products.flows.cli.output import show_report, show_table
from xrt_products.flows.cli.signals import end_in_order_on_signals
from xrt_products.flows.cli.streams import use_best_effort_streams, use_utf8_file_names
from xrt_products.flows.options import FollowOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ukssdc.outcomes import JobReport

Options = Annotated[FollowOptions, Parameter(name="*")]  # each of them an option of the command
DEFAULTS = FollowOptions()

SCENARIO_HELP = """\
A scenario, for instance:

```yaml
products:
  all:         {queued: 10, running: 60}    # seconds of service time
  Spectrum:    {ends: -3}                   # runs, and fails
  AstromPos:   {ends: -4}                   # is cancelled
  Image:       {size: 256 MiB}
targets: {M82: {LightCurve: {ends: -2}}}    # for this target only
```

The emulator keeps its jobs in memory: started again, it knows none of them."""

app = App(
    name="xrt-products",
    version=version("xrt-products"),
    help="""Swift-XRT light curves, spectra, positions and images from the UKSSDC, as Prefect flows.

    The account is the e-mail address that is registered with the service, in the environment variable UKSSDC_USER
    (to register: https://www.swift.ac.uk/user_objects/register.php). UKSSDC_URL points elsewhere than to the real
    service: to the emulator, for instance. UKSSDC_TIMEOUT is the longest wait for an answer (60 s),
    UKSSDC_FIRST_BYTE_TIMEOUT that for the first byte of an archive (600 s).

    The exit status is 0 where all went well, 1 where something failed, 2 where the command line is wrong, 130 after
    Ctrl-C.""",
    suppress_keyboard_interrupt=False,  # main() has a word to say
)


@app.command
def run(file: Path, *, options: Options = DEFAULTS, fresh: bool = False, max_active: int = MAX_ACTIVE) -> int:
    """Submit the request in FILE, poll it once a minute, and download every product as it completes.

    Parameters
    ----------
    file
        The request, YAML or JSON, in the service's own parameter names; see the README.
    fresh
        Submit a new job even where an earlier run with the same request and destination has left one unfinished.
    max_active
        How many of your jobs may be active at once; where as many are, the request waits for a slot. The service asks
        for 5.
    """
    request, user = ukssdc.ProductRequest.read_file(file)
    if options.account is None:
        _require_own(file, user, ukssdc.Client.from_environment)
    xrt_products = _load_flows(options)
    if options.account is not None:
        _require_own(file, user, lambda: _client_of_block(options.account))
    return _finish(
        lambda: xrt_products.request_products(request, fresh=fresh, max_active=max_active, **_parameters(options))
    )


@app.command
def collect(job: int, *, options: Options = DEFAULTS) -> int:
    """Take up job number JOB: wait for what is pending, download what is complete.

    Parameters
    ----------
    job
        The service's number for the job; `xrt-products jobs` lists them.
    """
    xrt_products = _load_flows(options)
    return _finish(lambda: xrt_products.collect_products(job, **_parameters(options)))


@app.command
def status(job: int) -> int:
    """Show where the products of job number JOB stand.

    Parameters
    ----------
    job
        The service's number for the job.
    """
    client = ukssdc.Client.from_environment()
    found = client.attach(job)
    rows = [
        (product, str(int(state.status_code)), state.status_text, state.progress_text.rstrip())
        for product, state in client.status(found).items()
    ]
    title = f"{found.name}, job {found.job_id}"
    show_table(title, ("Product", "Code", "Status", "Progress"), rows, caption=found.url)
    return 0


@app.command
def watch(job: int, *, interval: float = POLL_INTERVAL) -> int:
    """Show how job number JOB goes on until it is over: a live table, or plain lines where it is no terminal.

    Parameters
    ----------
    job
        The service's number for the job.
    interval
        Time between two polls, s; 60 or more, except against an emulator on this machine.
    """
    from xrt_products.flows.cli.watch import watch_job  # noqa: PLC0415 - the other commands need not wait for it

    client = ukssdc.Client.from_environment()
    found = client.attach(job)
    try:
        return watch_job(client, found, interval=interval)
    except KeyboardInterrupt:
        sys.stderr.write(f"xrt-products: stopped watching; job {job} goes on at the service\n")
        return 130


@app.command(usage="Usage: xrt-products cancel JOB [PRODUCT ...]")
def cancel(job: int, *products: str) -> int:
    """Cancel job number JOB at the service, or only some of its products.

    Parameters
    ----------
    job
        The service's number for the job.
    products
        Names of the products to cancel; all of them where none is given.
    """
    client = ukssdc.Client.from_environment()
    report = client.cancel(client.attach(job), list(products) or "all")
    for product, text in report.texts.items():
        sys.stdout.write(f"{product}: {' '.join(text.split())}\n")
    return 0 if report.complete else 1


@app.command
def jobs() -> int:
    """List all jobs that you ever submitted, newest first, and count the active ones."""
    client = ukssdc.Client.from_environment()
    rows = [
        (
            str(job.job_id),
            job.name,
            f"{job.submitted:%Y-%m-%d %H:%M:%S}" if job.submitted else "",
            ", ".join(job.products),
            "yes" if job.available else "no",
        )
        for job in client.jobs()
    ]
    headings = ("Job", "Target", "Submitted (UTC)", "Products", "On the server")
    show_table("Jobs", headings, rows, caption=f"{client.count_active_jobs()} active")
    return 0


@app.command(help_epilogue=SCENARIO_HELP)
def emulator(
    *, port: int = 8951, speed: float = 1.0, user: str = "observer@example.org", scenario: Path | None = None
) -> int:
    """Serve the emulator of the service on this machine, until Ctrl-C.

    Parameters
    ----------
    port
        Where to listen, on 127.0.0.1.
    speed
        Service seconds per second: 60 makes a minute's work of the service last a second.
    user
        The registered e-mail address.
    scenario
        YAML file that says how long each product takes and how it ends.
    """
    from ukssdc.emulator.__main__ import main as serve  # noqa: PLC0415 - starlette and uvicorn only where they serve

    arguments = ["--port", str(port), "--speed", str(speed), "--user", user]
    return serve([*arguments, *(["--scenario", str(scenario)] if scenario else [])])


@app.command
def demo(*, keep: bool = False) -> int:
    """Run everything on this machine: emulator, Prefect server, and the flow for GRB 200416A.

    Parameters
    ----------
    keep
        Leave the Prefect server up, to look around in its UI.
    """
    from xrt_products.flows.cli.demo import run_demo  # noqa: PLC0415 - it sets Prefect up before Prefect is imported

    return run_demo(keep=keep)


def _load_flows(options: FollowOptions) -> Any:
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
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from xrt_products.flows.cli.server import ensure_server  # noqa: PLC0415 - only where Prefect is used

    ensure_server()
    import xrt_products  # noqa: PLC0415
    from xrt_products.flows.cli.logs import filter_logs  # noqa: PLC0415

    filter_logs()
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


def _parameters(options: FollowOptions) -> dict[str, Any]:
    """Return the options as a flow's parameters; a URL of a notification is hidden, as Prefect's server stores them."""
    from pydantic import SecretStr  # noqa: PLC0415 - a flow runs anyway

    notify = options.notify or os.environ.get("UKSSDC_NOTIFY")
    return {**options.as_parameters(), "notify": SecretStr(notify) if isinstance(notify, str) else None}


def _finish(flow: Callable[[], JobReport]) -> int:
    """Run a flow, live where there is a terminal, and show its report; 1 where a product failed."""
    from ukssdc.outcomes import ProductsFailed  # noqa: PLC0415
    from xrt_products.flows.cli.live import live_display  # noqa: PLC0415 - it imports Prefect

    try:
        with live_display():
            report = flow()
    except ProductsFailed as failed:
        report = failed.report
    show_report(report)
    return 0 if report.ok else 1


def main() -> None:
    """Run the command line; what can be expected to go wrong ends in a message and not in a traceback."""
    use_utf8_file_names()
    use_best_effort_streams()
    end_in_order_on_signals()
    try:
        app()
    except (UKSSDCError, ValueError, OSError) as error:
        sys.stderr.write(f"xrt-products: {replace_controls(str(error))}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("xrt-products: stopped. `xrt-products jobs` shows what goes on at the service\n")
        sys.exit(130)


if __name__ == "__main__":
    main()

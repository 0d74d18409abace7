"""Ctrl-C of a script, a notebook or a command: the job goes on at the service, and the last words say how to go on.

What Prefect cancels is another matter: `cancel.py` sees to that.
"""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

import logging
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import httpx
from prefect import Flow, State, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectException
from prefect.states import Cancelled

from ukssdc import Client, Job, Product, UKSSDCError
from ukssdc.record import JobFolder
from xrt_products.flows.options import FollowOptions
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.flow_run import INTERRUPTED, deployed_run, is_deployed
from xrt_products.tasks.retry import Interrupted

CANCEL_HINT = "Look with `xrt-products jobs`, and `xrt-products cancel` what is not wanted any more"
ABORTED = "Execution was aborted by an interrupt signal"  # Prefect's words
HOOK = "'call_interrupted'"  # in Prefect's words about its being called
ON_DISK = re.compile(r".*\.(tar\.gz|tar|zip)(\.part)?")

# What is to be cancelled: jobs, and of each the products; worked out only when it comes to that.
FindJobs = Callable[[Client], list[tuple[Job, tuple[Product, ...]]]]

_cancels: ContextVar[bool] = ContextVar("cancels", default=False)


@contextmanager
def cancel_on_interrupt(wanted: bool = True) -> Iterator[None]:
    """Have Ctrl-C cancel the jobs of the flows that run inside, in the place of leaving them to the service."""
    token = _cancels.set(wanted)
    try:
        yield
    finally:
        _cancels.reset(token)


def cancels_on_interrupt() -> bool:
    """Tell whether Ctrl-C cancels, within `cancel_on_interrupt`."""
    return _cancels.get()


@contextmanager
def handle_interrupt(
    describe: Callable[[], str],
    find_jobs: FindJobs | None = None,
    account: Account = None,
    then: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Give a Ctrl-C that stops the body the words that are to come last; must be used within a flow.

    A deployed run is left alone: Ctrl-C of a worker, or of what serves the flow, reaches the runs as well, which go on
    later, and so do their jobs.

    Parameters
    ----------
    describe : callable
        Returns what goes on, what is on disk, and what to do.
    find_jobs : callable, optional
        Returns what is to be cancelled where `cancel_on_interrupt` asks for it.
    account : str, UKSSDCAccount or None, optional
    then : callable, optional
        Called when everything has been cancelled.

    Raises
    ------
    KeyboardInterrupt
        With these words.
    """
    _hide_crash()
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if is_deployed() or interrupt.args:  # what is further inside has said it
            raise
        words = _cancel(find_jobs, account, then) if _cancels.get() and find_jobs is not None else describe()
        # Who has a terminal sees it at the end; the Prefect UI keeps it.
        get_run_logger().warning("Interrupted; %s", words, extra={"repeated_at_end": True})
        raise KeyboardInterrupt(words) from None


def job_goes_on(folders: Sequence[JobFolder], pending: bool, options: FollowOptions) -> str:
    """Say what goes on of some jobs, what is on disk of them, and with which commands to go on."""
    parts = []
    for folder in folders:
        number, names = folder.job.job_id, _on_disk(folder)
        state = "goes on at the service" if pending else "has nothing pending at the service"
        disk = f"On disk, in {folder.path}: {', '.join(names)}" if names else "Nothing of it is on disk yet"
        parts.append(f"job {number} ({folder.job.name}) {state}\n{disk}\n{commands(number, options, pending=pending)}")
    return "\n".join(parts)


def commands(number: int, options: FollowOptions, *, pending: bool = True) -> str:
    """Return the commands that go on with a job, a line each."""
    default = FollowOptions()
    rows = [("collect", "waits for the rest and downloads it")]
    rows += [("cancel", "cancels it")] if pending else []
    words = []
    for command, _ in rows:
        line = f"xrt-products {command} {number}"
        if command == "collect" and options.destination != default.destination:
            line += f" --destination {shlex.quote(str(options.destination))}"
        if command == "collect" and isinstance(options.account, str):
            line += f" --account {shlex.quote(options.account)}"
        if command == "collect" and options.publish is not None:
            line += f" --publish {shlex.quote(options.publish)}"
        words.append(line)
    width = max(map(len, words))
    return "\n".join(f"  {line:{width}}   {what}" for line, (_, what) in zip(words, rows, strict=True))


def _on_disk(folder: JobFolder) -> list[str]:
    with suppress(OSError):
        return sorted(file.name for file in folder.path.iterdir() if ON_DISK.fullmatch(file.name))
    return []


def _cancel(find_jobs: FindJobs, account: Account, then: Callable[[], None] | None) -> str:
    """Cancel what is pending, once, and say what came of it."""
    try:
        client = client_for(account)
        cancelled = [(job, products) for job, products in find_jobs(client) if products]
        reports = [str(client.cancel(job, products)) for job, products in cancelled]
    except (UKSSDCError, ValueError) as error:
        return f"perhaps not cancelled at the service: {error}. {CANCEL_HINT}"
    if not cancelled:
        return f"the service has nothing of it to cancel. {CANCEL_HINT}"
    if then is not None:
        then()
    return f"cancelled at the service: {'; '.join(reports)}"


def call_interrupted(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001 - Prefect calls it by these names
    """Let a run that Ctrl-C has stopped end as *Interrupted*, which Prefect's engine calls crashed.

    Set here, behind the engine: on an exception that is none of `Exception`, it forces its own state over any other. It
    is a kind of Cancelled, as the server then ends the run's tasks as well; set by a client, it calls no hook.
    """
    if ABORTED not in (state.message or "") or deployed_run(flow_run) is not None:
        return
    words = str(state.data) if isinstance(state.data, KeyboardInterrupt) else ""
    ends: State[Any] = Cancelled(name=INTERRUPTED, message=words or None)
    with suppress(httpx.HTTPError, PrefectException), get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run.id, ends, force=True)


class _WithoutCrash(logging.Filter):
    """Leave out what Prefect says of an interrupted run: nothing has crashed."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not (isinstance(error, Interrupted) or any(words in str(record.msg) for words in (ABORTED, HOOK)))


def _hide_crash() -> None:
    """Apply it to Prefect's loggers of runs, once for the process: its last line comes after the flow."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        if not any(isinstance(f, _WithoutCrash) for f in logger.filters):
            logger.addFilter(_WithoutCrash())

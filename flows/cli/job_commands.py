"""The commands that ask the service about jobs, or tell it something: without Prefect."""

from __future__ import annotations

import sys

import ukssdc
from ukssdc.errors import InvalidOptions
from ukssdc.product_progress import product_progress
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action
from xrt_products.flows.cli.app import app
from xrt_products.flows.cli.output import show_json, show_table

EXIT_PENDING = 3
ENDED_WELL = frozenset({Action.DOWNLOAD, Action.CANCELLED})


@app.command(usage="Usage: xrt-products status [OPTIONS] JOB [PRODUCT ...]")
def status(job: int, *products: str, json: bool = False) -> int:
    """Show where the products of job number JOB stand, or some of them.

    The exit status is 0 where all of them are complete (or cancelled by you), 1 where one failed, 3 where one is
    pending.

    Parameters
    ----------
    job
        The service's number for the job.
    products
        Names of the products to ask about; all of them where none is given.
    json
        Whether to print JSON, for other programs.
    """
    client = ukssdc.Client.from_environment()
    found = client.attach(job)
    answer = client.status(found, list(products) or "all")
    progress = {product: product_progress(state) for product, state in answer.items()}
    if json:
        show_json(
            {
                "job_id": found.job_id,
                "name": found.name,
                "url": found.url,
                "complete": answer.complete,
                "products": {
                    product: {
                        "status_code": int(state.status_code),
                        "status_text": state.status_text,
                        "complete": state.complete,
                        "pending": not state.settled,
                        "percent": progress[product].percent,
                        "step": progress[product].step,
                        "progress": state.progress,
                    }
                    for product, state in answer.items()
                },
            }
        )
    else:
        rows = [
            (
                product,
                str(state),
                f"{progress[product].percent} %" if state.running else "",
                state.progress_text.rstrip() if state.running else "",
            )
            for product, state in answer.items()
        ]
        title = f"{found.name}, job {found.job_id}"
        show_table(title, ("Product", "Status", "Done", "Progress"), rows, caption=found.url)
    if answer.pending:
        return EXIT_PENDING
    return 1 if any(state.action not in ENDED_WELL for state in answer.values()) else 0


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
def jobs(*, last: int | None = None, json: bool = False) -> int:
    """List the jobs that you ever submitted, newest first, and count the active ones.

    Parameters
    ----------
    last
        How many of them; all where it isn't given.
    json
        Whether to print JSON, for other programs.
    """
    if last is not None and last < 1:
        raise InvalidOptions(f"--last is {last}: give a count, at least 1")
    client = ukssdc.Client.from_environment()
    found = client.jobs()[:last]
    if json:
        show_json([job.model_dump(mode="json") for job in found])
        return 0
    rows = [
        (
            str(job.job_id),
            job.name,
            f"{job.submitted:%Y-%m-%d %H:%M:%S}" if job.submitted else "",
            ", ".join(job.products),
            "yes" if job.available else "no",
        )
        for job in found
    ]
    headings = ("Job", "Target", "Submitted (UTC)", "Products", "Still there")
    show_table("Jobs", headings, rows, caption=f"{client.count_active_jobs()} active")
    return 0

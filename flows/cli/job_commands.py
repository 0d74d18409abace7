"""The commands that ask the service about jobs, or tell it something: without Prefect."""

from __future__ import annotations

import sys

import ukssdc
from ukssdc.service import POLL_INTERVAL
from xrt_products.flows.cli.app import app
from xrt_products.flows.cli.output import show_table


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

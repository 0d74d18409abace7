"""Report what failed, as a page in the job's folder and in the Prefect UI; sum up the job, as a table there."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from textwrap import fill
from urllib.parse import quote

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from ukssdc import Job, Product
from ukssdc.markdown import code_block, escape, job_link, table
from ukssdc.outcomes import Failed, Failure, JobReport
from ukssdc.record import JobFolder
from ukssdc.record.files import write_whole
from ukssdc.service import HELP_ADDRESS
from ukssdc.status import HELPDESK_CODES
from xrt_products.tasks.observe.best_effort import best_effort
from xrt_products.tasks.observe.events import emit_product
from xrt_products.tasks.observe.notifications import Notify, send_notification

MAIL_WIDTH = 72  # characters


@task(
    name="report failure",
    task_run_name="report {failure.product}",
    description="Say what failed, what it means and what to do, as a page in the job's folder and in the UI.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def report_failure(folder: JobFolder, failure: Failure, notify: Notify | None = None) -> Failure:
    """Put a failure into the log, a file, a Markdown artifact and an event, and notify people.

    Parameters
    ----------
    folder : JobFolder
        Where the page is written as well: `failure-Image.md`.
    failure : Failed or TimedOut
    notify : str or SecretStr, optional
        Who is notified: a notification block (`slack-webhook/ops`), or an Apprise URL.

    Returns
    -------
    Failed or TimedOut
        As it came.
    """
    job = folder.job
    get_run_logger().warning("%s of job %d: %s", failure.label.capitalize(), job.job_id, failure)
    page = failure_page(job, failure)
    write_page(folder.failure_report(failure.product), page)
    with best_effort("show the failure report in the Prefect UI"):
        create_markdown_artifact(
            page,
            key=f"failure-{job.job_id}-{Product(failure.product).wire.lower()}",
            description=f"{failure.label} of {escape(job.name)}, job {job.job_id}",
        )
    emit_product(job, failure)
    send_notification(notify, f"{job.name}: {failure.label}, job {job.job_id}", page)
    return failure


@task(
    name="summarise job",
    task_run_name="summarise job {report.job.job_id}",
    description="One table of all products and what became of them.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def summarise(report: JobReport) -> None:
    """Put the outcomes into a table artifact; an earlier run's report of a failure goes if the product has come."""
    for product in report.outcomes.keys() - {f.product for f in report.failures}:
        with suppress(OSError):
            report.folder.failure_report(product).unlink(missing_ok=True)
    with best_effort("show the outcomes in the Prefect UI"):
        create_table_artifact(
            [
                {"product": p.value, "outcome": o.outcome.replace("_", " "), "details": str(o)}
                for p, o in report.outcomes.items()
            ],
            key=f"products-{report.job.job_id}",
            description=f"{job_link(report.job)}, in {escape(str(report.directory))}",
        )


def write_page(path: Path, page: str) -> None:
    """Write a failure report; one that cannot be written is logged, and changes nothing."""
    try:
        write_whole(path, page)
    except OSError as error:
        get_run_logger().warning(
            "Cannot write the failure report %s: %s. It is in the Prefect UI only", path, error.strerror or error
        )


def failure_page(job: Job, failure: Failure, about: str = "") -> str:
    """Return the failure report as Markdown; `about` says what failed where that is not one of the job's products."""
    rows = {
        "Target": job.name,
        "Job": f"{job.job_id}",
        "Page": job.url,
        "Product": about or f"{failure.product} ({failure.label})",
        "Status code": str(failure.code),
        "The service says": failure.text,
        "It means": failure.meaning if isinstance(failure, Failed) else f"still pending after {failure.elapsed:.0f} s",
    }
    title = "failed" if isinstance(failure, Failed) else "is still pending"
    page = f"# {escape(job.name)}: {about or failure.label} {title}\n\n{table(('', ''), rows.items())}"
    if failure.code in HELPDESK_CODES:
        advice, mail = "The service asks to be told at once: send the e-mail below", _help_mail(job, failure, about)
    else:
        advice, mail = escape(failure.advice), ""
    return f"{page}\n**What to do:** {advice}.\n{mail}"


def _help_mail(job: Job, failure: Failure, about: str) -> str:
    """Return an e-mail to the service that is ready to send; the user's address is the one it is sent from."""
    subject = f"XRT products: {about or f'job {job.job_id}, {failure.product}'} failed with code {failure.code}"
    paragraphs = (
        "Dear Swift help desk,",
        (
            f"the {about or f'{failure.label} of my job {job.job_id}'} (target {job.name}) ended with status code "
            f'{failure.code} and the text "{failure.text}". Its page:'
        ),
        job.url,
        "As the API documentation asks, I report this at once. I write from the address that I am registered with.",
        "With kind regards",
    )
    body = "\n\n".join(fill(p, MAIL_WIDTH, break_long_words=False, break_on_hyphens=False) for p in paragraphs) + "\n"
    link = f"mailto:{HELP_ADDRESS}?subject={quote(subject)}&body={quote(body)}"
    return f"\n## E-mail to the help desk\n\n[Open it in your mail program]({link}), or copy it:\n\n" + code_block(
        f"To: {HELP_ADDRESS}\nSubject: {subject}\n\n{body}"
    )

"""The quick look: results as files in the job's folder, and as a page in the Prefect UI."""

from __future__ import annotations

from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from ukssdc import Job, Product, Products, StatusCode
from ukssdc.outcomes import Downloaded, JobReport, Outcome
from ukssdc.quicklook import PAGE, Files, QuickLook, artifact_page, fetch, write_files
from ukssdc.status import select_products
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.observe.markdown import name_with_link, table_cell
from xrt_products.tasks.retry import INTERVAL, backoff_delays

MAX_ATTEMPTS = 3  # for what time may mend, after the first one


@task(
    name="quick look",
    task_run_name="quick look at job {job.job_id}",
    description="Light curve, position and fits as pictures and tables, in the job's folder and in the Prefect UI.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def quicklook(
    job: Job, report: JobReport | Products, directory: Path, account: Account = None, interval: float = INTERVAL
) -> Path:
    """Fetch the results of a job and show them; whatever goes wrong is said in the page and in the log.

    What time may mend is asked for up to three times more, with growing pauses: half a minute in all, as a quick look
    must not hold the flow up.

    Parameters
    ----------
    job : Job
    report : JobReport, "all", or list or tuple of str
        What became of the products, or which of them are complete.
    directory : Path
        The job's folder.
    account : str, UKSSDCAccount or None, optional
        As for `xrt_products.request_products`.
    interval : float, optional
        Time between two polls, s; the pauses are in proportion to it.

    Returns
    -------
    Path
        The page, `quicklook.md`; it is not there if it could not be written, which is then in the log.
    """
    log = get_run_logger()
    path = Path(directory) / PAGE
    try:
        unavailable = _unavailable(job, report)
        look = _look(job, unavailable, account, interval)
        files = write_files(look, Path(directory))
        for product, problem in look.problems.items():
            if product in unavailable:  # said already: by its branch, or by the caller
                continue
            log.warning("Quick look at job %d, %s: %s", job.job_id, product.label, problem)
        for note in files.notes:
            log.warning("Quick look at job %d: %s", job.job_id, note)
        _show(look, files, directory)
    except Exception as error:  # noqa: BLE001 - a quick look never fails the flow
        log.warning("No quick look at job %d: %s: %s", job.job_id, type(error).__name__, error)
    else:
        log.info("Quick look at job %d: %s", job.job_id, path)
    return path


def _look(job: Job, unavailable: dict[Product, str], account: Account, interval: float) -> QuickLook:
    try:
        client = client_for(account)
    except Exception as error:  # noqa: BLE001 - no account is a line of the page as well
        return QuickLook(job=job, problems=dict.fromkeys(job.products, f"not asked for: {error}") | unavailable)
    return fetch(client, job, unavailable, backoff_delays(min(interval, INTERVAL))[:MAX_ATTEMPTS])


def _unavailable(job: Job, report: JobReport | Products) -> dict[Product, str]:
    """Return why there is no use in asking for the results of some products."""
    if not isinstance(report, JobReport):
        complete = select_products(report, job.products)
        return {product: "not complete" for product in job.products if product not in complete}
    return {product: _reason(o) for product, o in report.outcomes.items() if not _built(o)}


def _built(outcome: Outcome) -> bool:
    """Tell whether the service has built a product, even where its archive could not be fetched."""
    return isinstance(outcome, Downloaded) or getattr(outcome, "code", None) == StatusCode.COMPLETE


def _reason(outcome: Outcome) -> str:
    return f"{outcome.outcome.replace('_', ' ')}: {outcome}"


def _show(look: QuickLook, files: Files, directory: Path) -> None:
    create_markdown_artifact(
        artifact_page(look, files.pictures, files.notes, str(directory)),
        key=f"quicklook-{look.job.job_id}",
        description=f"{name_with_link(look.job)}, in {table_cell(str(directory))}",
    )

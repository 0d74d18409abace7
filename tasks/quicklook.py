"""The quick look: results as files in the job's folder, and as a page in the Prefect UI."""

from __future__ import annotations

from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from ukssdc import Job, Product, Products
from ukssdc.markdown import escape, job_link
from ukssdc.outcomes import Downloaded, JobReport, Outcome
from ukssdc.quicklook import PAGE, Files, QuickLook, artifact_page, fetch, write_files
from ukssdc.record import JobFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.status import Action, action_for, select_products
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.observe.best_effort import best_effort
from xrt_products.tasks.retry import backoff_delays

MAX_RETRIES = 3


@task(
    name="quick look",
    task_run_name="quick look at job {folder.job.job_id}",
    description="Light curve, position and fits as pictures and tables, in the job's folder and in the Prefect UI.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def quicklook(
    folder: JobFolder,
    report: JobReport | Products,
    account: Account = None,
    interval: float = POLL_INTERVAL,
    show: bool = True,
) -> Path:
    """Fetch the results of a job and show them; whatever goes wrong is said in the page and in the log.

    What may pass is asked for up to three times more, with growing pauses: half a minute in all, as a quick look
    must not hold the flow up.

    Parameters
    ----------
    folder : JobFolder
    report : JobReport, "all", or list or tuple of str
        What became of the products, or which of them are complete.
    account : str, UKSSDCAccount or None, optional
        As for `xrt_products.request_products`.
    interval : float, optional
        Time between two polls, s; the pauses are in proportion to it.
    show : bool, optional
        Whether the page is to be in the Prefect UI as well.

    Returns
    -------
    Path
        The page, `quicklook.md`; it is not there if it could not be written, which is then in the log.
    """
    job, log = folder.job, get_run_logger()
    path = folder.path / PAGE
    with best_effort(f"make the quick look of job {job.job_id}"):
        unavailable = _unavailable(job, report)
        look = _look(job, unavailable, account, interval)
        files = write_files(look, folder.path)
        for product, problem in look.problems.items():
            if product in unavailable:  # said already: by its branch, or by the caller
                continue
            log.warning("Quick look at job %d, %s: %s", job.job_id, product.label, problem)
        for note in files.notes:
            log.warning("Quick look at job %d: %s", job.job_id, note)
        if show:
            _show(look, files, folder.path)
        log.info("Quick look at job %d: %s", job.job_id, path)
    return path


def _look(job: Job, unavailable: dict[Product, str], account: Account, interval: float) -> QuickLook:
    try:
        client = client_for(account)
    except Exception as error:  # noqa: BLE001 - no account is a line of the page as well
        return QuickLook(job=job, problems=dict.fromkeys(job.products, f"not asked for: {error}") | unavailable)
    return fetch(client, job, unavailable, backoff_delays(min(interval, POLL_INTERVAL))[:MAX_RETRIES])


def _unavailable(job: Job, report: JobReport | Products) -> dict[Product, str]:
    """Return why there is no use in asking for the results of some products."""
    if not isinstance(report, JobReport):
        complete = select_products(report, job.products)
        return {product: "not complete" for product in job.products if product not in complete}
    return {product: _reason(o) for product, o in report.outcomes.items() if not _built(o)}


def _built(outcome: Outcome) -> bool:
    """Tell whether the service has built a product, even where its archive could not be fetched."""
    return isinstance(outcome, Downloaded) or action_for(getattr(outcome, "code", None)) is Action.DOWNLOAD


def _reason(outcome: Outcome) -> str:
    return f"{outcome.outcome.replace('_', ' ')}: {outcome}"


def _show(look: QuickLook, files: Files, directory: Path) -> None:
    create_markdown_artifact(
        artifact_page(look, files.pictures, files.notes, str(directory)),
        key=f"quicklook-{look.job.job_id}",
        description=f"{job_link(look.job)}, in {escape(str(directory))}",
    )

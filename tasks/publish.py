"""Copy what is on disk to where it is published, and fetch back what is there where the local disk is gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from prefect import get_run_logger

from ukssdc import Product, UKSSDCError
from ukssdc.outcomes import Downloaded
from ukssdc.record import JobFolder, PendingSubmission, ProductsFolder
from ukssdc.record.publish import (
    publish_archive,
    publish_folder,
    publish_record,
    restore_archive,
    restore_job,
    restore_records,
    restore_results,
)
from xrt_products.tasks.observe.events import emit_product
from xrt_products.tasks.retry import MAX_CORRUPT, give_up_after, raise_if_interrupted, retried_task


@retried_task(
    name="publish product",
    task_run_name="publish {downloaded.product}",
    description="Copy a product's archive to where it is published: whole or not at all; then job.json.",
)
def publish_product(folder: JobFolder, downloaded: Downloaded, deadline: datetime | None = None) -> Downloaded:
    """Copy a product's archive to the remote folder of its job.

    Parameters
    ----------
    folder : JobFolder
    downloaded : Downloaded
        The archive on disk.
    deadline : datetime, optional
        When to give up on a place that is away, UTC.

    Returns
    -------
    Downloaded
        With the URL of the copy.

    Raises
    ------
    PublishError, UKSSDCError
    RetriesExhausted
        The place stays away.
    Interrupted
        The run was, by Ctrl-C or a signal.
    """
    raise_if_interrupted()
    with give_up_after(deadline, tries=MAX_CORRUPT):
        url = publish_archive(folder, Product(downloaded.product), check=raise_if_interrupted)
    get_run_logger().info("%s of job %d: copied to %s", downloaded.label.capitalize(), folder.job.job_id, url)
    outcome = downloaded.model_copy(update={"published": url})
    emit_product(folder.job, outcome)
    return outcome


@retried_task(
    name="publish job",
    task_run_name="publish job {folder.job.job_id}",
    description="Copy quick look, failure reports and job.json to where the job is published.",
)
def publish_job(folder: JobFolder, record_only: bool = False, deadline: datetime | None = None) -> None:
    """Copy what is not an archive to the remote folder of a job; `job.json` comes last.

    Parameters
    ----------
    folder : JobFolder
    record_only : bool, optional
        Whether to copy `job.json` alone.
    deadline : datetime, optional
        When to give up on a place that is away, UTC.

    Raises
    ------
    PublishError, UKSSDCError, RetriesExhausted
        As for `publish_product`.
    """
    with give_up_after(deadline, tries=MAX_CORRUPT):
        (publish_record if record_only else publish_folder)(folder)


@retried_task(
    name="publish campaign",
    task_run_name="publish campaign",
    description="Copy a campaign's results to where it is published.",
)
def publish_campaign(products: ProductsFolder, names: Sequence[str], deadline: datetime | None = None) -> None:
    """Copy those of these files that are in the destination to the remote folder; errors as for `publish_product`."""
    with give_up_after(deadline, tries=MAX_CORRUPT):
        for name in names:
            if products.remote is not None and (products.path / name).is_file():
                products.remote.upload(products.path / name)


@retried_task(
    name="publish submission",
    task_run_name="publish submission",
    description="Copy to where the job is published that its request is about to be sent.",
)
def publish_submission(pending: PendingSubmission, deadline: datetime | None = None) -> None:
    """Copy a submission's entry in the journal to the remote folder; errors as for `publish_product`."""
    with give_up_after(deadline, tries=MAX_CORRUPT):
        pending.publish()


@retried_task(
    name="fetch published records",
    task_run_name="fetch published records",
    description="Fetch job.json and the journal from where they are published, where they are not on this disk.",
)
def fetch_published(
    products: ProductsFolder,
    of: str | int | None = None,
    deadline: datetime | None = None,
    results: Sequence[str] = (),
) -> list[Path]:
    """Fetch a target's records from the remote folder, a job's, or all, where they are missing here.

    Parameters
    ----------
    products : ProductsFolder
    of : str, int or None
        The target's name, or the job's number; None for all.
    deadline : datetime, optional
        When to give up on a place that is away, UTC.
    results : sequence of str, optional
        Names of other files to fetch, of all jobs.

    Returns
    -------
    list of Path
        The records that were fetched.

    Raises
    ------
    PublishError, UKSSDCError, RetriesExhausted
        As for `publish_product`.
    """
    with give_up_after(deadline, tries=MAX_CORRUPT):
        fetched = restore_job(products, of) if isinstance(of, int) else restore_records(products, of)
        if results:
            restore_results(products, results)
    for path in fetched:
        get_run_logger().info("Fetched %s from where it is published", path)
    return fetched


def restore_published(folder: JobFolder, product: Product, archive_format: str, log: Callable[..., None]) -> None:
    """Fetch an archive from where it is published whole; where that fails, the service still has it."""
    try:
        url = restore_archive(folder, product, archive_format)
    except UKSSDCError as error:
        log("%s of job %d: downloading it again, because %s", product.label.capitalize(), folder.job.job_id, error)
        return
    if url is not None:
        log("%s of job %d: fetched from %s", product.label.capitalize(), folder.job.job_id, url)

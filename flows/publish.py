"""When something is published, and when it is fetched back; nothing happens where that is not asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from prefect import get_run_logger

from ukssdc import UKSSDCError
from ukssdc.record import JobFolder, PendingSubmission, ProductsFolder
from xrt_products.flows.options import FollowOptions
from xrt_products.tasks.flow_run import run_began
from xrt_products.tasks.publish import fetch_published, publish_campaign, publish_job, publish_submission
from xrt_products.tasks.retry import backoff_delays, max_retries


def retries_of(options: FollowOptions) -> dict[str, Any]:
    """Return how often a task is tried again until the longest wait is over, with growing pauses."""
    delays = backoff_delays(options.interval)
    return {"retries": max_retries(options.max_wait, options.interval), "retry_delay_seconds": delays}


def fetch_records(
    products: ProductsFolder, of: str | int | None, options: FollowOptions, results: Sequence[str] = ()
) -> None:
    """Fetch a target's records, a job's, or all, from where they are published, if this disk does not have them.

    `results` are other files, which are fetched of all jobs.
    """
    if products.remote is not None:
        fetch_published.with_options(**retries_of(options))(products, of, _deadline(options), results)


def publish_pending(pending: PendingSubmission, options: FollowOptions) -> None:
    """Put where the job will be published that its request is about to be sent: otherwise it is not."""
    if pending.remote is not None:
        publish_submission.with_options(**retries_of(options))(pending, _deadline(options))


def resolve_submission(pending: PendingSubmission, folder: JobFolder, options: FollowOptions) -> None:
    """Take a submission out of the journal, as its job is on record; there, too, where that is published.

    A place that is away holds nothing up: the record goes there with the first product.
    """
    if folder.remote is not None and not _publish(folder, options, record_only=True, retries=1):
        pending = pending._replace(remote=None)
    pending.resolve()


def publish_results(products: ProductsFolder, names: Sequence[str], options: FollowOptions) -> None:
    """Copy a campaign's results to where it is published."""
    if products.remote is None:
        return
    try:
        publish_campaign.with_options(**retries_of(options))(products, names, _deadline(options))
    except UKSSDCError as error:
        get_run_logger().error("The results are in %s, but not published: %s", products.path, error)


def publish_files(folder: JobFolder, options: FollowOptions, *, record_only: bool = False) -> None:
    """Copy what is not an archive, or `job.json` alone, to where the job is published."""
    if folder.remote is not None:
        _publish(folder, options, record_only=record_only)


def _publish(folder: JobFolder, options: FollowOptions, *, record_only: bool, **changes: Any) -> bool:
    task = publish_job.with_options(**retries_of(options) | changes)
    try:
        task(folder, record_only, _deadline(options))
    except UKSSDCError as error:
        get_run_logger().error("Job %d is on disk, but not all of it is published: %s", folder.job.job_id, error)
        return False
    return True


def _deadline(options: FollowOptions) -> datetime:
    return run_began() + timedelta(seconds=options.max_wait)

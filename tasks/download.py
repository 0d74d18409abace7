"""Download a complete product's archive."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from rich.filesize import decimal

from ukssdc import ArchiveFormat, IfExists, Job, Product
from ukssdc.outcomes import Downloaded
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.observe.display import show
from xrt_products.tasks.observe.events import emit_product
from xrt_products.tasks.retry import (
    INTERVAL,
    MAX_CORRUPT,
    MAX_WAIT,
    backoff_delays,
    give_up_after,
    is_retryable,
    raise_if_interrupted,
)


@task(
    name="download product",
    task_run_name="download {product}",
    description="Fetch the archive of a complete product: streamed, verified, then given its name.",
    retries=int(MAX_WAIT / INTERVAL),
    retry_delay_seconds=backoff_delays(INTERVAL),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_retryable,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def download_product(
    job: Job,
    product: Product,
    directory: Path,
    account: Account = None,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    extract: bool = False,
    deadline: datetime | None = None,
) -> Downloaded:
    """Fetch a complete product's archive into the job's folder.

    Parameters
    ----------
    job : Job
    product : Product
    directory : Path
        The job's folder.
    account, format, if_exists, extract
        As for `xrt_products.request_products`.
    deadline : datetime, optional
        When to give up on a service that is away, UTC.

    Returns
    -------
    Downloaded

    Raises
    ------
    DownloadError, UKSSDCError
    GivenUp
        The archive stays broken, or the service away.
    Stopped
        The run was, by Ctrl-C or a signal.
    """

    def progress(size: int, total: int | None) -> None:
        raise_if_interrupted()
        show(lambda display: display.download(product, size, total))

    with give_up_after(deadline, tries=MAX_CORRUPT):
        file = client_for(account).download(
            job, product, directory, format, if_exists, progress=progress, extract=extract
        )
    get_run_logger().info(
        "%s of job %d: %s %s, %s",
        product.label.capitalize(),
        job.job_id,
        "already there:" if file.skipped else "downloaded to",
        file.path,
        decimal(file.size),
    )
    outcome = Downloaded(
        product=product,
        path=file.path,
        size=file.size,
        sha256=file.sha256,
        skipped=file.skipped,
        extracted=file.extracted,
    )
    emit_product(job, outcome)
    return outcome

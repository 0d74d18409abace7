"""Download a complete product's archive."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger
from rich.filesize import decimal

from ukssdc import ArchiveFormat, IfExists, Product
from ukssdc.outcomes import Downloaded
from ukssdc.record import JobFolder
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.observe.display import show
from xrt_products.tasks.observe.events import emit_product
from xrt_products.tasks.retry import MAX_CORRUPT, give_up_after, raise_if_interrupted, retried_task


@retried_task(
    name="download product",
    task_run_name="download {product}",
    description="Fetch the archive of a complete product: streamed, verified, then given its name.",
)
def download_product(
    folder: JobFolder,
    product: Product,
    account: Account = None,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    extract: bool = False,
    deadline: datetime | None = None,
) -> Downloaded:
    """Fetch a complete product's archive into the job's folder.

    Parameters
    ----------
    folder : JobFolder
    product : Product
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
    RetriesExhausted
        The archive stays broken, or the service away.
    Interrupted
        The run was, by Ctrl-C or a signal.
    """

    def progress(size: int, total: int | None) -> None:
        raise_if_interrupted()
        show(lambda display: display.download(product, size, total))

    job = folder.job
    with give_up_after(deadline, tries=MAX_CORRUPT), client_for(account) as client:
        file = client.download(job, product, folder.path, format, if_exists, progress=progress, extract=extract)
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

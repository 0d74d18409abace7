"""Download a complete product's archive."""

from __future__ import annotations

import time
from contextvars import ContextVar
from datetime import datetime

from prefect import get_run_logger, runtime
from rich.filesize import decimal

from ukssdc import ArchiveFormat, IfExists, Product
from ukssdc.download.stall import MIN_RATE
from ukssdc.errors import ExtractionError
from ukssdc.outcomes import Downloaded
from ukssdc.record import JobFolder
from ukssdc.times import utcnow
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.observe.display import show
from xrt_products.tasks.observe.events import emit_product
from xrt_products.tasks.publish import restore_published
from xrt_products.tasks.retry import (
    MAX_CORRUPT,
    RetriesExhausted,
    give_up_after,
    raise_if_interrupted,
    retried_task,
)

RATE_TIME = 10.0  # s over which a download that goes on past the deadline is measured, at least


# The task run whose archive has come: it is not fetched again because it could not be unpacked. All tries of a task run
# are made in one context.
_stored: ContextVar[str | None] = ContextVar("stored", default=None)


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
    pace = _Pace(deadline)

    def progress(size: int, total: int | None) -> None:
        raise_if_interrupted()
        pace.check(size)
        show(lambda display: display.download(product, size, total))

    raise_if_interrupted()
    job = folder.job
    with give_up_after(deadline, tries=MAX_CORRUPT), client_for(account) as client:
        keep: IfExists = "skip" if _stored.get() == runtime.task_run.id else if_exists
        if keep == "skip":
            restore_published(folder, product, format, get_run_logger().info)
        try:
            file = client.download(job, product, folder.path, format, keep, progress=progress, extract=extract)
        except ExtractionError:
            _stored.set(runtime.task_run.id)
            raise
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
    if folder.remote is None:  # otherwise it is complete when it is published
        emit_product(job, outcome)
    return outcome


class _Pace:
    """Ends a download that trickles when the longest wait is over; one that has a sane rate goes on to its end.

    Parameters
    ----------
    deadline : datetime or None
        UTC.
    """

    def __init__(self, deadline: datetime | None) -> None:
        self._deadline = deadline if deadline is not None and utcnow() < deadline else None  # late, it has its chance
        self._sizes: list[int] = []  # at the start, and at the first byte
        self._began = 0.0

    def check(self, size: int) -> None:
        """Note how many bytes there are.

        Raises
        ------
        RetriesExhausted
        """
        if len(self._sizes) < 2:  # noqa: PLR2004 - as above
            self._sizes.append(size)
            self._began = time.monotonic()
            return
        elapsed = time.monotonic() - self._began  # a machine that slept has not been waiting
        slow = elapsed >= RATE_TIME and size - self._sizes[1] < MIN_RATE * elapsed
        if slow and self._deadline is not None and utcnow() >= self._deadline:
            raise RetriesExhausted(
                f"the download trickles: {size} bytes have come, less than {MIN_RATE:g} a second. Given up because the "
                "longest wait is over; what has come is kept, and the next download goes on from there"
            )

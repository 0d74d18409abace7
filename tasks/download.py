"""Download a complete product's archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task
from rich.filesize import decimal

from tasks.account import Account, client_for
from tasks.events import emit_product
from tasks.outcomes import Downloaded
from tasks.poll import INTERVAL
from ukssdc import ArchiveFormat, IfExists, Job, Product, UKSSDCError

TRIES = 5


def pauses(interval: float) -> list[float]:
    """Return growing pauses between the tries, s: 5, 10, 20, 40 and 80 for a poll interval of a minute."""
    return [interval / 12 * 2**n for n in range(TRIES)]


def another_try_may_help(task: Task[Any, Any], task_run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001 - Prefect's signature
    """Decide whether a failed download is tried again."""
    try:
        state.result()
    except UKSSDCError as error:
        return error.may_pass
    except Exception:  # noqa: BLE001 - not ours: Prefect reports it
        return False
    return False


@task(
    name="download product",
    task_run_name="download {product}",
    description="Fetch the archive of a complete product: streamed, verified, then given its name.",
    retries=TRIES,
    retry_delay_seconds=pauses(INTERVAL),
    retry_jitter_factor=0.5,
    retry_condition_fn=another_try_may_help,
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
) -> Downloaded:
    """Fetch a complete product's archive into the job's folder.

    Parameters
    ----------
    job : Job
    product : Product
    directory : Path
        The job's folder.
    account, format, if_exists, extract
        As for `flows.request_products`.

    Returns
    -------
    Downloaded

    Raises
    ------
    DownloadError, UKSSDCError
    """
    file = client_for(account).download(job, product, directory, format, if_exists, extract=extract)
    get_run_logger().info(
        "%s of job %d: %s %s, %s",
        product.prose.capitalize(),
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

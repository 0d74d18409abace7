"""Cancelled products: the no-op for those the user cancelled, and the call that cancels."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from ukssdc import CancelReport, Job, Product, Products, ProductStatus
from ukssdc.outcomes import Cancelled
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.observe.events import emit_product
from xrt_products.tasks.retry import TO_THE_DEADLINE, give_up_after, retried_task


@task(
    name="user cancelled",
    task_run_name="{product} cancelled by the user",
    description="The user cancelled this product: there is nothing to do.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def user_cancelled(job: Job, product: Product, status: ProductStatus) -> Cancelled:
    """Take note that the user cancelled a product; it is no failure, and nothing is done."""
    get_run_logger().info(
        "%s of job %d: %s. Nothing to do.", product.label.capitalize(), job.job_id, status.status_text
    )
    outcome = Cancelled(product=product, text=status.status_text)
    emit_product(job, outcome)
    return outcome


@retried_task(
    name="cancel job",
    task_run_name="cancel job {job.job_id}",
    description="Tell the service that products are not wanted any more.",
)
def cancel_job(
    job: Job, products: Products = "all", account: Account = None, deadline: datetime | None = None
) -> CancelReport:
    """Cancel products at the service, which has told of the job before: a refusal is its trouble, and may pass.

    Parameters
    ----------
    job : Job
    products : "all" or list or tuple of str, optional
    account : str, UKSSDCAccount or None, optional
    deadline : datetime, optional
        When to give up on a service that is away, UTC.

    Returns
    -------
    CancelReport
        What became of each product.

    Raises
    ------
    ServiceError, TransportError, ProtocolError
    RetriesExhausted
        The service stays away.
    """
    with give_up_after(deadline, refused_tries=TO_THE_DEADLINE), client_for(account) as client:
        report = client.cancel(job, products)
    get_run_logger().info("%s", report)
    return report

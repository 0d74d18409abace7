"""Bin a light curve anew, step by step: ask, poll, and send it down the branch that its status calls for."""

from __future__ import annotations

from datetime import datetime

from prefect import get_run_logger, runtime, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from ukssdc import Job, Product, ProductStatus, Rebin
from ukssdc.errors import ServiceError
from ukssdc.markdown import escape
from ukssdc.outcomes import Cancelled, Downloaded, Failure
from ukssdc.quicklook import QuickLook, artifact_page, write_files
from ukssdc.quicklook.output_files import light_curve_csv
from ukssdc.record.rebin_folder import RebinFolder
from ukssdc.request.parameters import LightCurveBinning
from ukssdc.results import LightCurveData
from ukssdc.status import Action
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.flow_run import label_rebin
from xrt_products.tasks.observe.best_effort import best_effort
from xrt_products.tasks.observe.events import emit_rebin
from xrt_products.tasks.observe.notifications import Notify, send_notification
from xrt_products.tasks.report import failure_page, write_page
from xrt_products.tasks.retry import MAX_CORRUPT, TO_THE_DEADLINE, give_up_after, retried_task
from xrt_products.tasks.submit import REFUSED_TRIES

CURVE = "lightcurve.csv"


@retried_task(
    name="submit rebinning",
    task_run_name="submit rebinning of job {job.job_id}",
    description="Ask the UKSSDC to bin a job's light curve anew.",
)
def submit_rebin(
    job: Job, binning: LightCurveBinning, account: Account = None, deadline: datetime | None = None
) -> Rebin:
    """Ask for a rebinning.

    The service has no list of rebinnings: where its answer is lost, it is asked again, and may bin twice. That takes it
    a minute and nobody a slot, and what is not followed ends by itself.

    Parameters
    ----------
    job : Job
        Whose light curve.
    binning : LightCurveBinning
        How.
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or the environment.
    deadline : datetime, optional
        When to give up on a service that is away, UTC.

    Returns
    -------
    Rebin

    Raises
    ------
    InvalidRequest, ServiceError, TransportError, ProtocolError
    RetriesExhausted
        The service stays away.
    """
    log = get_run_logger()
    if (runtime.task_run.run_count or 1) > 1:
        log.warning("Asking again: a rebinning that the service has made all the same is not followed")
    with give_up_after(deadline, refused_tries=REFUSED_TRIES), client_for(account) as client:
        rebin = client.rebin(job, **binning.values())
    log.info("The service bins the light curve of job %d anew, as its rebinning %d", job.job_id, rebin.rebin_id)
    label_rebin(rebin)
    return rebin


@retried_task(
    name="download rebinned light curve",
    task_run_name="download rebinning {folder.rebin.rebin_id}",
    description="Fetch a light curve that was binned anew, write it whole, and show it.",
)
def download_rebin(
    folder: RebinFolder, account: Account = None, deadline: datetime | None = None, quicklook: bool = True
) -> Downloaded:
    """Fetch the light curve of a complete rebinning into its folder.

    Parameters
    ----------
    folder : RebinFolder
    account : str, UKSSDCAccount or None, optional
    deadline : datetime, optional
        When to give up on a service that is away, UTC.
    quicklook : bool, optional
        Whether to show it, in the folder and in the Prefect UI.

    Returns
    -------
    Downloaded
        Of `lightcurve.csv`.

    Raises
    ------
    UKSSDCError
    RetriesExhausted
        The service stays away, or the disk full.
    """
    rebin = folder.rebin
    with give_up_after(deadline, tries=MAX_CORRUPT, refused_tries=REFUSED_TRIES), client_for(account) as client:
        curve = client.light_curve(rebin)
        text = light_curve_csv(curve)
        sha256 = folder.write(CURVE, text)
    path = folder.path / CURVE
    get_run_logger().info("Light curve of %s: downloaded to %s, %d bins", rebin, path, len(curve))
    if quicklook:
        _show(folder, curve)
    outcome = Downloaded(product=Product.LightCurve, path=path, size=len(text.encode()), sha256=sha256)
    emit_rebin(rebin, outcome)
    return outcome


def _show(folder: RebinFolder, curve: LightCurveData) -> None:
    rebin = folder.rebin
    with best_effort(f"make the quick look of {rebin}"):
        look = QuickLook(job=rebin.as_job, light_curve=curve)
        files = write_files(look, folder.path)
        for note in files.notes:
            get_run_logger().warning("Quick look at %s: %s", rebin, note)
        create_markdown_artifact(
            artifact_page(look, files.pictures, files.notes, str(folder.path)),
            key=f"quicklook-rebin-{rebin.rebin_id}",
            description=escape(f"{rebin.job.name}, {rebin}, in {folder.path}"),
        )


@task(
    name="rebinning cancelled",
    task_run_name="rebinning {rebin.rebin_id} cancelled by the user",
    description="The user cancelled this rebinning: there is nothing to do.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def rebin_cancelled(rebin: Rebin, status: ProductStatus) -> Cancelled:
    """Take note that the user cancelled a rebinning; it is no failure, and nothing is done."""
    get_run_logger().info("%s: %s. Nothing to do.", str(rebin).capitalize(), status.status_text)
    outcome = Cancelled(product=Product.LightCurve, text=status.status_text)
    emit_rebin(rebin, outcome)
    return outcome


@task(
    name="report failed rebinning",
    task_run_name="report rebinning {folder.rebin.rebin_id}",
    description="Say what failed, what it means and what to do, as a page in the rebinning's folder and in the UI.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def report_rebin_failure(folder: RebinFolder, failure: Failure, notify: Notify | None = None) -> Failure:
    """Put a failure into the log, a file, an artifact and an event, and notify people; return it as it came."""
    rebin = folder.rebin
    get_run_logger().warning("%s: %s", str(rebin).capitalize(), failure)
    page = failure_page(rebin.job, failure, about=str(rebin))
    write_page(folder.path / "failure.md", page)
    with best_effort("show the failure report in the Prefect UI"):
        create_markdown_artifact(
            page, key=f"failure-rebin-{rebin.rebin_id}", description=escape(f"{rebin} of {rebin.job.name}")
        )
    emit_rebin(rebin, failure)
    send_notification(notify, f"{rebin.job.name}: {rebin}", page)
    return failure


@retried_task(
    name="cancel rebinning",
    task_run_name="cancel rebinning {rebin.rebin_id}",
    description="Tell the service that a rebinning is not wanted any more.",
)
def cancel_rebin(rebin: Rebin, account: Account = None, deadline: datetime | None = None) -> bool:
    """Cancel a rebinning, until the deadline; the service says no where it has ended, and where it is in trouble.

    Returns
    -------
    bool
        False where it had ended before, in another way.

    Raises
    ------
    UKSSDCError
    RetriesExhausted
        The service stays away.
    """
    with give_up_after(deadline, refused_tries=TO_THE_DEADLINE), client_for(account) as client:
        cancelled = client.cancel_rebin(rebin)
        if not cancelled:
            status = client.rebin_status(rebin)
            cancelled = status.action is Action.CANCELLED
            if not status.settled:
                raise ServiceError(f"cancel {rebin}", [f"it goes on ({status})"])
    get_run_logger().info("%s %s", str(rebin).capitalize(), "is cancelled" if cancelled else "had ended before")
    return cancelled

"""request_products: submit -> poll -> branch, the reusable flow."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from datetime import timedelta
from pathlib import Path

from prefect import flow, get_run_logger

from flows.follow import OnFailure, Plan, begin_record, body_of, flow_run, follow, run_began
from flows.stopping import cancel_job_with_run, letting_go, submitted_by
from tasks import Account, JobReport, submit_request
from tasks.account import client_for
from tasks.labels import URL_LABEL, label_flow_run
from tasks.notify import Notify
from tasks.patience import INTERVAL, MAX_WAIT
from tasks.poll import is_worth_following
from tasks.submit import Earlier
from ukssdc import ArchiveFormat, IfExists, Job, ProductRequest, ServiceError
from ukssdc.intent import submitting
from ukssdc.record import finished_jobs, job_directory, recorded_job, unfinished_job


@flow(
    name="request products",
    flow_run_name="{request.name}",
    description="Ask the UKSSDC for Swift-XRT products, poll once a minute, and download, report or pass over each.",
    on_cancellation=[cancel_job_with_run],
)
def request_products(
    request: ProductRequest,
    destination: Path = Path("products"),
    account: Account = None,
    interval: float = INTERVAL,
    max_wait: float = MAX_WAIT,
    no_status_polls: int = 3,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    on_failure: OnFailure = "raise",
    fresh: bool = False,
    cancel_with_run: bool = True,
    extract: bool = False,
    notify: Notify | None = None,
    quicklook: bool = True,
) -> JobReport:
    """Ask for products, wait for them, and bring each to its end.

    Parameters
    ----------
    request : ProductRequest
        What to build; a plain dict or the name of a YAML file, with the service's own parameter names, works too.
    destination : Path, optional
        Files go to `{destination}/{target}/{job number}/`.
    account : str, UKSSDCAccount or None, optional
        A block's name, a block, or, by default, the environment: UKSSDC_USER, UKSSDC_URL.
    interval : float, optional
        Time between two polls, s; 60 or more, except against an emulator on this machine.
    max_wait : float, optional
        Longest wait for the job, s; what is still pending then is reported, and the job goes on at the service.
    no_status_polls : int, optional
        How many polls in a row a product may go without a status before it counts as failed.
    format : {"tar.gz", "tar", "zip"}, optional
        Of the archives.
    if_exists : {"skip", "replace", "error"}, optional
        What to do about a file that is there already.
    on_failure : {"raise", "return"}, optional
        Whether failed products fail the flow, after everything else is on disk, or only stand in the report.

    fresh : bool, optional
        Submit a new job even where an earlier run with the same request and destination has left one unfinished.
    cancel_with_run : bool, optional
        Whether cancelling the flow run cancels its job at the service, products already complete excepted.
    extract : bool, optional
        Whether to unpack the archives as well, each into a folder beside it: `lc/` beside `lc.tar.gz`.
    notify : str or SecretStr, optional
        Whom to tell of a failure: a Prefect notification block (`slack-webhook/ops`), or an Apprise URL. A URL
        with a password belongs into a SecretStr, and for a deployment into a block: Prefect's server stores and
        shows a flow's parameters.
    quicklook : bool, optional
        Whether to show the results as pictures and tables, in the job's folder and in the Prefect UI.

    Returns
    -------
    JobReport
        The job, and one outcome per product.

    Raises
    ------
    ProductsFailed
        A product failed or timed out; its `.report` holds the whole.
    InvalidRequest
        The request is wrong; nothing was sent.
    ServiceError, TransportError, ProtocolError
        The service refused the request or could not be reached.
    """
    plan = Plan(
        destination,
        account,
        interval,
        max_wait,
        no_status_polls,
        format,
        if_exists,
        on_failure,
        cancel_with_run,
        extract,
        notify,
        quicklook,
    )
    plan.check()
    job = (
        _own(request, plan)
        or (None if fresh else _left_unfinished(request, plan))
        or _submit(request, plan, fresh=fresh)
    )
    return follow(job, plan, request)


def _own(request: ProductRequest, plan: Plan) -> Job | None:
    """Find the job that this very flow run had before it was interrupted; None where it had none on record."""
    url = flow_run().labels.get(URL_LABEL)
    return None if url is None else recorded_job(plan.destination, request.name, str(url))


def _left_unfinished(request: ProductRequest, plan: Plan) -> Job | None:
    """Find the job that an earlier run with the same request and destination has left; None where there is none."""
    log = get_run_logger()
    job = unfinished_job(plan.destination, request.name, body_of(request), client_for(plan.account).base_url)
    if job is None:
        return None
    look = is_worth_following.with_options(retries=plan.tries, retry_delay_seconds=plan.interval)
    deadline = run_began() + timedelta(seconds=plan.max_wait)
    directory = job_directory(plan.destination, job)
    try:
        worth_it = look(job, directory, plan.account, plan.interval, deadline)
    except ServiceError:
        log.error(
            "Job %d, left unfinished, cannot be gone on with: ask anew with fresh=True, or move %s away",
            job.job_id,
            directory,
        )
        raise
    if not worth_it:
        log.info("What an earlier run left unfinished of %s was cancelled: asking anew", job)
        return None
    log.warning("Going on with %s, which an earlier run left unfinished; fresh=True asks anew", job)
    label_flow_run(job)
    return job


def _submit(request: ProductRequest, plan: Plan, *, fresh: bool) -> Job:
    """Submit a request; from before it is sent until its job has a record, there is one of the submission."""
    run = flow_run()
    submit = submit_request.with_options(retries=plan.tries, retry_delay_seconds=plan.interval)
    deadline = run_began() + timedelta(seconds=plan.max_wait)
    record = submitting(
        plan.destination, request.name, body_of(request), run=str(run.id), since=run_began(), until=deadline
    )
    with (
        record as intent,
        letting_go(submitted_by(request, run), plan.account, cancel_with_run=plan.cancel_with_run, then=intent.fulfil),
    ):
        finished = finished_jobs(plan.destination, request.name)
        earlier = Earlier(() if fresh else intent.abandoned, finished)
        job = submit(request, plan.account, deadline, earlier)
        begin_record(job, plan, request)
        intent.fulfil()
    return job

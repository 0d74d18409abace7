"""request_products: submit -> poll -> branch, the reusable flow."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

from datetime import timedelta
from pathlib import Path

from prefect import flow, get_run_logger

from ukssdc import ArchiveFormat, IfExists, Job, ProductRequest, ServiceError
from ukssdc.outcomes import JobReport
from ukssdc.record.journal import journal_submission
from ukssdc.record.record import finished_jobs, job_directory, recorded_job, unfinished_job
from xrt_products.flows.cancel import cancel_job_with_run, cancel_on_interrupt, submitted_by
from xrt_products.flows.follow import OnFailure, Plan, begin_record, follow, request_body
from xrt_products.tasks.account import Account, client_for
from xrt_products.tasks.flow_run import URL_LABEL, flow_run, label_flow_run, run_began
from xrt_products.tasks.observe.notifications import Notify
from xrt_products.tasks.poll import can_resume
from xrt_products.tasks.retry import INTERVAL, MAX_WAIT
from xrt_products.tasks.submit import PriorSubmissions, submit_request


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
        _job_of_this_run(request, plan)
        or (None if fresh else _unfinished_job(request, plan))
        or _submit(request, plan, fresh=fresh)
    )
    return follow(job, plan, request)


def _job_of_this_run(request: ProductRequest, plan: Plan) -> Job | None:
    """Find the job that this very flow run had before it was interrupted; None where it had none on record."""
    url = flow_run().labels.get(URL_LABEL)
    return None if url is None else recorded_job(plan.destination, request.name, str(url))


def _unfinished_job(request: ProductRequest, plan: Plan) -> Job | None:
    """Find the job that an earlier run with the same request and destination has left; None where there is none."""
    log = get_run_logger()
    job = unfinished_job(plan.destination, request.name, request_body(request), client_for(plan.account).base_url)
    if job is None:
        return None
    look = can_resume.with_options(retries=plan.tries, retry_delay_seconds=plan.interval)
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
    record = journal_submission(
        plan.destination, request.name, request_body(request), run=str(run.id), since=run_began(), until=deadline
    )
    with (
        record as intent,
        cancel_on_interrupt(
            submitted_by(request, run), plan.account, cancel_with_run=plan.cancel_with_run, then=intent.resolve
        ),
    ):
        finished = finished_jobs(plan.destination, request.name)
        earlier = PriorSubmissions(() if fresh else intent.orphaned, finished)
        job = submit(request, plan.account, deadline, earlier)
        begin_record(job, plan, request)
        intent.resolve()
    return job

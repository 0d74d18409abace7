"""request_batch: one flow run for many targets, at the service's pace."""

# No postponed annotations here: a served flow is pickled by value, without what only its annotations name.

import json
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.task_runners import ThreadPoolTaskRunner

from ukssdc import ArchiveFormat, IfExists
from ukssdc.campaign import RESULT_FILES, BatchReport, Campaign, Targets, plan, read_targets
from ukssdc.campaign.mistakes import InvalidCampaign, Mistake
from ukssdc.campaign.target_science import RESULTS as RESULTS_JSON
from ukssdc.campaign.target_table import read_targets_text
from ukssdc.campaign.target_template import place_of
from ukssdc.errors import InvalidOptions, InvalidRequest, JobInProgress, UKSSDCError
from ukssdc.limits import MAX_WAIT
from ukssdc.markdown import code_block
from ukssdc.quicklook import PAGE
from ukssdc.record import ProductsFolder
from ukssdc.request.request_file import is_request_text, read_request_file, read_request_text
from ukssdc.service import POLL_INTERVAL
from ukssdc.slots import MAX_ACTIVE, SubmissionSlot
from ukssdc.tracker import NO_STATUS_POLLS
from xrt_products.flows.campaign import RowQueue
from xrt_products.flows.cancel import cancel_job_with_run
from xrt_products.flows.follow import OnFailure, end_without_report, follow_queue, products_folder
from xrt_products.flows.form import (
    AccountField,
    MaxFailuresField,
    NotifyField,
    PublishField,
    RedoField,
    TargetsField,
    TemplateField,
    UnitsField,
)
from xrt_products.flows.interrupt import call_interrupted, handle_interrupt
from xrt_products.flows.options import FollowOptions
from xrt_products.flows.publish import fetch_records, publish_results
from xrt_products.tasks.account import client_for
from xrt_products.tasks.cancellation import RunCancelled, watch_cancellation
from xrt_products.tasks.flow_run import deployed_run, flow_run, label_destination
from xrt_products.tasks.observe.campaign import CampaignObserver
from xrt_products.tasks.observe.notifications import send_notification
from xrt_products.tasks.results import RESULTS
from xrt_products.tasks.shared_limit import SharedLimit

DOWNLOADS = 4  # at once
QUICK_LOOK_FILES = (RESULTS_JSON, PAGE)  # what the results are made of
COPY = "campaign.json"  # of the targets, in the destination
CAMPAIGN_FILES = {".yaml", ".yml", ".json"}
MAX_ROWS_BYTES = 256_000  # of rows that are given as a parameter: Prefect's server refuses more than 512 kB


@flow(
    name="request batch",
    flow_run_name="{name}",
    description="Ask the UKSSDC for products of many targets, a few at a time, and bring each target to its end.",
    task_runner=ThreadPoolTaskRunner(max_workers=DOWNLOADS),  # type: ignore[arg-type]  # Prefect types it so
    on_cancellation=[cancel_job_with_run],
    on_crashed=[call_interrupted],
    persist_result=True,
    result_serializer=RESULTS,
)
def request_batch(
    targets: TargetsField,
    template: TemplateField = None,
    *,
    destination: Path = Path("products"),
    name: str = "campaign",
    folder: str = "{name}",
    units: UnitsField = None,
    max_failures: MaxFailuresField = None,
    redo: RedoField = None,
    dry_run: bool = False,
    account: AccountField = None,
    interval: float = POLL_INTERVAL,
    max_wait: float = MAX_WAIT,
    no_status_polls: int = NO_STATUS_POLLS,
    format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
    if_exists: IfExists = "skip",
    on_failure: OnFailure = "raise",
    cancel_with_run: bool = True,
    extract: bool = False,
    notify: NotifyField = None,
    quicklook: bool = True,
    publish: PublishField = None,
    max_active: int = MAX_ACTIVE,
) -> BatchReport:
    """Ask for products of many targets, wait for them, and bring each to its end.

    The same campaign again does only what is missing: what is on disk stays, and what was left unfinished goes on.

    Args:
        targets: A file on the worker with a row for each target (CSV, ECSV, VOTable or FITS; example: m82.csv), or a
            campaign's file (YAML or JSON) with `targets`, `template`, `name` and `folder`; or a table's text, pasted,
            with a line of names first. A column named like a parameter sets it (name, RA, LightCurve.binMeth); all
            others come out again in the results. Python may give the rows, as dicts.
        template: What all targets have in common: a request in a YAML or JSON file on the worker, or its text, pasted,
            or a JSON object. Example: {"LightCurve": {"binMeth": "obsid"}}.
        destination: Folder on the worker for the results and the files, which go to `DESTINATION/FOLDER/JOB/`. Where it
            is relative, it begins where the flow was deployed. Example: products.
        name: What the campaign is called. Example: M82.
        folder: The folder of each target, with columns or parameters in braces. Example: {name}/{useObs}.
        units: The units of the table's columns where it does not tell them itself, as a JSON object: astropy's names.
            Example: {"RA": "hourangle"}.
        max_failures: Submit nothing more after this many targets have failed: a count, or a fraction below 1. Example:
            0.1.
        redo: Submit anew what an earlier run has brought to its end: what failed, or all.
        dry_run: Check the targets and say what would be sent, how many jobs, and how long it may take; send nothing.
        account: Whose jobs they are: the registered address that the worker has in UKSSDC_USER, or a block of the type
            UKSSDC account, by name (example: leicester) or chosen. Never an e-mail address: Prefect's server stores and
            shows what is given here.
        interval: Time between two polls of a job, at least 60; less only against an emulator on the same machine. Unit:
            s.
        max_wait: Longest wait for a job, and for a slot while the number of active jobs does not change. Unit: s.
            Example: 86400, a day.
        no_status_polls: How many polls in a row may bring no status of a product before it counts as failed. Example:
            3.
        format: Format of the archives.
        if_exists: What to do about a file that is there already: keep it (skip), fetch it anew (replace), or fail
            (error).
        on_failure: What failed targets lead to once all others are on disk: the flow fails (raise), or they only stand
            in its report (return).
        cancel_with_run: Cancel the active jobs at the service when the run is cancelled; what is complete then stays.
        extract: Unpack the archives as well, each into a folder beside it: `lc/` beside `lc.tar.gz`.
        notify: Whom to tell at the end, if targets failed: a notification block (example: slack-webhook/ops), or an
            Apprise URL. A URL with a password belongs into a block: Prefect's server stores and shows what is given
            here.
        quicklook: Show the results as pictures and tables, in each job's folder.
        publish: Where to copy products, quick look and `job.json` as well, each whole or not at all; a URL of fsspec.
            What is there already is not asked for again. Example: s3://bucket/xrt. Credentials come from the worker's
            environment; they are never part of the URL.
        max_active: How many of the account's jobs may be active at the service at once. The service asks for 5.

    Returns
    -------
        What became of each row.

    Raises
    ------
        ProductsFailed: A target failed, timed out or was not submitted; its `.report` holds the whole.
        InvalidCampaign: The targets have mistakes, all of which are named; nothing was sent.
        InvalidOptions: An option is wrong; nothing was sent.
        JobInProgress: Another run has a campaign in the same destination. A deployment's own run ends as *Skipped*
            instead, without a report.
        ServiceError: The service refuses the account; nothing was sent.
    """
    options = FollowOptions(
        destination=destination,
        account=account,
        interval=interval,
        max_wait=max_wait,
        no_status_polls=no_status_polls,
        format=format,
        if_exists=if_exists,
        cancel_with_run=cancel_with_run,
        extract=extract,
        notify=notify,
        quicklook=quicklook,
        publish=publish,
    )
    if max_active < 1:
        raise InvalidOptions(f"max_active is {max_active}: give a count, at least 1")
    if dry_run:
        campaign = _read_campaign(targets, template, name, folder, units)
        rows = campaign.rows()
        get_run_logger().info("Nothing is sent:\n%s", plan(rows, max_active=max_active))
        return BatchReport.of_rows(campaign.name, destination, rows, dry_run=True)
    products, service = products_folder(options), client_for(account).base_url
    try:
        with (
            handle_interrupt(lambda: "nothing has been submitted"),
            products.claim_campaign(service, f"the run {flow_run().name!r}"),
            closing(SubmissionSlot(service, max_active, SharedLimit(service).hold)) as slot,
            watch_cancellation(deployed_run(), interval),
        ):
            campaign = _campaign_of_this_run(products) or _read_campaign(targets, template, name, folder, units)
            rows = campaign.rows()
            campaign.model_copy(update={"options": {"flow_run": str(flow_run().id)}}).write(products.path / COPY)
            label_destination(products.path)
            observer = CampaignObserver(campaign.name, products.path, rows, campaign.units)
            queue = RowQueue(
                rows, products, options, slot, observer, redo=redo, max_failures=_count(max_failures, len(rows))
            )
            fetch_records(products, None, options, QUICK_LOOK_FILES)  # a table without them would be published
            with closing(observer), closing(queue):
                unfinished = queue.restore()
                follow_queue(queue, unfinished, options, one_of_many=True)
    except (JobInProgress, RunCancelled) as error:
        return end_without_report(error)  # type: ignore[no-any-return]  # a state is the end of a run
    publish_results(products, RESULT_FILES, options)
    report = BatchReport(name=campaign.name, directory=products.path, rows=queue.row_reports())
    if report.failures:
        subject = f"{report.name}: {len(report.failures)} of {len(rows)} targets failed"
        send_notification(notify, subject, code_block(report.failure_summary))
    return report if on_failure == "return" else report.raise_for_failures()


def _read_campaign(
    targets: str | Path | list[dict[str, Any]],
    template: str | dict[str, Any] | None,
    name: str,
    folder: str,
    units: dict[str, str] | None,
) -> Campaign:
    """Return the campaign that a flow's parameters describe.

    Raises
    ------
    InvalidCampaign, InvalidOptions
    """
    is_table = isinstance(targets, str) and "\n" in targets.strip()
    common = _read_template(template) if isinstance(template, str) else template
    if not isinstance(targets, list) and not is_table and Path(targets).suffix.lower() in CAMPAIGN_FILES:
        campaign = _without_source(lambda: Campaign.load(targets, quote=False))
        if others := campaign.options.keys() - {"flow_run"}:
            known = ", ".join(sorted(others & FollowOptions().as_parameters().keys())) or "more than targets"
            raise InvalidOptions(
                f"{targets} sets {known}: give the flow's options as parameters, or run `xrt-products batch {targets}`,"
                " which takes them from the file"
            )
        return campaign if common is None else campaign.model_copy(update={"template": common})
    size = len(json.dumps(targets, default=str))
    if size > MAX_ROWS_BYTES:
        raise InvalidOptions(
            f"the targets take {size / 1000:.0f} kB, and Prefect's server stores what is given here: give the name of "
            f"a file where they are more than {MAX_ROWS_BYTES / 1000:.0f} kB"
        )
    if isinstance(targets, list):
        return Campaign(name=name, targets=targets, template=common or {}, folder=folder, units=units or {})
    found = read_targets_text(str(targets)) if is_table else _read_table(targets)
    return Campaign(name=name, targets=found, template=common or {}, folder=folder, units=units or found.units)


def _read_table(path: str | Path) -> Targets:
    """Return the table in a file on the worker; what is none of targets is not repeated by an error."""
    found = read_targets(path)
    if not any(place_of(column) for row in found for column in row):
        problem = "it has no column that is named like a parameter: name, RA, Dec and so on"
        raise InvalidCampaign([Mistake(None, "", problem)], source=str(path))
    return found


def _without_source(read: Callable[[], Campaign]) -> Campaign:
    """Read a file; its errors are made anew, as the traceback of the first leads to the file's contents."""
    try:
        return read()
    except InvalidCampaign as error:
        mistakes, source = error.mistakes, error.source
    raise InvalidCampaign(mistakes, source=source)


def _read_template(template: str) -> dict[str, Any]:
    """Return the template that is in a file on the worker, which no error may repeat, or in a text."""
    try:
        if is_request_text(template):
            return dict(read_request_text(template))
        return dict(read_request_file(Path(template), quote=False))
    except InvalidRequest as error:
        mistakes = [Mistake(None, "", f"template: {problem}") for problem in error.problems]
    raise InvalidCampaign(mistakes)  # made anew: the other's traceback leads to a file's contents


def _campaign_of_this_run(products: ProductsFolder) -> Campaign | None:
    """Return the campaign as this very flow run began with it, before it was interrupted."""
    if flow_run().run_count <= 1:
        return None
    with suppress(UKSSDCError):  # killed before it was written, and so before anything was sent
        campaign = Campaign.load(products.path / COPY)
        if campaign.options.get("flow_run") == str(flow_run().id):
            return campaign
    return None


def _count(max_failures: float | None, rows: int) -> int | None:
    """Return how many failures there may be."""
    if max_failures is None:
        return None
    return max(1, round(max_failures * rows)) if max_failures < 1 else int(max_failures)

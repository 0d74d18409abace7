"""The command `batch`: a campaign's file, whose options the command line may override."""

from __future__ import annotations

import difflib
import inspect
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

from cyclopts import Parameter
from pydantic import TypeAdapter, ValidationError

from ukssdc.campaign import Campaign, plan
from ukssdc.campaign.campaign_file import KEYS
from ukssdc.campaign.mistakes import InvalidCampaign, Mistake
from ukssdc.campaign.recorded_jobs import submitted_rows
from ukssdc.record import ProductsFolder
from ukssdc.service import BASE_URL
from ukssdc.slots import MAX_ACTIVE
from xrt_products.flows.cli.run_flow import finish, flow_parameters, load_flows
from xrt_products.flows.options import FollowOptions

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class BatchOptions(FollowOptions):
    """How a campaign is run.

    Parameters
    ----------
    max_active
        How many of your jobs may be active at once. The service asks for 5.
    max_failures
        Submit nothing more after this many targets have failed: a count, or a fraction below 1.
    """

    max_active: int = MAX_ACTIVE
    max_failures: float | None = None


def _descriptions(cls: type) -> dict[str, str]:
    """Return the descriptions of options from the docstrings of their class and its bases."""
    from docstring_parser import parse  # noqa: PLC0415 - cyclopts brings it

    docs = [parse(inspect.getdoc(base) or "") for base in reversed(cls.__mro__[:-1])]
    return {param.arg_name: " ".join((param.description or "").split()) for doc in docs for param in doc.params}


def _help(name: str, default: object) -> str:
    return _HELP[name] if default is None else f"{_HELP[name]} Default: {default}."


# Each is None where the command line does not give it: then the campaign's file tells.
_TYPES, _HELP = get_type_hints(BatchOptions), _descriptions(BatchOptions)
GivenOptions: Any = make_dataclass(
    "GivenOptions",
    [
        (
            option.name,
            Annotated[_TYPES[option.name] | None, Parameter(help=_help(option.name, option.default))],
            field(default=None),
        )
        for option in fields(BatchOptions)
    ],
    frozen=True,
    kw_only=True,
    namespace={"__module__": __name__},
)


def batch(
    campaign: Path,
    *,
    targets: Path | None = None,
    options: Annotated[GivenOptions, Parameter(name="*")] = GivenOptions(),  # noqa: B008 - frozen
    redo: Literal["failed", "all"] | None = None,
    dry_run: bool = False,
    cancel_on_interrupt: bool = False,
) -> int:
    """Ask for products of many targets, a few at a time, and bring each to its end.

    CAMPAIGN is a YAML or JSON file with `name`, `template` (a request, what all targets have in common), `targets`
    (rows, or a table's file: CSV, ECSV, VOTable or FITS), `folder` (a pattern), and any of the options below. All
    targets are checked before anything is sent. The same campaign again does only what is missing.

    Parameters
    ----------
    campaign
        The campaign's file; see the README.
    targets
        A table in the place of the file's targets.
    redo
        Submit anew what an earlier run has brought to its end: what failed, or all.
    dry_run
        Say what would be sent, how many jobs, and how long it may take; send nothing. No account is needed.
    cancel_on_interrupt
        Whether Ctrl-C cancels the active jobs at the service. By default they go on there.
    """
    read = Campaign.load(campaign, targets)
    settings = read_options(campaign, read.options, options)
    return run_campaign(read, settings, redo=redo, dry_run=dry_run, cancels=cancel_on_interrupt)


def run_campaign(
    campaign: Campaign,
    options: BatchOptions,
    *,
    redo: str | None = None,
    dry_run: bool = False,
    cancels: bool = False,
) -> int:
    """Check a campaign, and run it; the exit status is 1 where a target failed."""
    rows = campaign.rows()
    if dry_run:
        service = os.environ.get("UKSSDC_URL") or BASE_URL  # no client: it needs an account
        submitted = submitted_rows(rows, ProductsFolder(options.destination), service, redo)
        sys.stdout.write(str(plan(rows, finished=submitted, max_active=options.max_active)))
        return 0
    xrt_products = load_flows(options)
    return finish(
        lambda: xrt_products.request_batch(
            campaign.table.absolute() if campaign.table is not None else campaign.targets,
            campaign.template,
            units=campaign.units,
            name=campaign.name,
            folder=campaign.folder,
            redo=redo,
            **flow_parameters(options),
        ),
        cancels=cancels,
    )


def run_requests(
    files: Sequence[Path], options: FollowOptions, *, fresh: bool, max_active: int, folder: str, cancels: bool
) -> int:
    """Run the requests in some files as a campaign."""
    settings = BatchOptions(**options.as_parameters(), max_active=max_active)
    campaign = Campaign.from_requests(files).model_copy(update={"folder": folder})
    return run_campaign(campaign, settings, redo="all" if fresh else None, cancels=cancels)


def read_options(file: Path, from_file: Mapping[str, Any], given: Any) -> BatchOptions:
    """Return the options of a campaign's file, with those of the command line in their place.

    Raises
    ------
    InvalidCampaign
        Where the file has options that there are not, or that make no sense.
    """
    from_file = {key: value for key, value in from_file.items() if key != "flow_run"}
    known = {option.name for option in fields(BatchOptions)}
    mistakes = [
        Mistake(None, "", f"{key}: there is no such option{_meant(str(key), known)}")
        for key in sorted(from_file.keys() - known, key=str)
    ]
    try:
        read = TypeAdapter(BatchOptions).validate_python({k: v for k, v in from_file.items() if k in known})
    except ValidationError as error:
        mistakes += [_mistake(problem["loc"], problem["msg"]) for problem in error.errors()]
    if mistakes:
        raise InvalidCampaign(mistakes, source=str(file))
    overridden = {name: value for name, value in asdict(given).items() if value is not None}
    return BatchOptions(**{f.name: getattr(read, f.name) for f in fields(read)} | overridden)


def _meant(key: str, options: Collection[str]) -> str:
    """Return what a name in a campaign's file may have been meant to be; all that there are, where nothing is near."""
    known = [*KEYS, *sorted(options)]
    near = difflib.get_close_matches(key, known, 1)
    return f": did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"


def _mistake(loc: Sequence[int | str], problem: str) -> Mistake:
    return Mistake(None, "", f"{loc[0] if loc else ''}: {problem}")

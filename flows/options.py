"""How jobs and rebinnings are followed: the options that the flows and the commands share. Free of Prefect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ukssdc.download.archive import ArchiveFormat, IfExists
from ukssdc.limits import MAX_WAIT, validate_limits
from ukssdc.record.remote import RemoteFolder
from ukssdc.service import POLL_INTERVAL
from ukssdc.tracker import NO_STATUS_POLLS

if TYPE_CHECKING:
    from xrt_products.tasks.account import Account
    from xrt_products.tasks.observe.notifications import Notify
else:  # a flow may be given a block, or a SecretStr; a command gives names only
    Account = str | None
    Notify = str


@dataclass(frozen=True, kw_only=True)
class WaitOptions:
    """How something at the service is waited for.

    Parameters
    ----------
    destination
        Files go to DESTINATION/TARGET/JOB/.
    account
        Name of a Prefect block with the account; by default the environment: UKSSDC_USER, UKSSDC_URL.
    interval
        Time between two polls, s; 60 or more, except against an emulator on this machine.
    max_wait
        Longest wait, s; what is pending then can be collected later.
    no_status_polls
        How many polls in a row a product may go without a status before it counts as failed.
    cancel_with_run
        Whether cancelling the run in Prefect's UI cancels the job at the service, too. (Ctrl-C leaves it there.)
    notify
        Notify on failure: a Prefect notification block (slack-webhook/ops), or an Apprise URL. The environment
        variable UKSSDC_NOTIFY keeps a URL with a password out of the list of processes.
    quicklook
        Whether to show the results as pictures and tables, in the job's folder and in the Prefect UI.
    """

    destination: Path = Path("products")
    account: Account = None
    interval: float = POLL_INTERVAL
    max_wait: float = MAX_WAIT
    no_status_polls: int = NO_STATUS_POLLS
    cancel_with_run: bool = True
    notify: Notify | None = None
    quicklook: bool = True

    def validate(self, base_url: str | None, name: Callable[[str], str] = str) -> None:
        """Refuse what would annoy the service or make no sense, all at once.

        Parameters
        ----------
        base_url : str or None
            Where the service is; without it, an interval is not called too short.
        name : callable, optional
            Makes of an option's name what the user knows it by.

        Raises
        ------
        InvalidOptions
            With a line for each that is wrong.
        """
        validate_limits(
            interval=self.interval,
            max_wait=self.max_wait,
            no_status_polls=self.no_status_polls,
            base_url=base_url,
            name=name,
        )

    def as_parameters(self) -> Mapping[str, Any]:
        """Return the options by name, as a flow takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True)
class FollowOptions(WaitOptions):
    """How a job is followed.

    Parameters
    ----------
    format
        Archive format.
    if_exists
        What to do about files that are there already.
    extract
        Unpack the archives as well, each into a folder beside it.
    publish
        Where to copy products, quick look and job.json as well: s3://bucket/xrt, file:///folder, or any other URL
        of fsspec. What is there already is not downloaded again. Credentials come from the environment.
    """

    format: ArchiveFormat = "tar.gz"
    if_exists: IfExists = "skip"
    extract: bool = False
    publish: str | None = None

    def validate(self, base_url: str | None, name: Callable[[str], str] = str) -> None:
        """Refuse what makes no sense, as `WaitOptions.validate`; and an address where nothing can be published."""
        super().validate(base_url, name)
        self.remote  # noqa: B018 - it is checked as it is made

    @property
    def remote(self) -> RemoteFolder | None:
        """Where the destination is published."""
        return RemoteFolder.from_url(self.publish) if self.publish is not None else None

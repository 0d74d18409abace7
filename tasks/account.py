"""Who asks, and where: the account as a Prefect block, or from the environment."""

from __future__ import annotations

import os
from typing import Any, cast

import httpx
from prefect import runtime
from prefect.blocks.abstract import CredentialsBlock
from pydantic import Field, HttpUrl, SecretStr

from ukssdc import BASE_URL, Client, UKSSDCError
from ukssdc.client import refuse_address
from ukssdc.limits import read_timeouts

SLUG = "ukssdc-account"  # the block type's name in `ukssdc-account/leicester`
PICTURES = "https://xrt-products.example/docs"  # where the repository's docs/ is served; it has no public address yet


class PrefectUnavailable(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """The Prefect server could not be asked; it may come back."""

    retryable = True


class UKSSDCAccount(CredentialsBlock):
    """A registered account at the UKSSDC.

    Attributes
    ----------
    email : SecretStr
        The registered e-mail address: the service's only credential, so it is kept like one.
    url : str
        Where the service is. Where this is the default, the environment variable UKSSDC_URL, if set, takes its place.

    Example:
        Load a stored account, and ask the service for its old jobs:

        ```python
        from xrt_products import UKSSDCAccount

        account = UKSSDCAccount.load("BLOCK_NAME")
        jobs = account.get_client().jobs()
        ```
    """

    _block_type_name = "UKSSDC account"
    _block_type_slug = SLUG
    _description = "A registered account at the UK Swift Science Data Centre, for Swift-XRT products."
    _logo_url = HttpUrl(f"{PICTURES}/ukssdc-account.png")
    _documentation_url = HttpUrl("https://www.swift.ac.uk/API/main.php")

    email: SecretStr = Field(description="The registered e-mail address; it is the service's only credential.")
    url: str = Field(default=BASE_URL, description="Address of the service; UKSSDC_URL replaces the default.")

    def get_client(self, **options: Any) -> Client:
        """Return a client of the service for this account.

        Parameters
        ----------
        **options
            Further arguments of `ukssdc.Client`, such as `timeout`, in the place of the environment's.
        """
        url = (os.environ.get("UKSSDC_URL") if self.url == BASE_URL else None) or self.url
        timeout, first_byte_timeout = read_timeouts()
        settings: dict[str, Any] = {"timeout": timeout, "first_byte_timeout": first_byte_timeout}
        return Client(self.email.get_secret_value(), url, **settings | options)


Account = str | UKSSDCAccount | None


def client_for(account: Account) -> Client:
    """Make a client for an account.

    Parameters
    ----------
    account : str, UKSSDCAccount or None
        A block's name (`leicester` or `ukssdc-account/leicester`), a block, or, for None, the environment: UKSSDC_USER
        and UKSSDC_URL. UKSSDC_URL also holds for a block whose `url` is the default.

    Raises
    ------
    UKSSDCError
        Where there is no e-mail address, or one in the place of a block's name.
    PrefectUnavailable
        The Prefect server, which keeps the blocks, cannot be asked.
    ValueError
        Where there is no block of that name.
    """
    if account is None:
        return Client.from_environment()
    return (_load(account) if isinstance(account, str) else account).get_client()


def _load(name: str) -> UKSSDCAccount:
    _refuse_address(name)
    try:
        return cast("UKSSDCAccount", UKSSDCAccount.load(name.removeprefix(f"{SLUG}/")))  # sync here
    except httpx.HTTPError as error:
        raise PrefectUnavailable(
            f"cannot ask the Prefect server for the account {name}: {type(error).__name__}"
        ) from error


def _refuse_address(name: str) -> None:
    """Refuse an e-mail address in the place of a name; within a run, say that the Prefect server has it by now."""
    try:
        refuse_address(name)
    except UKSSDCError as error:
        run = runtime.flow_run.id
        if run is None:
            raise
        raise UKSSDCError(
            f"{error}. The address now stands in this run's parameters on the Prefect server, and in those of the "
            "deployment or the flow that started it, where it came from there: take it out there, and delete this run, "
            f"in the UI or with `prefect flow-run delete {run}`"
        ) from None

"""Who asks, and where: the account as a Prefect block, or from the environment."""

from __future__ import annotations

import os
from typing import cast

import httpx
from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from ukssdc import BASE_URL, Client, UKSSDCError
from ukssdc.client import refuse_address
from ukssdc.limits import read_timeouts


class PrefectUnavailable(UKSSDCError):  # noqa: N818 - what happened, in the words of the docs
    """The Prefect server could not be asked; it may come back."""

    retryable = True


class UKSSDCAccount(Block):
    """A registered account at the UKSSDC.

    Attributes
    ----------
    email : SecretStr
        The registered e-mail address: the service's only credential, so it is kept like one.
    url : str
        Where the service is. Where this is the default, the environment variable UKSSDC_URL, if set, takes its place.
    """

    _block_type_name = "UKSSDC account"
    _block_type_slug = "ukssdc-account"
    _description = "A registered account at the UK Swift Science Data Centre, for Swift-XRT products."

    email: SecretStr = Field(description="The registered e-mail address; it is the service's only credential.")
    url: str = Field(default=BASE_URL, description="Address of the service; UKSSDC_URL replaces the default.")


Account = str | UKSSDCAccount | None


def client_for(account: Account) -> Client:
    """Make a client for an account.

    Parameters
    ----------
    account : str, UKSSDCAccount or None
        A block's name, a block, or, for None, the environment: UKSSDC_USER and UKSSDC_URL. UKSSDC_URL also holds for a
        block whose `url` is the default.

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
    block = _load(account) if isinstance(account, str) else account
    url = (os.environ.get("UKSSDC_URL") if block.url == BASE_URL else None) or block.url
    return Client(block.email.get_secret_value(), url, *read_timeouts())


def _load(name: str) -> UKSSDCAccount:
    refuse_address(name)
    try:
        return cast("UKSSDCAccount", UKSSDCAccount.load(name))  # sync here
    except httpx.HTTPError as error:
        raise PrefectUnavailable(
            f"cannot ask the Prefect server for the account {name}: {type(error).__name__}"
        ) from error

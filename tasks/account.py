"""Who asks, and where: the account as a Prefect block, or from the environment."""

from __future__ import annotations

from typing import cast

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from ukssdc import BASE_URL, Client


class UKSSDCAccount(Block):
    """A registered account at the UKSSDC.

    Attributes
    ----------
    email : SecretStr
        The registered e-mail address: the service's only credential, so it is kept like one.
    url : str
        Where the service is.
    """

    _block_type_name = "UKSSDC account"
    _block_type_slug = "ukssdc-account"
    _description = "A registered account at the UK Swift Science Data Centre, for Swift-XRT products."

    email: SecretStr = Field(description="The registered e-mail address; it is the service's only credential.")
    url: str = Field(default=BASE_URL, description="Address of the service.")


Account = str | UKSSDCAccount | None


def client_for(account: Account) -> Client:
    """Make a client for an account.

    Parameters
    ----------
    account : str, UKSSDCAccount or None
        A block's name, a block, or, for None, the environment: UKSSDC_USER and UKSSDC_URL.

    Raises
    ------
    UKSSDCError
        Where there is no e-mail address.
    ValueError
        Where there is no block of that name.
    """
    if account is None:
        return Client.from_environment()
    block = cast("UKSSDCAccount", UKSSDCAccount.load(account)) if isinstance(account, str) else account
    return Client(block.email.get_secret_value(), block.url)

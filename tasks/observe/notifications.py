"""Tell people: through a Prefect notification block, or any service that Apprise knows."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

from prefect import get_run_logger
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.utilities.dispatch import get_registry_for_type
from pydantic import AfterValidator, SecretStr

from xrt_products.tasks.observe.best_effort import best_effort


def _hide(value: str | SecretStr) -> SecretStr:
    return value if isinstance(value, SecretStr) else SecretStr(value)


# A plain text is hidden as soon as it is here: an Apprise URL holds passwords. What the caller gives, the server has
# stored by then with the flow's parameters, unless it was a SecretStr.
Notify = Annotated[str | SecretStr, AfterValidator(_hide)]


def send_notification(notify: Notify | None, subject: str, body: str) -> None:
    """Send a notification; one that cannot be sent is logged, and changes nothing.

    Parameters
    ----------
    notify : str or SecretStr or None
        A block (`slack-webhook/ops`, or `ops` where no other has that name), an Apprise URL (`mailto://...`), or None:
        nobody is told.
    subject, body : str
        The body is Markdown.
    """
    if notify is None:
        return
    where = _hide(notify).get_secret_value()
    with (
        best_effort(f"send the notification through {_name(where)}", reveal=False),
        _apprise_silenced(),
    ):  # errors hold the URL
        (_send_to_url if "://" in where else _send_to_block)(where, subject, body)
        get_run_logger().info("Notified through %s: %s", _name(where), subject)


class NotificationFailed(Exception):  # noqa: N818 - what happened
    """Apprise could not send it, or knows no such URL."""


def _send_to_url(url: str, subject: str, body: str) -> None:
    from apprise import Apprise, NotifyFormat, NotifyType  # noqa: PLC0415 - a heavy import

    apprise = Apprise()
    if not apprise.add(url) or not apprise.notify(
        body=body, title=subject, notify_type=NotifyType.FAILURE, body_format=NotifyFormat.MARKDOWN
    ):
        raise NotificationFailed


def _send_to_block(name: str, subject: str, body: str) -> None:
    import prefect.blocks.notifications  # noqa: F401, PLC0415 - its blocks can be loaded by name from here on

    block = Block.load(_with_its_type(name) if re.fullmatch(r"[a-z0-9-]+", name) else name)
    if not isinstance(block, NotificationBlock):
        raise TypeError("not a notification block")
    with block.raise_on_failure():
        block.notify(body, subject)  # type: ignore[unused-coroutine]  # sync here


def _with_its_type(name: str) -> str:
    """Return `type/name` of the notification block of a name: people who have one rarely know what its type is called.

    Raises
    ------
    ValueError
        There is none, or more than one.
    """
    kinds = (get_registry_for_type(Block) or {}).values()
    types = {kind.get_block_type_slug() for kind in kinds if issubclass(kind, NotificationBlock)}
    found = []
    with get_client(sync_client=True) as client:
        for kind in sorted(types):
            with suppress(ObjectNotFound):
                client.read_block_document_by_name(name, kind, include_secrets=False)
                found.append(f"{kind}/{name}")
    if len(found) != 1:
        raise ValueError("no notification block of that name" if not found else f"which of {', '.join(found)}?")
    return found[0]


def _name(where: str) -> str:
    """Return what may be logged of it: a block's `type/name`; of anything else nothing, it may hold a password."""
    return f"the block {where}" if re.fullmatch(r"[\w-]+/[\w-]+", where) else "the address given"


@contextmanager
def _apprise_silenced() -> Iterator[None]:
    """Keep Apprise's own messages out of the logs: they repeat the URL."""

    def drop(record: logging.LogRecord) -> bool:  # noqa: ARG001 - whatever it says
        return False

    logger = logging.getLogger("apprise")
    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)

"""One submission at a time for all machines that share a Prefect server: a concurrency limit of Prefect's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import httpx
from prefect import get_client, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectAlreadyExists, PrefectException
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from ukssdc.addresses import is_loopback, origin
from ukssdc.times import clock

LEASE = 120.0  # s; the count and the submission end within it by their own time-outs
FORGOTTEN = 5 * LEASE  # s; a server that was started again knows that the slot is taken, but has lost the lease


class SharedLimit:
    """The only slot of the limit, which is made where it is missing.

    A Prefect server that is away costs the limit, and not the submission. A service on loopback is this machine's own,
    and needs none.

    Parameters
    ----------
    base_url : str
        Where the service is.

    Attributes
    ----------
    name : str
        As the Prefect UI shows it: with the service's host and port, never the account.
    """

    def __init__(self, base_url: str) -> None:
        where = origin(base_url)
        self.name = f"ukssdc-submit-{where.host}-{where.port}"
        self._needed = not is_loopback(base_url)
        self._refused_since: float | None = None

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Hold the slot while the body runs; yield False where a run on another machine has it."""
        if not self._needed:
            yield True
            return
        # Few calls, made while other submissions wait: not repeated for half a minute, as Prefect's client would.
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), get_client(sync_client=True) as client:
            lease, free = self._acquire(client)
            try:
                yield free
            finally:
                if lease is not None:
                    with suppress(httpx.HTTPError):  # the lease ends by itself
                        client.release_concurrency_slots_with_lease(lease)

    def _acquire(self, client: SyncPrefectClient) -> tuple[UUID | None, bool]:
        """Return the lease, and whether the submission may go on: where there is trouble, it does without one."""
        try:
            lease = self._increment(client)
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.LOCKED:
                if not self._is_forgotten():
                    return None, False
                with suppress(httpx.HTTPError):
                    client.update_global_concurrency_limit(self.name, GlobalConcurrencyLimitUpdate(active_slots=0))
            _warn(error)
        except (httpx.HTTPError, PrefectException) as error:
            _warn(error)
        else:
            self._refused_since = None
            return lease, True
        return None, True

    def _increment(self, client: SyncPrefectClient) -> UUID:
        answer = client.increment_concurrency_slots_with_lease([self.name], 1, "concurrency", LEASE).json()
        if not answer["limits"]:
            with suppress(ObjectAlreadyExists):  # another machine was faster
                client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=self.name, limit=1))
            answer = client.increment_concurrency_slots_with_lease([self.name], 1, "concurrency", LEASE).json()
        return UUID(answer["lease_id"])

    def _is_forgotten(self) -> bool:
        """Tell whether the slot has been taken for longer than anyone can have it."""
        now = clock()
        if self._refused_since is None:
            self._refused_since = now
        if now - self._refused_since < FORGOTTEN:
            return False
        self._refused_since = None
        return True


def _warn(error: Exception) -> None:
    get_run_logger().warning(
        "Submitting without the limit that holds across machines, as Prefect's server does not give it: %r", error
    )

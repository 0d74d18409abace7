"""Errors travel between processes: Prefect stores what a task raised, and reads it elsewhere."""

from __future__ import annotations

import pickle

import pytest

from ukssdc import DownloadError, InvalidRequest, ProtocolError, ServiceError, TransportError, UKSSDCError

ERRORS = [
    UKSSDCError("no account"),
    TransportError("no answer", url="https://example.org", status_code=503, sent=False),
    ServiceError("submit the request", ["no such target", "no such user"]),
    ProtocolError("no JSON", url="https://example.org", start="<html>", retryable=True),
    DownloadError("cut off", url="https://example.org", retryable=True),
    InvalidRequest(["name is missing", "RA is 400"], source="grb.yaml"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: UKSSDCError) -> None:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own

    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))

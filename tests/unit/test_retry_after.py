"""What a server asks for with `Retry-After` reaches whoever decides when to ask again."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import http, raw_server
from xrt_support import USER, request_for

from ukssdc import Client, Product, TransportError
from ukssdc.emulator import Emulator, Fault
from ukssdc.retry_after import MAX_RETRY_AFTER, read_retry_after, retry_after_text

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 1994 08:59:37 GMT"


@pytest.mark.parametrize(
    "status", ["429 Too Many Requests", "503 Busy", "502 Bad Gateway", "302 Found", "403 Forbidden"]
)
@pytest.mark.parametrize("call", [Client.count_active_jobs, lambda client: client.submit(request_for(Product.Image))])
def test_every_call_says_how_long_the_service_asks_to_wait(status: str, call: object) -> None:
    with raw_server(http(b"", status, "Retry-After: 900")) as url, pytest.raises(TransportError) as raised:
        call(Client(USER, url))  # type: ignore[operator]

    assert raised.value.retry_after == 900
    assert "The service asks to wait until " in str(raised.value)
    assert "in a minute" not in str(raised.value)
    assert pickle.loads(pickle.dumps(raised.value)).retry_after == 900  # noqa: S301 - ours


@pytest.mark.parametrize("kind", ["http_429", "http_503"])
def test_the_emulator_asks_in_both_ways(kind: str) -> None:
    with (
        Emulator(users=(USER,), faults=[Fault(kind, seconds=600)]) as emulator,
        pytest.raises(TransportError) as raised,
    ):
        Client(USER, emulator.url).count_active_jobs()

    assert raised.value.retry_after is not None
    assert 590 < raised.value.retry_after <= 601


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "9" * 400}, MAX_RETRY_AFTER),
        ({"Retry-After": "9" * 5000}, MAX_RETRY_AFTER),
        ({"Retry-After": LATER, "Date": DATE}, 600),  # by the server's own clock
        ({"Retry-After": DATE, "Date": LATER}, 0),
        ({"Retry-After": "Sunday, 06-Nov-94 08:59:37 GMT", "Date": DATE}, 600),
        ({"Retry-After": DATE}, 0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, MAX_RETRY_AFTER),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "٣"}, None),
        ({}, None),
    ],
)
def test_seconds_and_dates_are_read(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


def test_a_date_without_the_servers_clock_is_compared_with_ours() -> None:
    wait = read_retry_after({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)})

    assert wait is not None
    assert 7190 < wait <= 7200


@given(value=st.text(), date=st.text())
def test_whatever_stands_there_is_a_time_or_nothing(value: str, date: str) -> None:
    wait = read_retry_after({"Retry-After": value, "Date": date})

    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


def test_a_wait_beyond_today_names_the_day() -> None:
    day = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%d")

    assert f"wait until {day} " in retry_after_text(3 * 86400)

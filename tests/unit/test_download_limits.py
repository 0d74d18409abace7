"""A download that does not begin, stalls, trickles or does not end is broken off; what has come is gone on from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from archive_answers import LC, TAG, archive, head, job, rest
from raw_server import http, raw_server

from ukssdc import Client, DownloadError, UKSSDCError
from ukssdc.download import download_archive
from ukssdc.download.fetch import Source
from ukssdc.download.stall import DownloadLimits
from ukssdc.record import JobFolder
from ukssdc.times import utcnow

USER = "Observer@Example.org"
SHORT = 0.3  # s; a sequence of the raw server has 0.1 s between its parts
NOTHING = [b""] * 30  # for 3 s, unless the other side is gone
FEW = 100  # bytes


def fetch(url: str, directory: Path, **limits: Any) -> Any:
    with requests.Session() as session:
        source = Source(session, url, DownloadLimits(**({"first_byte": 5.0, "read": 5.0} | limits)))
        return download_archive(source, JobFolder(directory, job(url)), LC)


def broken(url: str, directory: Path, **limits: Any) -> DownloadError:
    with pytest.raises(DownloadError) as raised:
        fetch(url, directory, **limits)
    assert not (directory / "lc.tar.gz").exists()
    assert raised.value.retryable
    return raised.value


@pytest.mark.parametrize(
    "answer",
    [None, NOTHING, [head(), *NOTHING], [head()[:30], *NOTHING]],
    ids=["never", "late", "headers alone", "half of the headers"],
)
def test_what_does_not_begin_counts_as_corrupt_and_names_the_setting(tmp_path: Path, answer: Any) -> None:
    with raw_server(answer) as url:
        error = broken(url, tmp_path, first_byte=SHORT)

    assert "did not begin within 0.3 s" in str(error)
    assert "UKSSDC_FIRST_BYTE_TIMEOUT" in str(error)
    assert error.corrupt


def test_a_refused_connection_is_an_outage(tmp_path: Path) -> None:
    with raw_server(b"") as url:
        pass

    assert not broken(url, tmp_path, first_byte=SHORT).corrupt


@pytest.mark.parametrize(
    "answer",
    [[*[b""] * 5, head(), archive()], [head(), *[b""] * 5, archive()]],
    ids=["before the headers", "before the body"],
)
def test_the_first_byte_may_take_longer_than_the_others(tmp_path: Path, answer: list[bytes]) -> None:
    with raw_server(answer) as url:
        assert fetch(url, tmp_path, read=SHORT).path.read_bytes() == archive()


@pytest.mark.parametrize(
    "begin",
    [
        [head(), archive()[:FEW]],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + TAG.encode() + b"\r\n\r\n", archive()[:FEW]],
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + TAG.encode() + b"\r\n\r\n",
            b"%x\r\n%b\r\n" % (FEW, archive()[:FEW]),
        ],
    ],
    ids=["length", "no length", "chunks"],
)
@pytest.mark.parametrize("more", [NOTHING, [b"0"] * 30], ids=["silence", "a byte now and then"])
def test_what_stalls_is_broken_off_and_gone_on_from(tmp_path: Path, begin: list[bytes], more: list[bytes]) -> None:
    slow = {"read": SHORT} if more is NOTHING else {"min_rate": 1000.0, "rate_window": SHORT, "read": 1.0}

    with raw_server([*begin, *more], b"", b"") as url:
        error = broken(url, tmp_path, **slow)

    have = (tmp_path / "lc.tar.gz.part").stat().st_size
    assert f"broke off after {have} bytes" in str(error)
    assert "nothing came for" in str(error) or "less than 1000 bytes/s came over 0.3 s" in str(error)
    assert have >= FEW
    assert not error.corrupt


def test_a_trickle_is_gone_on_from(tmp_path: Path) -> None:
    pieces = [archive()[n : n + 10] for n in range(0, 300, 10)]

    with raw_server([head(), *pieces], b"") as url:
        broken(url, tmp_path, min_rate=1000.0, rate_window=SHORT)
    have = (tmp_path / "lc.tar.gz.part").stat().st_size
    with raw_server(rest(have)) as url:
        (tmp_path / "job.json").unlink()  # the server has another port
        file = fetch(url, tmp_path)

    assert 0 < have < 300
    assert file.path.read_bytes() == archive()


def test_a_slow_line_that_is_no_trickle_comes_to_its_end(tmp_path: Path) -> None:
    pieces = [archive()[n : n + 1000] for n in range(0, len(archive()), 1000)]

    with raw_server([head(), *pieces]) as url:
        assert fetch(url, tmp_path, min_rate=1000.0, rate_window=SHORT).path.read_bytes() == archive()


@pytest.mark.parametrize(
    "answer",
    [
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"2000\r\n" + bytes(8192) + b"\r\n"]
        + [b"2000\r\n" + bytes(8192) + b"\r\n"] * 30,
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[bytes(8192)] * 30],
        http(b"", length=2**60),
        http(b"", length=20_001),
    ],
    ids=["chunks", "no length", "exabytes", "a byte too many"],
)
def test_a_body_without_end_is_stopped_at_the_limit(tmp_path: Path, answer: Any) -> None:
    with raw_server(answer) as url:
        error = broken(url, tmp_path, max_bytes=20_000)

    assert "has more than 20000 bytes" in str(error)
    assert error.corrupt
    assert not (tmp_path / "lc.tar.gz.part").exists()


def test_a_length_that_is_no_number_is_no_crash(tmp_path: Path) -> None:
    answer = http(archive()).replace(b"Content-Length: %d" % len(archive()), b"Content-Length: " + b"9" * 5000)

    with raw_server(answer) as url:
        assert fetch(url, tmp_path).path.read_bytes() == archive()


@pytest.mark.parametrize("name", ["UKSSDC_FIRST_BYTE_TIMEOUT", "UKSSDC_TIMEOUT"])
@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_a_time_out_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("UKSSDC_USER", USER)
    monkeypatch.setenv(name, value)

    with pytest.raises(UKSSDCError, match=f"{name} is '{value}'"):
        Client.from_environment()


def test_the_first_bytes_time_out_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UKSSDC_USER", USER)
    monkeypatch.setenv("UKSSDC_FIRST_BYTE_TIMEOUT", str(SHORT))

    with raw_server(None) as url:
        monkeypatch.setenv("UKSSDC_URL", url)
        with pytest.raises(DownloadError, match=r"within 0\.3 s"):
            Client.from_environment().download(job(url), LC, tmp_path)


SPELLINGS = [USER, USER.lower(), USER.upper(), "Observer%40Example.org", "Observer&#64;Example.org"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "answer",
    [
        lambda address: http(b"", "302 Found", f"Location: http://127.0.0.2/lc?user={address}"),
        lambda address: http(b"", "302 Found", f"Location: http://{address}/lc"),
        lambda address: http(b"", "302 Found", f"Location: ?user={address}"),
        lambda address: http(b"", f"403 {address} may not"),
        lambda address: http(b"", f"503 {address} has to wait"),
    ],
    ids=["elsewhere", "as a login", "circle", "reason", "reason that passes"],
)
def test_the_account_is_in_no_error(tmp_path: Path, answer: Callable[[str], bytes], spelling: str) -> None:
    with raw_server(answer(spelling)) as url, pytest.raises(DownloadError) as raised:
        Client(USER, url, timeout=(1, 1)).download(job(url), LC, tmp_path)

    for text in (str(raised.value), repr(raised.value), repr(vars(raised.value))):
        assert spelling.lower() not in text.lower()
    assert "<your account>" in str(raised.value)


def test_a_reason_does_not_reach_the_terminal_as_it_is(tmp_path: Path) -> None:
    with raw_server(http(b"", "403 \x1b]52;c;evil\x07\x9b31m")) as url, pytest.raises(DownloadError) as raised:
        fetch(url, tmp_path)

    assert str(raised.value).isprintable()


def in_an_hour(**ago: float) -> str:
    return format_datetime(utcnow() + timedelta(hours=1) - timedelta(**ago), usegmt=True)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable", "500 Oops"])
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120, 120),
        (" 0 ", 0, 0),
        ("IN AN HOUR", 3500, 3600),  # an hour from the call, and not from when the tests were collected
        (in_an_hour(days=3), 0, 0),
        ("9" * 4000, 86400, 366 * 86400),
        ("Sun, 06 Nov 9994 08:49:37 GMT", 86400, 366 * 86400),
    ],
    ids=["seconds", "none", "date", "a date that is over", "for ever", "a date far away"],
)
def test_the_service_is_asked_again_when_it_asks_to_be(
    tmp_path: Path, status: str, header: str, least: float, most: float
) -> None:
    header = header.replace("IN AN HOUR", in_an_hour())

    with raw_server(http(b"", status, f"Retry-After: {header}")) as url:
        error = broken(url, tmp_path)

    assert error.retry_after is not None
    assert least <= error.retry_after <= most
    assert "The service asks to wait until 2" in str(error)


@pytest.mark.parametrize("header", ["soon", "-5", "1.5", "Sun, 99 Nov", "٣", ""])
def test_a_wait_that_is_none_is_not_waited_for(tmp_path: Path, header: str) -> None:
    answer = http(b"", "503 Busy", "Retry-After: (this)").replace(b"(this)", header.encode())

    with raw_server(answer) as url:
        error = broken(url, tmp_path)

    assert error.retry_after is None
    assert "This may pass" in str(error)

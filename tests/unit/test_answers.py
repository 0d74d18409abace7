"""What comes back is read within limits of time, size and depth, and only if it is about what was asked."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from raw_server import http, raw_server
from xrt_support import QUICK, USER, request_for

from ukssdc import Client, Job, Product, ProtocolError, ServiceError, TransportError
from ukssdc._session import ServiceSession
from ukssdc.emulator import Emulator, Fault, Scenario
from ukssdc.errors import ResultTooLarge
from ukssdc.quicklook.quick_look import fetch

EMAIL = "observer@example.org"
MIB = 2**20
RESULTS: dict[str, Product] = {
    "standard_position": Product.StandardPos,
    "enhanced_position": Product.EnhancedPos,
    "astrometric_position": Product.AstromPos,
    "light_curve": Product.LightCurve,
    "spectral_fits": Product.Spectrum,
    "source_list": Product.SourceDet,
}
CALLS = ["status", "cancel", "attach", *RESULTS]
JOB = Job(job_id=951, url="http://127.0.0.1/USERPROD_951", name="GRB 200416A", products=tuple(Product))


def client_of(url: str, seconds: float = 0.5) -> Client:
    return Client(EMAIL, url, timeout=(seconds, seconds))


def call(client: Client, name: str, job: Job = JOB) -> Any:
    return client.attach(job.job_id) if name == "attach" else getattr(client, name)(job)


def answer_of(**content: object) -> bytes:
    return http(json.dumps({"OK": 1, **content}).encode())


def packed(body: bytes) -> bytes:
    return http(gzip.compress(body, compresslevel=1), "200 OK", "Content-Encoding: gzip")


# --- time: the whole answer, however it trickles --------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TRICKLES = {
    "a status line": [bytes([byte]) for byte in b"HTTP/1.1 200 " + b"O" * 40],
    "headers": [HEAD] + [b"X-Header: 1\r\n"] * 40,
    "one header": [HEAD, b"X-Header: "] + [b"x"] * 40,
    "interim answers": [b"HTTP/1.1 100 Continue\r\n\r\n"] * 40,
    "a chunk's line": [CHUNKED, b"5;"] + [b"x"] * 40,
    "chunks": [CHUNKED] + [b"1\r\n \r\n"] * 40,
    "trailers": [CHUNKED, b'9\r\n{"OK": 1}\r\n0\r\n'] + [b"X: 1\r\n"] * 40,
    "a body": [HEAD + b"Content-Length: 500\r\n\r\n"] + [b" "] * 40,
    "an error's headers": [b"HTTP/1.1 503 Busy\r\n"] + [b"X-Header: 1\r\n"] * 40,
}


@pytest.mark.parametrize("answer", TRICKLES.values(), ids=TRICKLES)
def test_no_part_of_an_answer_may_trickle_past_the_time_out(answer: list[bytes]) -> None:
    with raw_server(answer) as url, pytest.raises(TransportError, match="time-out") as raised:
        client_of(url).count_active_jobs()

    assert raised.value.retryable
    assert raised.value.sent


def test_a_trickle_through_a_proxy_is_held_to_the_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(TRICKLES["headers"]) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(TransportError, match="time-out"):
            client_of("http://service.invalid/user_objects").count_active_jobs()


def test_a_server_that_sends_headers_for_ever_does_not_hold_a_call() -> None:
    with Emulator(users=(USER,), faults=[Fault("endless_headers", "active_jobs", seconds=30)]) as emulator:
        with pytest.raises(TransportError, match="time-out"):
            client_of(emulator.url).count_active_jobs()

        assert client_of(emulator.url, 5).count_active_jobs() == 0


def test_one_connection_serves_many_calls() -> None:
    with Emulator(users=(USER,)) as emulator, client_of(emulator.url, 5) as client:
        assert [client.count_active_jobs() for _ in range(5)] == [0] * 5
        manager = client._transport.session.get_adapter(emulator.url).poolmanager  # type: ignore[attr-defined]
        (pool,) = [manager.pools[key] for key in manager.pools.keys()]  # noqa: SIM118 - no mapping

        assert pool.num_connections == 1


def test_a_streamed_answer_has_its_sockets_number_and_no_deadline_of_its_own() -> None:
    slow = [http(b"", length=20)] + [b"x"] * 20
    with (
        raw_server(slow) as url,
        ServiceSession() as session,
        session.get(url, stream=True, timeout=(0.5, 0.5)) as response,
    ):
        assert response.raw.fileno() > 0  # a download's watch shuts it down
        assert len(response.raw.read()) == 20  # which takes longer than each byte may


# --- size ------------------------------------------------------------------------------------------------------------

LARGE = {
    "spaces": b'{"OK": 1}' + b" " * (40 * MIB),
    "lists": b'{"OK": 1, "x": [' + b"[]," * (12 * MIB) + b"[]]}",
    "objects": b'{"OK": 1, "x": [' + b"{}," * (12 * MIB) + b"{}]}",
    "one text": b'{"OK": 1, "x": "' + b"x" * (40 * MIB) + b'"}',
}


@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
def test_a_few_kilobytes_do_not_become_gigabytes(body: bytes) -> None:
    compressed = packed(body)
    tracemalloc.start()
    try:
        with raw_server(compressed) as url, pytest.raises(ProtocolError, match="is larger than 4 MiB") as raised:
            client_of(url, 10).status(JOB)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert raised.value.retryable  # a gateway's, in the middle of a wait
    assert peak < 40 * MIB


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"OK": 1, "x": [' + b"[]," * (8 * MIB) + b"[]]}", "holds more than 500000 lists"),
        (b'{"OK": 1, "x": [' + b"0," * (8 * MIB) + b"0]}", "4000000 values"),
        (b'{"OK": 1}' + b" " * (65 * MIB), "is larger than 64 MiB"),
    ],
    ids=["lists", "values", "bytes"],
)
def test_a_result_that_is_too_large_is_an_error_of_its_own(body: bytes, problem: str) -> None:
    with raw_server(packed(body)) as url, pytest.raises(ResultTooLarge, match=problem) as raised:
        client_of(url, 10).light_curve(JOB)

    assert not raised.value.retryable
    assert not raised.value.refusal
    assert "download it" in str(raised.value)


def test_a_result_that_is_too_large_is_asked_for_once_and_the_others_are_still_asked() -> None:
    products = (Product.LightCurve, Product.StandardPos)
    with Emulator(users=(USER,), scenario=Scenario({"all": QUICK}), seconds_per_poll=0) as emulator:
        client = client_of(emulator.url, 20)
        job = client.submit(request_for(*products))
        emulator.advance(60)
        emulator.faults.append(Fault("too_large", "light_curve", count=9))

        look = fetch(client, job, backoff_delays=[0.0, 0.0, 0.0])

        asked = [made.call for made in emulator.ledger.calls()]
    assert (asked.count("light_curve"), asked.count("standard_position")) == (1, 1)
    assert set(look.positions) == {Product.StandardPos}
    assert "larger than 64 MiB" in look.problems[Product.LightCurve]


def test_a_large_result_is_read() -> None:
    row = [str(number / 7) for number in range(5)]
    data = {"columns": ["Time", "TimePos", "TimeNeg", "Rate", "RatePos"], "data": [row] * 200_000}
    with raw_server(answer_of(Datasets=["PC"], PCData=data)) as url:
        assert len(client_of(url, 60).light_curve(JOB)) == 200_000


def test_long_texts_are_cut() -> None:
    long = "x" * MIB
    entry = {"statusCode": 3, "statusText": long, "progress": {"GotProgress": 1, "PreProgress": long}}
    pars = {"name": long, "image": 1, "useimobs": "00966554000," * 2000}
    with raw_server(
        answer_of(lc=entry),
        answer_of(status={"lc": long}, statusCodes={"lc": 0}),
        answer_of(jobs=[{"JobID": 1, "Name": long}]),
        answer_of(URL="http://127.0.0.1/USERPROD_951", jobPars=pars),
        answer_of(OK=0, ERROR=long, listErr=[{"label": "a", "list": ["b"] * 1000}]),
    ) as url:
        client = client_of(url, 5)
        status = client.status(JOB)[Product.LightCurve]
        cancelled = client.cancel(JOB)
        (old,) = client.jobs()
        job = client.attach(951)
        with pytest.raises(ServiceError) as raised:
            client.count_active_jobs()

    texts = [status.status_text, status.progress["PreProgress"], cancelled.texts[Product.LightCurve], old.name]
    assert {len(text) for text in [*texts, job.name, raised.value.errors[0]]} == {1000}
    assert len(job.parameters["useimobs"]) == 24_000
    assert raised.value.errors[-1] == "... and 951 more"


def test_an_address_of_a_megabyte_is_none() -> None:
    said = answer_of(URL="http://127.0.0.1/" + "x" * MIB, jobPars={"name": "a", "image": 1})

    with raw_server(said) as url, pytest.raises(ProtocolError, match="lacks a usable oldJob, URL"):
        client_of(url, 5).attach(951)


@pytest.mark.parametrize("kind", ["list", "object", "both"])
def test_what_is_nested_too_deeply_is_left_out_and_can_be_stored(kind: str) -> None:
    opening, closing = {"list": ("[", "]"), "object": ('{"a": ', "}"), "both": ('{"a": [', "]}")}[kind]
    deep = opening * 300 + "1" + closing * 300
    said = f'{{"OK": 1, "URL": "http://127.0.0.1/x", "jobPars": {{"name": "a", "image": 1, "RA": {deep}}}}}'

    with raw_server(http(said.encode())) as url:
        job = client_of(url).attach(951)

    assert '"RA"' in job.model_dump_json()


@pytest.mark.parametrize("cut", [10, -4])
def test_a_compressed_answer_that_ends_too_early_may_pass(cut: int) -> None:
    with (
        raw_server(http(gzip.compress(b'{"OK": 1, "numJobs": 2}')[:cut], "200 OK", "Content-Encoding: gzip")) as url,
        pytest.raises(TransportError, match="broke off") as raised,
    ):
        client_of(url).count_active_jobs()

    assert raised.value.retryable


def test_what_only_says_that_it_is_compressed_may_pass() -> None:
    with (
        raw_server(http(b'{"OK": 1}', "200 OK", "Content-Encoding: gzip")) as url,
        pytest.raises(TransportError, match="is compressed and cannot be unpacked") as raised,
    ):
        client_of(url).count_active_jobs()

    assert raised.value.retryable


# --- subject ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def finished() -> Any:
    """Serve a job with all products, complete; yield the emulator, its client and the job."""
    with Emulator(users=(USER,), scenario=Scenario({"all": QUICK}), seconds_per_poll=0) as emulator:
        client = client_of(emulator.url, 20)
        job = client.submit(request_for(*Product))
        emulator.advance(600)
        yield emulator, client, job


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_about_another_job_is_no_answer(finished: Any, name: str) -> None:
    emulator, client, job = finished
    emulator.faults.append(Fault("other_job", "old_job" if name == "attach" else name))

    with pytest.raises(ProtocolError, match="the answer is about another job") as raised:
        call(client, name, job)

    assert raised.value.retryable
    assert call(client, name, job) is not None


@pytest.mark.parametrize("number", [950, "950", "0950", 9510, -951, "951x", [951], {"JobID": 951}, True, 951.5, ""])
@pytest.mark.parametrize("ok", [0, 1])
def test_every_number_that_an_answer_repeats_is_compared(number: object, ok: int) -> None:
    with raw_server(answer_of(OK=ok, ERROR="no", JobID=number)) as url:
        client = client_of(url)
        for ask in (client.status, client.cancel, client.standard_position):
            with pytest.raises(ProtocolError, match="another job"):
                ask(JOB)


@pytest.mark.parametrize("number", [951, "951", " 951\n", "0951", 951.0, None])
def test_the_right_number_in_any_form_and_none_at_all_are_right(number: object) -> None:
    entry = {"statusCode": 3, "statusText": "Running", "progress": {}}
    with raw_server(answer_of(JobID=number, lc=entry), answer_of(lc=entry)) as url:
        codes = [client_of(url).status(JOB)[Product.LightCurve].status_code for _ in range(2)]

    assert codes == [3, 3]


@pytest.mark.parametrize("number", [951, "951", None])
def test_an_old_job_may_leave_its_number_out(number: object) -> None:
    said = answer_of(oldJob=number, URL="http://127.0.0.1/x", jobPars={"name": "a", "image": 1})

    with raw_server(said) as url:
        assert client_of(url).attach(951).job_id == 951


# --- what kind of no it is -------------------------------------------------------------------------------------------

COUNT: Callable[[Client], object] = Client.count_active_jobs


@pytest.mark.parametrize(
    ("answer", "refusal", "retryable"),
    [
        (http(b"", "400 Bad Request"), True, False),
        (http(b"", "401 Unauthorized"), True, False),
        (http(b"", "403 Forbidden"), True, False),
        (http(b"", "404 Not Found"), False, True),
        (http(b"", "429 Too Many Requests"), False, True),
        (http(b"", "503 Busy"), False, True),
        (http(b"[]"), True, False),
        (http(b'"OK"'), True, False),
        (http(b"null"), True, False),
        (http(b'{"APIVersion": 1}'), True, False),
        (http(b'{"OK": 0}'), True, False),
        (http(b"<html>"), False, True),
        (b"", False, True),
    ],
)
def test_a_no_differs_from_no_answer(answer: bytes, refusal: bool, retryable: bool) -> None:
    with raw_server(answer) as url, pytest.raises((TransportError, ProtocolError, ServiceError)) as raised:
        client_of(url).count_active_jobs()

    assert (raised.value.refusal, raised.value.retryable) == (refusal, retryable)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, False),
        ({"ERROR": "You have 5 active jobs"}, False),
        ({"listErr": []}, False),
        ({"listErr": {}}, False),
        ({"listErr": None}, False),
        ({"listErr": [{"label": "Problems:", "list": ["no targ"]}]}, True),
        ({"listErr": {"1": {"label": "Problems:", "list": {"2": "no targ"}}}}, True),
    ],
)
def test_a_refusal_tells_whether_it_names_parameters(said: dict[str, object], named: bool) -> None:
    with raw_server(answer_of(OK=0, **said)) as url, pytest.raises(ServiceError) as raised:
        client_of(url).submit(request_for(Product.Image))

    assert raised.value.names_parameters == named


def test_a_list_of_jobs_says_how_many_it_could_not_read() -> None:
    entries = [{"JobID": 3, "Name": "a"}, None, {"Name": "b"}, {"JobID": "5"}]
    with raw_server(answer_of(jobs=entries)) as url:
        jobs = client_of(url).jobs()

    assert ([job.job_id for job in jobs], jobs.unreadable) == ([5, 3], 2)

"""Faults: what the caller sees, what the service did, what the ledger records."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from xrt_support import QUICK, USER, request_for

from ukssdc import Client, DownloadError, Job, Product, ProtocolError, ServiceError, TransportError, UKSSDCError
from ukssdc.emulator import Emulator, Fault, Faults, Scenario
from ukssdc.emulator.faults.fault import KINDS
from ukssdc.emulator.faults.handlers import HANDLERS

LC, IMAGE = Product.LightCurve, Product.Image
SHORT, LONG = 1.5, 5.0  # s: the client's timeout, and a fault that outlasts it
FOR_EVER = 3600.0  # s; a test that waited for it would be seen


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(scenario=Scenario({"all": QUICK}), seconds_per_poll=0) as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    return Client(USER, emulator.url, timeout=(SHORT, SHORT))


def submit(client: Client) -> Job:
    return client.submit(request_for(LC, IMAGE))


def complete_job(emulator: Emulator, client: Client) -> Job:
    job = submit(client)
    emulator.advance(60)
    return job


def get(emulator: Emulator, **options: Any) -> requests.Response:
    """Fetch the light curve's archive without the client's own care."""
    url = f"{emulator.url}/tprods/USERPROD_951/lc.tar.gz"
    return requests.get(url, timeout=5, headers={"Accept-Encoding": "identity"}, **options)


@pytest.mark.parametrize(
    ("fault", "error", "jobs"),
    [
        (Fault("refuse"), TransportError, 0),
        (Fault("reset_before"), TransportError, 0),
        (Fault("reset_after"), TransportError, 1),
        (Fault("stall", seconds=LONG), TransportError, 0),
        (Fault("stall_after", seconds=LONG), TransportError, 1),
        (Fault("slow", seconds=LONG), TransportError, 1),
        (Fault("restart"), TransportError, 0),
        (Fault("restart", after=True), TransportError, 1),
        (Fault("http_500"), TransportError, 0),
        (Fault("http_500", after=True), TransportError, 1),
        (Fault("http_502"), TransportError, 0),
        (Fault("http_502", after=True), TransportError, 1),
        *((Fault(f"http_{status}"), TransportError, 0) for status in (400, 401, 403, 429, 503)),
        (Fault("endless_headers", seconds=LONG), TransportError, 0),
        *((Fault(kind), ProtocolError, 1) for kind in ("json_list", "json_string", "json_null", "no_ok", "too_large")),
        (Fault("html_200"), ProtocolError, 0),
        (Fault("html_200", after=True), ProtocolError, 1),
        (Fault("truncated_json"), TransportError, 1),
        (Fault("invalid_json"), ProtocolError, 1),
        (Fault("not_ok"), ServiceError, 0),
    ],
    ids=lambda value: f"{value.kind}{'_effective' * value.after}" if isinstance(value, Fault) else None,
)
def test_a_submission_fails_with_or_without_a_job(
    emulator: Emulator, client: Client, fault: Fault, error: type[UKSSDCError], jobs: int
) -> None:
    emulator.faults.append(fault)

    with pytest.raises(error):
        submit(client)

    assert len(emulator.jobs) == jobs
    assert [(c.call, c.fault) for c in emulator.ledger] == [("submit", fault.kind)]
    assert emulator.ledger[0].job_id == (951 if jobs else None)
    assert emulator.ledger[0].products == (LC, IMAGE)


@pytest.mark.parametrize(("kind", "reset"), [("refuse", False), ("reset_before", True), ("restart", True)])
def test_a_connection_is_closed_or_reset(emulator: Emulator, kind: str, reset: bool) -> None:
    emulator.faults.append(Fault(kind))

    with pytest.raises(requests.ConnectionError) as caught:
        get(emulator)

    assert ("ConnectionResetError" in repr(caught.value)) == reset


def test_after_a_fault_the_next_call_goes_well(emulator: Emulator, client: Client) -> None:
    emulator.faults.append(Fault("reset_after", "submit"))
    with pytest.raises(TransportError):
        submit(client)

    assert submit(client).job_id == 952
    assert [c.fault for c in emulator.ledger] == ["reset_after", ""]


def test_a_lost_answer_does_not_undo_a_cancellation(emulator: Emulator, client: Client) -> None:
    job = submit(client)
    emulator.faults.append(Fault("reset_after", "cancel"))

    with pytest.raises(TransportError):
        client.cancel(job)

    assert {p: status.status_code for p, status in client.status(job).items()} == {LC: -4, IMAGE: -4}


def test_a_long_timeout_gets_the_late_answer(emulator: Emulator) -> None:
    emulator.faults.append(Fault("stall_after", seconds=SHORT))
    client = Client(USER, emulator.url, timeout=(5, 5))

    job = submit(client)

    assert job.products == (LC, IMAGE)
    assert emulator.ledger.calls("submit")[-1].fault == "stall_after"


def test_a_slow_answer_is_whole_in_the_end(emulator: Emulator) -> None:
    emulator.faults.append(Fault("slow", seconds=SHORT))
    client = Client(USER, emulator.url, timeout=(5, 5))

    job = submit(client)

    assert job.products == (LC, IMAGE)
    assert emulator.ledger.calls("submit")[-1].fault == "slow"


def test_a_stall_ends_with_the_connection_closed(emulator: Emulator) -> None:
    emulator.faults.append(Fault("stall", seconds=SHORT))

    with pytest.raises(requests.ConnectionError, match="without response"):
        get(emulator)


def test_a_restart_ends_the_connections_of_others(emulator: Emulator, client: Client) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as other:
        other.sendall(b"HEAD / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert other.recv(65536).startswith(b"HTTP/1.1 404")
        emulator.faults.append(Fault("restart", "submit"))
        with pytest.raises(TransportError):
            submit(client)

        with pytest.raises(ConnectionResetError):
            other.recv(1)


def test_a_restart_keeps_the_jobs(emulator: Emulator, client: Client) -> None:
    job = submit(client)
    emulator.faults.append(Fault("restart", "status"))
    with pytest.raises(TransportError):
        client.status(job)

    assert client.status(job)[LC].status_code == 3


def test_a_forgetful_restart_loses_the_jobs(emulator: Emulator, client: Client) -> None:
    job = submit(client)
    emulator.faults.append(Fault("restart_forgetful", "status"))

    with pytest.raises(ServiceError, match="does not exist"):
        client.status(job)

    assert len(emulator.jobs) == 0


def test_a_stalled_call_does_not_hold_up_the_end() -> None:
    with Emulator(faults=[Fault("stall", seconds=FOR_EVER)]) as emulator, pytest.raises(requests.Timeout):
        requests.get(emulator.url, timeout=SHORT)

    with pytest.raises(requests.ConnectionError):
        requests.get(emulator.url, timeout=SHORT)


def outcomes(client: Client, calls: int) -> str:
    """Return one letter per call: "." went well, "x" did not."""
    said = ""
    for _ in range(calls):
        try:
            client.count_active_jobs()
        except UKSSDCError:
            said += "x"
        else:
            said += "."
    return said


def test_the_nth_and_following_calls_go_wrong(emulator: Emulator, client: Client) -> None:
    client.jobs()  # another kind of call does not count
    emulator.faults.append(Fault("http_500", "active_jobs", nth=2, count=3))

    assert outcomes(client, 6) == ".xxx.."


def test_calls_before_a_fault_was_given_do_not_count(emulator: Emulator, client: Client) -> None:
    outcomes(client, 3)
    emulator.faults.append(Fault("http_500", nth=2))

    assert outcomes(client, 3) == ".x."


def test_a_rate_is_met_and_repeatable() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults([Fault("http_500", rate=0.3, seed=seed)])
        return [faults.due("status", ()) is not None for _ in range(1000)]

    first = run(1)

    assert 250 <= sum(first) <= 350
    assert run(1) == first
    assert run(2) != first


def test_two_faults_of_the_same_rate_are_independent() -> None:
    faults = Faults([Fault("refuse", rate=0.5), Fault("refuse", rate=0.5)])

    happened = sum(faults.due("status", ()) is not None for _ in range(1000))

    assert 700 <= happened <= 800  # three in four; one in two, were they the same


def test_a_rate_can_be_limited(emulator: Emulator, client: Client) -> None:
    emulator.faults.append(Fault("http_500", rate=1.0, nth=2, count=2))

    assert outcomes(client, 5) == ".xx.."


def test_cleared_faults_do_not_happen(emulator: Emulator, client: Client) -> None:
    emulator.faults.append(Fault("http_500", count=100))
    assert outcomes(client, 1) == "x"

    emulator.faults.clear()

    assert outcomes(client, 2) == ".."


def test_a_fault_for_one_product_leaves_the_others_alone(emulator: Emulator, client: Client, tmp_path: Path) -> None:
    job = complete_job(emulator, client)
    emulator.faults.append(Fault("archive_404", product="Image"))

    assert client.download(job, LC, tmp_path).path.exists()
    with pytest.raises(DownloadError):
        client.download(job, IMAGE, tmp_path)


def test_every_kind_has_a_handler() -> None:
    assert set(HANDLERS) == set(KINDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "earthquake"}, "unknown kind of fault 'earthquake'; there are refuse"),
        ({"kind": "refuse", "call": "sumbit"}, "unknown call 'sumbit'; there are"),
        ({"kind": "archive_404", "call": "submit"}, "archive_404 cannot happen to submit, only to download"),
        ({"kind": "invalid_json", "call": "download"}, "invalid_json cannot happen to download"),
        ({"kind": "other_job", "call": "submit"}, "other_job cannot happen to submit"),
        ({"kind": "refuse", "nth": 0}, "nth is a number of calls, 1 or more, not 0"),
        ({"kind": "refuse", "count": 1.5}, "count is a number of calls, 1 or more, not 1.5"),
        ({"kind": "refuse", "rate": 1.1}, "rate is a probability from 0 to 1, not 1.1"),
        ({"kind": "stall", "seconds": -1}, "seconds is a time, 0 or more, not -1"),
        ({"kind": "stall", "after": True}, "after is only for restart, http_500, http_502, html_200, not for stall"),
        ({"kind": "refuse", "product": "Radio"}, "no such product: Radio"),
    ],
)
def test_an_invalid_fault_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**arguments)

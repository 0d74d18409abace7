"""Whatever comes back from a call, or does not, is an error of the one tree that says what, why and what next."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from raw_server import http, raw_server
from xrt_support import USER, request_for

from ukssdc import Client, Job, Product, ProtocolError, ServiceError, TransportError, UKSSDCError
from ukssdc.emulator import Emulator
from ukssdc.lookup import find_submitted

EMAIL = "Observer@Example.org"
JOB = Job(job_id=951, url="http://127.0.0.1/USERPROD_951", name="GRB 200416A", products=(Product.LightCurve,))


def client_of(url: str) -> Client:
    return Client(EMAIL, url, timeout=(0.5, 0.5))


def answer_of(**content: object) -> bytes:
    return http(json.dumps({"APIVersion": 1.12, **content}).encode())


def test_a_service_that_refuses_connections_is_unreachable_and_nothing_was_sent() -> None:
    with raw_server(b"") as url:
        pass

    with pytest.raises(
        TransportError, match=r"count the active jobs.*refused the connection.*again in a minute"
    ) as raised:
        client_of(url).count_active_jobs()

    assert raised.value.retryable
    assert not raised.value.sent


def test_a_name_that_does_not_resolve_is_said() -> None:
    with pytest.raises(TransportError, match="name could not be resolved") as raised:
        client_of("http://no-such-host.invalid/user_objects").count_active_jobs()

    assert not raised.value.sent


def test_a_stalled_service_does_not_hold_us() -> None:
    with raw_server(None) as url, pytest.raises(TransportError, match="no answer within the time-out") as raised:
        client_of(url).count_active_jobs()

    assert raised.value.retryable
    assert raised.value.sent


def test_a_trickling_answer_does_not_hold_us() -> None:
    slow = [http(b"", length=1000)] + [b"x"] * 100

    with raw_server(slow) as url, pytest.raises(TransportError, match="time-out"):
        client_of(url).count_active_jobs()


@pytest.mark.parametrize("status", ["500 Internal Server Error", "502 Bad Gateway", "503 Busy", "404 Not Found"])
def test_a_gateways_error_may_pass(status: str) -> None:
    page = http(b"<html>error</html>", status)

    with raw_server(page) as url, pytest.raises(TransportError, match=status[:3]) as raised:
        client_of(url).count_active_jobs()

    assert raised.value.retryable
    assert raised.value.status_code == int(status[:3])


def test_a_bad_request_will_not_pass() -> None:
    with raw_server(http(b"", "400 Bad Request")) as url, pytest.raises(TransportError, match="400") as raised:
        client_of(url).count_active_jobs()

    assert not raised.value.retryable


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"])
@pytest.mark.parametrize("where", [b"http://127.0.0.2/", b"http://[bad", b"http://\xff\xfe/", b""])
def test_a_redirect_of_a_call_is_not_followed_and_may_pass(status: str, where: bytes) -> None:
    away = http(b"", status, "Location: (here)").replace(b"(here)", where)

    with raw_server(away) as url, pytest.raises(TransportError, match=status) as raised:
        client_of(url).count_active_jobs()

    assert raised.value.retryable
    assert raised.value.sent


def test_a_connection_that_breaks_off_before_the_answer_may_have_been_heard() -> None:
    with raw_server(b"") as url, pytest.raises(TransportError, match="broke off") as raised:
        client_of(url).count_active_jobs()

    assert raised.value.sent


def test_an_answer_that_breaks_off_is_one_error() -> None:
    with raw_server(http(b'{"OK": 1', length=500)) as url, pytest.raises(TransportError, match="broke off"):
        client_of(url).count_active_jobs()


def test_html_where_json_belongs_is_shown() -> None:
    page = http(b"<html><title>Down for maintenance</title></html>")

    with raw_server(page) as url, pytest.raises(ProtocolError, match=r"an HTML page.*Down for maintenance") as raised:
        client_of(url).count_active_jobs()

    assert raised.value.retryable


@pytest.mark.parametrize("body", [b"", b'{"OK": 1,', b"\xff\xfe", b"OK", b"[" * 100_000])
def test_what_is_no_json_is_shown(body: bytes) -> None:
    with raw_server(http(body)) as url, pytest.raises(ProtocolError, match="where JSON belongs"):
        client_of(url).count_active_jobs()


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"OK"', b'{"APIVersion": 1}'])
def test_json_without_ok_is_not_understood(body: bytes) -> None:
    with raw_server(http(body)) as url, pytest.raises(ProtocolError, match="has no OK in it"):
        client_of(url).count_active_jobs()


def test_a_refusal_lists_everything_that_the_service_said() -> None:
    said = answer_of(OK=0, ERROR="Bad request", listErr=[{"label": "Problems:", "list": ["no name", "no targ"]}])

    with raw_server(said) as url, pytest.raises(ServiceError) as raised:
        client_of(url).count_active_jobs()

    assert raised.value.errors == ("Bad request", "Problems: no name", "Problems: no targ")
    assert not raised.value.retryable


@pytest.mark.parametrize("said", [{}, {"ERROR": None}, {"listErr": "x"}, {"listErr": [None, {"list": "text"}]}])
def test_a_refusal_without_a_readable_reason_is_still_a_refusal(said: dict[str, object]) -> None:
    with raw_server(answer_of(OK=0, **said)) as url, pytest.raises(ServiceError):
        client_of(url).count_active_jobs()


@pytest.mark.parametrize("body", [{"OK": 0, "ERROR": "User {} is unknown"}, {"APIVersion": "{}"}])
def test_the_address_stays_out_of_every_message(body: dict[str, object]) -> None:
    said = http(json.dumps(body).replace("{}", EMAIL.lower()).encode())

    with raw_server(said) as url, pytest.raises(UKSSDCError) as raised:
        client_of(url).count_active_jobs()

    assert EMAIL.lower() not in str(raised.value).lower()


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("observer@example.org", r'{"OK": 0, "ERROR": "user OBSERVER\u0040Example.org"}'),
        ("observer@example.org", '{"OK": 0, "ERROR": "see ?user=observer%40example%2Eorg"}'),
        ("observer@example.org", '{"OK": 0, "listErr": [{"label": "observer&#64;example.org", "list": ["a"]}]}'),
        ("observer@example.org", '{"OK": 0, "ERROR": "observer&#x40;example.org, observer&commat;example&period;org"}'),
        ("observer@example.org", r'{"OK": 1, "observer\u0040example.org": {"Name": ["observer\u0040example.org"]}}'),
        ("observer@example.org", r'{"OK": 0, "ERROR": "observer\u0040example.org'),
        ("observer@example.org", "<html>observer%40example.org, observer&#064;example.org"),
        ("observer@example.org", "x" * 190 + "observer&#64;example.org"),
        ("jürgen/x@example.org", r'{"OK": 0, "ERROR": "j\u00fcrgen\/x@example.org"}'),
        ("jürgen/x@example.org", '{"OK": 0, "ERROR": "see ?user=J%c3%9CRGEN%2fx%40example.org"}'),
        ("jürgen/x@example.org", '{"OK": 0, "ERROR": "j&uuml;rgen&#x2f;x@example.org, j&#252;rgen/x@example.org"}'),
        ("jürgen/x@example.org", r'{"OK": 0, "ERROR": "j\u00fcrgen\/x@example.org'),
    ],
)
def test_the_address_stays_out_of_every_message_however_it_is_written(email: str, said: str) -> None:
    with raw_server(http(said.encode())) as url, pytest.raises(UKSSDCError) as raised:
        Client(email, url, timeout=(0.5, 0.5)).count_active_jobs()

    message = str(raised.value).lower()
    assert [part for part in ("observer", "rgen", "example", "org") if part in message] == []


def test_the_address_stays_out_of_messages_in_another_encoding() -> None:
    page = http("<html>jürgen@example.org".encode("latin-1"))

    with raw_server(page) as url, pytest.raises(ProtocolError, match="it begins with '<html><your account>'"):
        Client("jürgen@example.org", url, timeout=(0.5, 0.5)).count_active_jobs()


def test_the_address_stays_out_of_an_http_errors_reason() -> None:
    with (
        raw_server(http(b"", f"403 Not {EMAIL}")) as url,
        pytest.raises(TransportError, match="403 Not <your account>"),
    ):
        client_of(url).count_active_jobs()


@pytest.mark.parametrize("email", [f"{USER}\n", f"  {USER} \t"])
def test_blanks_around_the_address_are_no_part_of_it(monkeypatch: pytest.MonkeyPatch, email: str) -> None:
    with Emulator(users=(USER,)) as emulator:
        monkeypatch.setenv("UKSSDC_USER", email)
        monkeypatch.setenv("UKSSDC_URL", emulator.url)
        client = Client.from_environment()

        job = client.submit(request_for(Product.Image))

        assert [old.job_id for old in client.jobs()] == [job.job_id]


@pytest.mark.parametrize("email", [f"{USER}\n", f"{USER} "])
def test_an_address_that_the_service_trims_stays_out_of_messages(email: str) -> None:
    with (
        raw_server(answer_of(OK=0, ERROR=f"The user {USER} is not registered")) as url,
        pytest.raises(ServiceError, match="The user <your account> is not registered"),
    ):
        Client(email, url).count_active_jobs()


@pytest.mark.parametrize("call", [Client.status, Client.cancel])
@pytest.mark.parametrize("products", [[], (), set()])
def test_no_product_at_all_is_refused_before_anything_is_sent(
    call: Callable[[Client, Job, object], object], products: object
) -> None:
    with Emulator(users=(USER,)) as emulator:
        client = Client(USER, emulator.url)
        job = client.submit(request_for(Product.LightCurve, Product.Image))

        with pytest.raises(ValueError, match='"all", or a list with at least one of LightCurve, Image'):
            call(client, job, products)

        assert [made.call for made in emulator.ledger.calls()] == ["submit"]


@pytest.mark.parametrize(("sent", "echoed"), [(" GRB 1 ", "GRB 1"), ("GRB 1", " GRB 1\t"), ("GRB 1\n", "GRB 1\n")])
def test_blanks_around_a_name_are_no_part_of_it(sent: str, echoed: str) -> None:
    request = request_for(Product.Image, name=sent)
    old = answer_of(OK=1, jobs=[{"JobID": 951, "Name": echoed, "Image": True}])
    job = answer_of(OK=1, URL="http://127.0.0.1/USERPROD_951", jobPars={"name": echoed, "image": 1})

    with raw_server(old, job) as url:
        found = find_submitted(client_of(url), request, datetime.now(UTC))

    assert request.to_wire(EMAIL)["name"] == "GRB 1"
    assert [(made.job_id, made.name) for made in found] == [(951, "GRB 1")]


def test_half_a_character_in_an_answer_can_be_stored() -> None:
    said = http(
        rb'{"OK": 1, "lc": {"statusCode": 3, "statusText": "Running \ud83d \ud83d\ude80", "progress": {"\udc00": 1}}}'
    )

    with raw_server(said) as url:
        status = client_of(url).status(JOB)[Product.LightCurve]

    assert status.status_text == "Running \N{REPLACEMENT CHARACTER} \N{ROCKET}"
    assert "\N{REPLACEMENT CHARACTER}" in status.model_dump_json()


def test_half_a_character_in_a_refusal_can_be_shown() -> None:
    with raw_server(http(rb'{"OK": 0, "ERROR": "no \ud83d"}')) as url, pytest.raises(ServiceError) as raised:
        client_of(url).count_active_jobs()

    assert str(raised.value).encode().endswith("no \N{REPLACEMENT CHARACTER}".encode())


@pytest.mark.filterwarnings("error")
def test_a_deprecation_warning_of_the_service_is_logged_once_and_costs_no_job(caplog: pytest.LogCaptureFixture) -> None:
    said = answer_of(
        OK=1,
        JobID="951",
        URL="http://127.0.0.1/USERPROD_951",
        jobPars={"name": "GRB 200416A", "image": 1},
        deprecationWarning={"type": "x", "message": "version 1.12 ends soon"},
    )

    with raw_server(said) as url:
        jobs = [client_of(url).submit(request_for(Product.Image)) for _ in range(2)]

    assert [job.job_id for job in jobs] == [951, 951]
    assert caplog.messages.count("The UKSSDC service says: version 1.12 ends soon") == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("message", [["a"], {"a": 1}, 1])
def test_a_deprecation_warning_that_is_no_text_is_left_alone(message: object) -> None:
    with raw_server(answer_of(OK=1, numJobs="3", deprecationWarning={"message": message})) as url:
        assert client_of(url).count_active_jobs() == 3


@pytest.mark.parametrize("number", ["../951", "95/1", -1, 0, True, 1.5, None, "", 10**30, [951]])
def test_a_job_number_that_is_none_is_refused(number: object) -> None:
    with pytest.raises(ProtocolError, match="JobID"):
        Job.from_wire({"JobID": number, "URL": "http://x", "jobPars": {}}, id_key="JobID", at="http://x")


@pytest.mark.parametrize("parameters", [{}, {"name": "GRB 200416A"}, {"lc": "maybe", "spec": 0, "image": None}])
def test_a_job_without_a_product_is_refused(parameters: dict[str, object]) -> None:
    said = answer_of(OK=1, URL="http://127.0.0.1/USERPROD_951", jobPars=parameters)

    with raw_server(said) as url, pytest.raises(ProtocolError, match="holds no product in its jobPars; it begins with"):
        client_of(url).attach(951)


@pytest.mark.parametrize("email", ["", "nobody"])
def test_without_an_account_the_way_to_one_is_shown(email: str) -> None:
    with pytest.raises(UKSSDCError, match=r"register\.php.*UKSSDC_USER"):
        Client(email)


@pytest.mark.parametrize(
    "url",
    [
        *("", "swift.ac.uk", "ftp://swift.ac.uk", "http://", "http://[bad", "http://a b/", "http://*/"),
        *("http://127.0.0.1:0/", "http://127.0.0.1:-1/", "http://127.0.0.1:port/"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UKSSDCError, match="is no address of the service"):
        Client(EMAIL, url)


def test_a_port_that_is_none_is_refused_where_the_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UKSSDC_USER", EMAIL)
    monkeypatch.setenv("UKSSDC_URL", "http://127.0.0.1:99999/user_objects")

    with pytest.raises(UKSSDCError, match=r":99999/user_objects' is no address of the service \(Port out of range"):
        Client.from_environment()

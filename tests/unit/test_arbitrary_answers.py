"""Whatever JSON comes where an answer belongs: it is read, or it is an error of the one tree."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xrt_support import request_for

from ukssdc import Client, Job, Product, ProtocolError, ServiceError
from ukssdc.job import CancelReport
from ukssdc.status import JobStatus

EMAIL = "Observer@Example.org"
JOB = Job(job_id=951, url="http://127.0.0.1/USERPROD_951", name="GRB 200416A", products=(Product.LightCurve,))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["OK", "JobID", "URL", "jobPars", "status", "statusCodes", "lc"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
ANSWERS = JSON | st.fixed_dictionaries(
    {"OK": JSON | st.sampled_from([0, 1, 2, "1"])},
    optional={"JobID": JSON, "URL": JSON, "jobPars": JSON, "status": JSON, "statusCodes": JSON, "lc": JSON},
)


class Parrot:
    """A server that gives the same answer to whatever comes, until it is given another one."""

    def __init__(self) -> None:
        self.answer = b""
        parrot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", str(len(parrot.answer)))
                self.end_headers()
                self.wfile.write(parrot.answer)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/user_objects"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    running = Parrot()
    yield running
    running.stop()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=ANSWERS)
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.submit(request_for(Product.LightCurve)),
        lambda client: client.status(JOB),
        lambda client: client.cancel(JOB),
    ],
    ids=["submit", "status", "cancel"],
)
def test_any_json_in_place_of_an_answer_is_a_value_or_one_of_our_errors(
    parrot: Parrot, call: Callable[[Client], object], answer: object
) -> None:
    parrot.answer = json.dumps(answer).encode()

    try:
        value = call(Client(EMAIL, parrot.url))
    except ProtocolError:
        return
    except ServiceError:
        assert isinstance(answer, dict)
        assert str(answer["OK"]) in {"0", "False", "None"}
        return
    assert isinstance(value, (Job, JobStatus, CancelReport))


@given(answer=st.dictionaries(st.sampled_from(["JobID", "URL", "jobPars", "oldJob"]), JSON, max_size=4))
def test_any_submit_answer_gives_a_job_or_a_protocol_error(answer: dict[str, object]) -> None:
    try:
        job = Job.from_wire(answer, id_key="JobID", at="http://x")
    except ProtocolError:
        return
    assert job.job_id > 0


@given(answer=st.dictionaries(st.sampled_from(["status", "statusCodes"]), JSON, max_size=2))
def test_any_cancel_answer_gives_a_report(answer: dict[str, object]) -> None:
    report = CancelReport.from_wire(answer, 951, [Product.LightCurve])

    assert set(report.codes) == {Product.LightCurve}


@given(answer=st.dictionaries(st.sampled_from([p.wire for p in Product]), JSON, max_size=7))
def test_any_status_answer_gives_a_status_for_every_product_asked_for(answer: dict[str, object]) -> None:
    assert len(JobStatus.from_wire(answer, Product)) == len(Product)

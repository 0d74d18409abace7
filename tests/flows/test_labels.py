"""What a flow run says of its job, where Prefect's server is busy."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from raw_server import http, raw_server

from ukssdc import Job, Product
from xrt_products.tasks.flow_run import label_run

JOB = Job(job_id=951, url="https://service.invalid/951", name="GRB", products=(Product.LightCurve,))
NO_CSRF = http(b"{}", "404 Not Found")  # the client's first question is for a token
TAGGED, LABELLED = http(b"{}"), http(b"", "204 No Content")
BUSY, BROKEN = http(b"{}", "503 Service Unavailable"), http(b"{}", "500 Internal Server Error")


@pytest.mark.long  # Prefect's own pauses
def test_a_label_that_is_refused_because_another_write_got_in_between_is_sent_again_and_soon() -> None:
    # Six refusals are one more than Prefect's own client would put up with, in a minute.
    after = http(b"nothing was asked since")
    with raw_server(NO_CSRF, TAGGED, *[BUSY] * 6, LABELLED, after) as url, SyncPrefectClient(url) as client:
        label_run(client, FlowRun(flow_id=uuid4()), [JOB])
        answer = httpx.get(url).text

    assert answer == "nothing was asked since"


def test_a_label_that_is_refused_for_another_reason_is_not() -> None:
    with (
        raw_server(NO_CSRF, TAGGED, BROKEN, LABELLED) as url,
        SyncPrefectClient(url) as client,
        pytest.raises(httpx.HTTPStatusError, match="500"),
    ):
        label_run(client, FlowRun(flow_id=uuid4()), [JOB])

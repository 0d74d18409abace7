"""Answers made to do harm are refused, or made safe: addresses, job numbers, names, texts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from raw_server import http, raw_server
from xrt_support import USER, Serve, request_for

from ukssdc import Client, DownloadError, Product, ProtocolError
from ukssdc.emulator import Build
from ukssdc.record.record import JobRecord
from xrt_products import ProductsFailed, request_products

IMAGE = Product.Image
COMPLETE = {"OK": 1, "image": {"statusCode": 4, "statusText": "Complete", "progress": None}}
ELSEWHERE = {
    "another host": "http://127.0.0.2:8951/user_objects/tprods/USERPROD_951",
    "another port": "http://127.0.0.1:9/user_objects/tprods/USERPROD_951",
    "our name for another host": "http://127.0.0.1@evil.example.org/",
    "no port": "http://127.0.0.1:port/",
    "no host": "http://[",
}
NO_ADDRESSES = {
    "file": "file:///etc",
    "no scheme": "//127.0.0.1/user_objects",
    "FTP": "ftp://127.0.0.1/pub",
    "script": "javascript:alert(1)",
    "link": "http://127.0.0.1/)[x](javascript:alert(1)",
    "lines": "http://127.0.0.1/\n# title",
    "empty": "",
    "nothing": None,
    "list": ["http://127.0.0.1"],
}
CONTROL = {"right to left": "\u202egpj.exe"}
PATHS = CONTROL | {
    "climbing": "../../etc",
    "absolute": "/etc/passwd",
    "dots": "..",
    "long": "x" * 300,
    "long beyond ASCII": "é" * 300,
    "drive": "C:\\evil",
    "hidden": ".ssh",
}
TEXTS = CONTROL | {
    "bars": "a|b|c",
    "script": "<script>alert(1)</script>",
    "picture": "![x](https://evil.example.org/x.png) <img src=x>",
    "backticks": "`a` ```b",
    "template": "{request.name.__class__} {0} %s",
}


def answer(url: Any, job_id: Any = "951", **parameters: Any) -> bytes:
    """Return the answer to a submission, as it goes over the wire."""
    pars = {"name": "GRB 200416A", "image": 1, **parameters}
    return http(json.dumps({"OK": 1, "URL": url, "JobID": job_id, "jobPars": pars}).encode())


@contextmanager
def service(*answers: bytes) -> Iterator[Client]:
    """Serve these answers, one per call, and return a client."""
    with raw_server(*answers) as url:
        yield Client(USER, url, timeout=(1, 1))


def artifacts(job_id: int) -> list[Artifact]:
    """Return what stands in the Prefect UI for a job."""
    wanted = ArtifactFilter(key=ArtifactFilterKey(like_=f"%-{job_id}%"))
    with get_client(sync_client=True) as client:
        return [
            Artifact.model_validate(found)
            for found in client.request(
                "POST", "/artifacts/filter", json={"artifacts": wanted.model_dump(mode="json")}
            ).json()
        ]


def what_it_does(markdown: str) -> set[str]:
    """Return what a text makes in Markdown that is more than text: pictures, HTML, code, where links lead."""
    parsed = MarkdownIt("commonmark").enable("table").parse(markdown)
    flat = [t for token in parsed for t in (token, *(token.children or ()))]
    links = {str(t.attrs["href"]).split(":")[0] for t in flat if t.type == "link_open"}
    code = {t.content for t in flat if t.type == "code_inline"}
    return {t.type for t in flat} & {"html_inline", "html_block", "image"} | links | code


def bars_per_row(markdown: str) -> set[int]:
    """Return how many bars the rows of a page's tables have."""
    return {line.count("|") for line in markdown.splitlines() if line.startswith("|")}


@pytest.mark.parametrize("address", NO_ADDRESSES.values(), ids=NO_ADDRESSES)
def test_a_job_whose_address_is_none_is_refused(address: Any) -> None:
    with service(answer(address)) as client, pytest.raises(ProtocolError, match="lacks a usable JobID, URL"):
        client.submit(request_for(IMAGE))


@pytest.mark.parametrize("address", ELSEWHERE.values(), ids=ELSEWHERE)
def test_products_are_only_fetched_from_the_services_own_host(tmp_path: Path, address: str) -> None:
    with service(answer(address)) as client:
        job = client.submit(request_for(IMAGE))
        with pytest.raises(DownloadError, match="only from the service's own host") as raised:
            client.download(job, IMAGE, tmp_path)

    assert not raised.value.retryable
    assert {path.name for path in tmp_path.iterdir()} == {"job.json"}


def test_a_job_at_another_host_ends_as_a_failed_outcome(
    serve: Serve, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    count = http(json.dumps({"OK": 1, "numJobs": 0}).encode())
    with raw_server(count, answer(ELSEWHERE["another host"]), http(json.dumps(COMPLETE).encode())) as url:
        monkeypatch.setenv("UKSSDC_URL", url)
        with pytest.raises(ProductsFailed) as raised:
            request_products(request_for(IMAGE), **options)

    assert "only from the service's own host" in str(raised.value.report.outcomes[IMAGE])
    assert list(options["destination"].rglob("image*")) == []


@pytest.mark.parametrize(
    "job_id", ["../../etc", "951/../1", "/", "", "-1", "0", "9" * 400, 951.5, True, None, [951], {"a": 1}]
)
def test_a_job_number_that_is_none_is_refused(job_id: Any) -> None:
    with (
        service(answer("http://127.0.0.1/tprods/x", job_id)) as client,
        pytest.raises(ProtocolError, match="lacks a usable JobID"),
    ):
        client.submit(request_for(IMAGE))


@pytest.mark.parametrize("name", PATHS.values(), ids=PATHS)
def test_a_targets_name_stays_within_the_destination(
    serve: Serve, options: dict[str, Any], tmp_path: Path, name: str
) -> None:
    serve()
    before = set(tmp_path.parent.iterdir())

    report = request_products(request_for(IMAGE, name=name), **options)

    destination = options["destination"]
    assert report.ok
    assert report.directory.resolve().parent.parent == destination.resolve()
    assert report.files[IMAGE].resolve() == report.directory.resolve() / "image.tar.gz"
    assert set(tmp_path.parent.iterdir()) == before
    assert list(tmp_path.iterdir()) == [destination]
    folder = report.directory.parent.name
    assert folder.isprintable()
    assert not folder.startswith((".", "-", "~"))
    assert len(folder.encode()) <= 100
    record = JobRecord.load(report.directory)
    assert record is not None
    assert record.name == name


@pytest.mark.parametrize("name", TEXTS.values(), ids=TEXTS)
def test_a_targets_name_does_nothing_in_the_prefect_ui(serve: Serve, options: dict[str, Any], name: str) -> None:
    builds = {IMAGE: Build(ends=-3, text=name), Product.StandardPos: Build(ends=-1, text=f"{name}\n```\n{name}")}
    emulator = serve(builds, first_job_id=70_000 + list(TEXTS.values()).index(name))

    with pytest.raises(ProductsFailed) as raised:
        request_products(request_for(IMAGE, Product.StandardPos, name=name), **options)

    (job_id,) = emulator.jobs
    shown, folder = artifacts(job_id), str(raised.value.report.directory)
    pages = [a for a in shown if a.type == "markdown"]
    assert {(a.key or "").split("-")[0] for a in shown} >= {"failure", "products"}
    assert set().union(*(what_it_does(a.description or "") for a in shown)) <= {"http"}
    assert set().union(*(what_it_does(str(a.data)) for a in pages)) <= {"http", "mailto", folder}
    failures = [str(a.data) for a in pages if (a.key or "").startswith("failure")]
    assert [bars_per_row(page) for page in failures] == [{3}, {3}]

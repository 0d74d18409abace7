"""Faults in status answers and archives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.exceptions import ProtocolError
from xrt_support import QUICK, USER, request_for

from ukssdc import Client, DownloadError, Job, Product
from ukssdc.emulator import Emulator, Fault, Scenario
from ukssdc.emulator.faults.fault import KINDS

LC, IMAGE = Product.LightCurve, Product.Image


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(scenario=Scenario({"all": QUICK}), seconds_per_poll=0) as running:
        yield running


@pytest.fixture
def client(emulator: Emulator) -> Client:
    return Client(USER, emulator.url, timeout=(5, 5))


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


@pytest.mark.parametrize("product", [None, "lc"])
def test_a_status_answer_lacks_products(emulator: Emulator, client: Client, product: str | None) -> None:
    job = submit(client)
    emulator.faults.append(Fault("status_missing", product=product))

    status = client.status(job)

    assert {p: s.status_code for p, s in status.items()} == {LC: -10, IMAGE: 3 if product else -10}


@pytest.mark.parametrize(("seconds", "codes"), [(0, [2, 3]), (60, [3, 4])])
def test_a_status_goes_backwards_for_one_poll(
    emulator: Emulator, client: Client, seconds: float, codes: list[int]
) -> None:
    job = submit(client)
    emulator.advance(seconds)
    emulator.faults.append(Fault("status_backwards"))

    assert [client.status(job)[LC].status_code for _ in range(2)] == codes


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("archive_")])
def test_no_corrupt_archive_keeps_its_name(emulator: Emulator, client: Client, kind: str, tmp_path: Path) -> None:
    job = complete_job(emulator, client)
    emulator.faults.append(Fault(kind, product=LC))

    with pytest.raises(DownloadError):
        client.download(job, LC, tmp_path)

    assert not (tmp_path / "lc.tar.gz").exists()
    (call,) = emulator.ledger.calls("download", job_id=951, product=LC)
    assert call.fault == kind


@pytest.mark.parametrize("form", ["tar.gz", "tar", "zip"])
def test_a_corrupt_archive_is_corrupt_in_every_format(
    emulator: Emulator, client: Client, form: Any, tmp_path: Path
) -> None:
    job = complete_job(emulator, client)
    emulator.faults.append(Fault("archive_corrupt"))

    with pytest.raises(DownloadError, match="is corrupt"):
        client.download(job, LC, tmp_path, format=form)


def test_a_corrupt_archive_has_the_right_length(emulator: Emulator, client: Client) -> None:
    complete_job(emulator, client)
    emulator.faults.append(Fault("archive_corrupt"))

    corrupt, good = get(emulator), get(emulator)

    assert len(corrupt.content) == len(good.content)
    assert corrupt.headers["ETag"] == good.headers["ETag"]
    assert corrupt.content != good.content


def test_a_short_archive_has_the_length_that_it_says(emulator: Emulator, client: Client) -> None:
    complete_job(emulator, client)
    emulator.faults.append(Fault("archive_short"))

    corrupt, good = get(emulator), get(emulator)

    assert corrupt.headers["Content-Length"] == str(len(corrupt.content))
    assert corrupt.content == good.content[: len(good.content) // 2]


@pytest.mark.parametrize(
    ("kind", "too_long", "share"), [("archive_truncated", 0, 0.5), ("archive_wrong_length", 1000, 1.0)]
)
def test_an_archive_breaks_off(emulator: Emulator, client: Client, kind: str, too_long: int, share: float) -> None:
    complete_job(emulator, client)
    whole = get(emulator).content
    emulator.faults.append(Fault(kind))

    answer = get(emulator, stream=True)
    came = answer.raw.read(int(len(whole) * share))

    assert int(answer.headers["Content-Length"]) == len(whole) + too_long
    assert came == whole[: len(came)]
    with pytest.raises(ProtocolError, match="IncompleteRead"):
        answer.raw.read()


def test_a_truncated_archive_can_be_resumed(emulator: Emulator, client: Client, tmp_path: Path) -> None:
    job = complete_job(emulator, client)
    emulator.faults.append(Fault("archive_truncated"))
    with pytest.raises(DownloadError):
        client.download(job, LC, tmp_path)

    file = client.download(job, LC, tmp_path)

    assert file.sha256 == hashlib.sha256(get(emulator).content).hexdigest()
    assert [c.http_status for c in emulator.ledger.calls("download")[:2]] == [200, 206]


@pytest.mark.parametrize(
    ("kind", "status", "start"), [("archive_404", 404, b"<!DOCTYPE"), ("archive_html", 200, b"<!DOCTYPE")]
)
def test_a_page_comes_for_an_archive(emulator: Emulator, client: Client, kind: str, status: int, start: bytes) -> None:
    complete_job(emulator, client)
    emulator.faults.append(Fault(kind))

    answer = get(emulator)

    assert answer.status_code == status
    assert answer.content.startswith(start)


def test_an_archive_is_said_to_be_elsewhere(emulator: Emulator, client: Client) -> None:
    complete_job(emulator, client)
    emulator.faults.append(Fault("archive_redirect"))

    answer = get(emulator, allow_redirects=False)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("http://127.0.0.2:9/")

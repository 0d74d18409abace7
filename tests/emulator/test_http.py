"""The emulator's HTTP face: the service's content types and error pages, archives whole and in part, the ledger."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from raw_calls import TIMEOUT, frozen, post, status, submit
from xrt_support import USER, request_for

from ukssdc import Client, Product
from ukssdc.emulator import Build, Emulator
from ukssdc.service import API

LC = Product.LightCurve
FORMATS = ("tar", "tar.gz", "zip")
# protocol, section 6
MEMBERS = {
    Product.LightCurve: {"curve.qdp"},
    Product.Spectrum: {"interval0.tar.gz"},
    Product.StandardPos: {"results.dat"},
    Product.EnhancedPos: {"success.txt"},
    Product.AstromPos: {"xastrom_corr.dat"},
    Product.Image: {"images.log", "image1.img.gz", "image1.gif"},
}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with frozen() as running:
        yield running


def finished(emulator: Emulator, *products: Product) -> int:
    """Submit a job and jump past its end."""
    job_id = submit(emulator, *products)
    emulator.advance(1000)
    return job_id


def address(emulator: Emulator, job_id: int, file: str = "lc.tar.gz") -> str:
    return f"{emulator.url}/tprods/USERPROD_{job_id}/{file}"


def get(emulator: Emulator, job_id: int, file: str = "lc.tar.gz", **headers: str) -> requests.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Accept-Encoding": "identity"}
    return requests.get(address(emulator, job_id, file), headers=sent, timeout=TIMEOUT)


def unpack(content: bytes, form: str) -> dict[str, bytes]:
    if form == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz" if form == "tar.gz" else "r:") as archive:
        opened = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read() for name, file in opened.items() if file}


def test_json_is_sent_as_text_html(emulator: Emulator) -> None:
    answer = post(emulator, "getNumJobs.php")

    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.json()["OK"] == 1


def test_a_jobs_number_is_a_string_from_submit_and_an_integer_elsewhere(emulator: Emulator) -> None:
    submitted = post(emulator, "run_userobject.php", **request_for(LC).to_wire(USER)).json()

    assert submitted["JobID"] == "951"
    assert submitted["URL"] == f"{emulator.url}/tprods/USERPROD_951"
    assert status(emulator, 951, LC)["JobID"] == 951


def test_the_version_is_in_every_answer_even_a_refusal(emulator: Emulator) -> None:
    answers = [post(emulator, "getNumJobs.php", user=user).json() for user in (USER, "stranger@example.org")]

    assert [(a["OK"], str(a["APIVersion"])) for a in answers] == [(1, "1.12"), (0, "1.12")]


def test_a_body_that_is_no_json_is_refused(emulator: Emulator) -> None:
    answer = requests.post(f"{emulator.url}/getNumJobs.php", data="no JSON", timeout=TIMEOUT).json()

    assert answer["OK"] == 0


def test_a_deprecation_warning_goes_with_every_answer() -> None:
    with frozen(deprecation_warning="Version 1.12 goes at Christmas") as emulator:
        answer = post(emulator, "getNumJobs.php").json()

    assert answer["deprecationWarning"]["message"] == "Version 1.12 goes at Christmas"


@pytest.mark.parametrize("path", ["nothing.php", "tprods/USERPROD_951/lc.tar.gz", "tprods/USERPROD_951/lc.rar", ""])
def test_what_is_not_there_is_an_html_page_with_404(emulator: Emulator, path: str) -> None:
    answer = requests.get(f"{emulator.url}/{path}", timeout=TIMEOUT)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<h1>Not Found</h1>" in answer.text


def test_an_archive_is_not_there_before_its_product_is_complete(emulator: Emulator) -> None:
    job_id = submit(emulator, LC)
    emulator.advance(50)

    assert get(emulator, job_id).status_code == 404


@pytest.mark.parametrize(("age", "code"), [(5, 404), (50, 200)])
def test_only_a_build_that_had_begun_leaves_an_archive_when_it_is_cancelled(
    emulator: Emulator, age: float, code: int
) -> None:
    job_id = submit(emulator, LC)
    emulator.advance(age)

    emulator.cancel(job_id)

    assert get(emulator, job_id).status_code == code


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("product", MEMBERS)
def test_archives_hold_what_the_service_puts_there(emulator: Emulator, product: Product, form: str) -> None:
    job_id = finished(emulator, product)

    answer = get(emulator, job_id, f"{product.wire}.{form}")

    assert answer.status_code == 200
    assert set(unpack(answer.content, form)) >= MEMBERS[product]


def test_source_detection_has_an_archive_too(emulator: Emulator) -> None:
    job_id = finished(emulator, Product.SourceDet)

    assert unpack(get(emulator, job_id, "sourceDet.zip").content, "zip")


def test_a_spectrums_archive_holds_one_archive_per_slice_with_its_kinds_of_file(emulator: Emulator) -> None:
    job_id = finished(emulator, Product.Spectrum)

    outer = unpack(get(emulator, job_id, "spec.tar").content, "tar")
    inner = unpack(outer["interval0.tar.gz"], "tar.gz")

    assert {name.rsplit(".", 1)[1] for name in inner} == {"pi", "arf", "rmf", "areas", "xcm"}


def test_every_file_that_the_results_name_can_be_fetched(emulator: Emulator) -> None:
    job_id = finished(emulator, LC, Product.Spectrum)
    client = Client(USER, emulator.url)
    job = client.attach(job_id)

    curves = client.light_curve(job, nosys="both", incbad="both").datasets.values()
    spectra = client.spectral_fits(job).slices.values()
    named = [curve.url for curve in curves] + [spectrum.data_file for spectrum in spectra]

    assert len(named) > 4
    for url in named:
        assert requests.get(str(url), timeout=TIMEOUT).status_code == 200, url


def test_the_standard_position_is_a_line_of_eight_columns(emulator: Emulator) -> None:
    job_id = finished(emulator, Product.StandardPos)

    text = unpack(get(emulator, job_id, "psf.tar").content, "tar")["results.dat"].decode()

    columns = text.rstrip("\n").split("\t")
    assert len(columns) == 8
    assert [float(columns[0]), float(columns[1])] == pytest.approx([335.6985, -7.5179], abs=0.01)


@pytest.mark.parametrize("form", FORMATS)
def test_an_archive_is_of_the_size_that_the_scenario_sets(form: str) -> None:
    with frozen({LC: Build(size=1_000_003)}) as emulator:
        answer = get(emulator, finished(emulator, LC), f"lc.{form}")

    assert len(answer.content) == 1_000_003
    assert "curve.qdp" in unpack(answer.content, form)


def test_an_archive_is_the_same_each_time_it_is_asked_for(emulator: Emulator) -> None:
    job_id = finished(emulator, LC)

    first, second = get(emulator, job_id), get(emulator, job_id)

    assert first.content == second.content
    assert first.headers["ETag"] == second.headers["ETag"]


def test_a_rebuilt_archive_has_another_etag(emulator: Emulator) -> None:
    job_id = finished(emulator, LC)
    first = get(emulator, job_id)

    emulator.jobs[job_id].rebuild(LC)
    second = get(emulator, job_id)

    assert first.headers["ETag"] != second.headers["ETag"]
    assert first.content != second.content


@pytest.mark.parametrize(
    ("asked", "start", "stop"), [("bytes=0-9", 0, 10), ("bytes=100-", 100, None), ("bytes=-20", -20, None)]
)
def test_a_part_can_be_asked_for(emulator: Emulator, asked: str, start: int, stop: int | None) -> None:
    job_id = finished(emulator, LC)
    whole = get(emulator, job_id).content

    part = get(emulator, job_id, Range=asked)

    first, after, _ = slice(start, stop).indices(len(whole))
    assert part.status_code == 206
    assert part.content == whole[start:stop]
    assert part.headers["Content-Range"] == f"bytes {first}-{after - 1}/{len(whole)}"


def test_a_part_beyond_the_end_is_refused_with_the_length(emulator: Emulator) -> None:
    job_id = finished(emulator, LC)
    size = len(get(emulator, job_id).content)

    answer = get(emulator, job_id, Range=f"bytes={size}-")

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize(("same", "code"), [(True, 206), (False, 200)])
def test_the_rest_of_an_archive_is_only_sent_if_it_is_still_the_same(emulator: Emulator, same: bool, code: int) -> None:
    job_id = finished(emulator, LC)
    etag = get(emulator, job_id).headers["ETag"]
    if not same:
        emulator.jobs[job_id].rebuild(LC)

    answer = get(emulator, job_id, Range="bytes=100-", If_Range=etag)

    assert answer.status_code == code


@pytest.mark.parametrize(
    ("switch", "header"), [("ranges", "Accept-Ranges"), ("lengths", "Content-Length"), ("etags", "ETag")]
)
@pytest.mark.parametrize("on", [True, False])
def test_each_download_header_can_be_switched_off(switch: str, header: str, on: bool) -> None:
    switches: dict[str, Any] = {switch: on}
    with frozen(**switches) as emulator:
        answer = get(emulator, finished(emulator, LC))

    assert (header in answer.headers) is on
    assert "curve.qdp" in unpack(answer.content, "tar.gz")


def test_without_ranges_the_whole_archive_is_sent() -> None:
    with frozen(ranges=False) as emulator:
        job_id = finished(emulator, LC)

        answer = get(emulator, job_id, Range="bytes=100-")

        assert answer.status_code == 200
        assert answer.content == get(emulator, job_id).content


def test_the_head_of_an_archive_tells_its_length(emulator: Emulator) -> None:
    job_id = finished(emulator, LC)

    head = requests.head(address(emulator, job_id), headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT)

    assert head.content == b""
    assert int(head.headers["Content-Length"]) == len(get(emulator, job_id).content)


def test_the_ledger_holds_every_call_and_its_outcome(emulator: Emulator) -> None:
    job_id = finished(emulator, LC, Product.StandardPos)
    status(emulator, job_id, LC)
    status(emulator, 4711, LC)
    size = len(get(emulator, job_id).content)
    get(emulator, job_id, "spec.zip")

    assert [(c.call, c.method, c.job_id, c.products, c.http_status, c.ok) for c in emulator.ledger] == [
        ("submit", "POST", job_id, (LC, Product.StandardPos), 200, 1),
        ("status", "POST", job_id, (LC,), 200, 1),
        ("status", "POST", 4711, (LC,), 200, 0),
        ("download", "GET", job_id, (LC,), 200, None),
        ("download", "GET", job_id, (Product.Spectrum,), 404, None),
    ]
    assert emulator.ledger[3].bytes_sent == size
    assert emulator.ledger[3].finished


def test_the_ledger_can_be_asked_for_some_of_its_calls(emulator: Emulator) -> None:
    first, second = finished(emulator, LC), finished(emulator, Product.Spectrum)
    status(emulator, first, LC)
    status(emulator, second, Product.Spectrum)

    ledger = emulator.ledger

    assert [c.call for c in ledger.calls(job_id=second)] == ["submit", "status"]
    assert [c.job_id for c in ledger.calls("status")] == [first, second]
    assert [c.call for c in ledger.calls(product="LightCurve")] == ["submit", "status"]


def test_the_ledger_holds_no_email_address(emulator: Emulator) -> None:
    job_id = finished(emulator, LC)
    status(emulator, job_id, LC)
    post(emulator, "getNumJobs.php", user="stranger@example.org")

    assert len(emulator.ledger) == 3
    assert "@" not in "".join(repr(call) for call in emulator.ledger)


def test_archives_hold_no_email_address(emulator: Emulator) -> None:
    job_id = finished(emulator, *MEMBERS)

    for product in MEMBERS:
        for content in unpack(get(emulator, job_id, f"{product.wire}.tar").content, "tar").values():
            assert USER.encode() not in content


def test_an_emulator_that_is_not_started_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="started"):
        _ = Emulator().url


def test_the_clocks_of_the_service_and_of_its_web_server_may_differ() -> None:
    with Emulator(calendar_skew=-900.0, date_skew=3600.0) as emulator:
        Client(USER, emulator.url).submit(request_for(LC))
        answer = requests.post(f"{emulator.url}/listOldJobs.php", json=API | {"UserID": USER}, timeout=5)
        now = datetime.now(UTC)

    dates = [value for name, value in answer.raw.headers.items() if name.lower() == "date"]
    submitted = datetime.fromisoformat(answer.json()["jobs"][0]["DateSubmitted"]).replace(tzinfo=UTC)
    assert [round((parsedate_to_datetime(date) - now) / timedelta(hours=1)) for date in dates] == [1]
    assert round((submitted - now) / timedelta(minutes=15)) == -1

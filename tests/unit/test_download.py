"""An archive is on disk whole, or there is nothing under its name and a clear error."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from raw_server import http, raw_server

from ukssdc import Client, DownloadError, Job, Product, UKSSDCError
from ukssdc.record.record import JobRecord

LC = Product.LightCurve


@cache  # gzip notes the time: made once, it is the same every time
def archive(content: bytes = b"READ TERR 1 2\n" * 5000) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        member = tarfile.TarInfo("USERPROD_951/lc/curve.qdp")
        member.size = len(content)
        made.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def fetch(url: str, directory: Path, **options: Any) -> Any:
    job = Job(job_id=951, url=f"{url}/tprods/USERPROD_951", name="GRB 200416A", products=tuple(Product))
    client = Client("observer@example.org", url, timeout=(0.5, 0.5), first_byte_timeout=0.5)
    return client.download(job, LC, directory, **options)


def names_in(directory: Path) -> set[str]:
    return {p.name for p in directory.iterdir()} - {"job.json"}


def test_an_archive_arrives_whole_and_is_on_record(tmp_path: Path) -> None:
    with raw_server(http(archive())) as url:
        file = fetch(url, tmp_path)

    assert file.path.read_bytes() == archive()
    assert (file.size, file.sha256) == (len(archive()), hashlib.sha256(archive()).hexdigest())
    record = JobRecord.load(tmp_path)
    assert record is not None
    assert record.files[LC].sha256 == file.sha256
    assert names_in(tmp_path) == {"lc.tar.gz"}


def test_progress_is_told_from_the_beginning_to_the_end_with_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []

    with raw_server(http(archive())) as url:
        fetch(url, tmp_path, progress=lambda done, total: seen.append((done, total)))

    assert seen[0] == (0, len(archive()))
    assert seen[-1] == (len(archive()), len(archive()))


def test_progress_is_told_as_the_bytes_come_however_few(tmp_path: Path) -> None:
    seen: list[int] = []
    drops = [archive()[n : n + 100] for n in range(0, len(archive()), 100)]

    with raw_server([http(b"", length=len(archive())), *drops]) as url:
        fetch(url, tmp_path, progress=lambda done, _: seen.append(done))

    assert 0 < seen[1] < len(archive())


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def test_an_archive_in_chunks_arrives_whole(tmp_path: Path) -> None:
    with raw_server(chunked(archive()[:7], archive()[7:])) as url:
        assert fetch(url, tmp_path).path.read_bytes() == archive()


@pytest.mark.parametrize("end", [b"", b"ff\r\n", b"ff\r\nhalf"], ids=["chunk missing", "empty chunk", "half a chunk"])
def test_chunks_that_end_early_are_noticed(tmp_path: Path, end: bytes) -> None:
    with raw_server(chunked(archive(), end=end)) as url, pytest.raises(DownloadError, match="broke off"):
        fetch(url, tmp_path)

    assert "lc.tar.gz" not in names_in(tmp_path)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (http(archive()[:-20]), "cannot be read as tar.gz"),
        (http(archive()[:-20], length=len(archive())), "broke off"),
        (http(archive()[:50] + b"XXXX" + archive()[54:]), "cannot be read as tar.gz"),
        (http(b"<html><title>Please wait</title></html>"), "an HTML page, not an archive"),
        (http(b""), "is corrupt"),
        (http(b"<html>", "404 Not Found"), r"HTTP 404.*the job's page"),
        (http(b"<html>", "503 Busy"), "HTTP 503"),
        (None, "did not begin within 0.5 s"),
        (http(b"", "302 Found", "Location: http://127.0.0.2/lc.tar.gz"), "only from the service's own host"),
        (http(b"", "302 Found", "Location: file:///etc/passwd"), "only from the service's own host"),
        (http(b"", "302 Found", "Location: "), "without end"),
    ],
    ids=["truncated", "short", "corrupt", "html", "empty", "404", "503", "stalled", "elsewhere", "file", "circle"],
)
def test_what_is_not_whole_never_gets_the_name(tmp_path: Path, answer: bytes | None, message: str) -> None:
    with raw_server(answer) as url, pytest.raises(DownloadError, match=message):
        fetch(url, tmp_path)

    assert "lc.tar.gz" not in names_in(tmp_path)


@pytest.mark.parametrize(
    ("status", "retryable"),
    [("408 Request Timeout", True), ("425 Too Early", True), ("429 Too Many Requests", True), ("403 Forbidden", False)],
)
def test_a_refusal_is_tried_again_where_its_code_says_that_it_passes(
    tmp_path: Path, status: str, retryable: bool
) -> None:
    with raw_server(http(b"<html>", status)) as url, pytest.raises(DownloadError, match=status) as raised:
        fetch(url, tmp_path)

    assert (raised.value.retryable, raised.value.corrupt) == (retryable, False)
    assert ("This may pass" in str(raised.value)) == retryable


@pytest.mark.parametrize("location", ["http://[bad", "//[bad"])
def test_a_redirect_to_no_address_is_refused(tmp_path: Path, location: str) -> None:
    answer = http(b"", "302 Found", f"Location: {location}")

    with raw_server(answer) as url, pytest.raises(DownloadError, match="refused to download from") as raised:
        fetch(url, tmp_path)

    assert (raised.value.retryable, raised.value.corrupt) == (True, True)


def test_a_redirect_that_is_no_text_is_refused(tmp_path: Path) -> None:
    answer = http(b"", "302 Found", "Location: /XX").replace(b"XX", b"\xff\xfe")

    with raw_server(answer) as url, pytest.raises(DownloadError, match="from one address to the next") as raised:
        fetch(url, tmp_path)

    assert (raised.value.retryable, raised.value.corrupt) == (True, True)


def test_what_was_there_before_stays_when_its_replacement_is_no_good(tmp_path: Path) -> None:
    with raw_server(http(archive()), http(archive()[:-20])) as url:
        fetch(url, tmp_path)

        with pytest.raises(DownloadError):
            fetch(url, tmp_path, if_exists="replace")

    assert (tmp_path / "lc.tar.gz").read_bytes() == archive()


def test_a_known_file_is_not_fetched_again(tmp_path: Path) -> None:
    with raw_server(http(archive()), http(b"", "500 Not wanted")) as url:
        first = fetch(url, tmp_path)
        second = fetch(url, tmp_path)

    assert second.skipped
    assert second.sha256 == first.sha256


def test_a_known_file_that_was_damaged_is_fetched_again(tmp_path: Path) -> None:
    with raw_server(http(archive())) as url:
        fetch(url, tmp_path)
        (tmp_path / "lc.tar.gz").write_bytes(b"damaged")
        again = fetch(url, tmp_path)

    assert not again.skipped
    assert (tmp_path / "lc.tar.gz").read_bytes() == archive()


def test_a_file_that_nobody_knows_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lc.tar.gz").write_text("mine")

    with raw_server(http(archive())) as url, pytest.raises(DownloadError, match=r"nothing tells.*if_exists"):
        fetch(url, tmp_path)

    assert (tmp_path / "lc.tar.gz").read_text() == "mine"


def test_if_exists_error_refuses_what_is_there(tmp_path: Path) -> None:
    with raw_server(http(archive())) as url:
        fetch(url, tmp_path)

        with pytest.raises(DownloadError, match="exists already"):
            fetch(url, tmp_path, if_exists="error")


def test_if_exists_replace_replaces(tmp_path: Path) -> None:
    with raw_server(http(archive()), http(archive(b"new" * 999))) as url:
        fetch(url, tmp_path)
        file = fetch(url, tmp_path, if_exists="replace")

    assert file.path.read_bytes() == archive(b"new" * 999)


@pytest.mark.parametrize("option", [{"format": "rar"}, {"if_exists": "maybe"}])
def test_an_option_that_is_none_is_refused_at_once(tmp_path: Path, option: dict[str, str]) -> None:
    with raw_server(None) as url, pytest.raises(ValueError, match=r"not 'rar'|not 'maybe'"):
        fetch(url, tmp_path, **option)


def test_a_destination_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "products").write_text("")

    with raw_server(http(archive())) as url, pytest.raises(UKSSDCError, match=r"cannot write to.*another destination"):
        fetch(url, tmp_path / "products")


def test_an_archive_of_another_host_is_not_fetched(tmp_path: Path) -> None:
    job = Job(job_id=951, url="http://elsewhere.example.org/x", name="x", products=(LC,))

    with pytest.raises(DownloadError, match="only from the service's own host"):
        Client("observer@example.org", "https://www.swift.ac.uk/user_objects").download(job, LC, tmp_path)


@pytest.mark.parametrize(
    "url", ["http://www.swift.ac.uk/x", "https://www.swift.ac.uk:444/x", "https://me@www.swift.ac.uk/x"]
)
def test_the_services_own_host_is_its_own_scheme_and_port(tmp_path: Path, url: str) -> None:
    job = Job(job_id=951, url=url, name="x", products=(LC,))

    with pytest.raises(DownloadError, match="only from the service's own host"):
        Client("observer@example.org", "https://www.swift.ac.uk/user_objects").download(job, LC, tmp_path)


def test_a_full_disk_is_a_clear_error_that_leaves_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").write_text("kept")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with raw_server(http(archive())) as url, pytest.raises(UKSSDCError, match="No space left"):
        fetch(url, tmp_path)

    assert "lc.tar.gz" not in names_in(tmp_path)
    assert (tmp_path / "other").read_text() == "kept"


def test_what_is_known_of_the_server_is_needed_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "lc.tar.gz.part").write_bytes(b"from some other version")

    with raw_server(http(archive())) as url:
        file = fetch(url, tmp_path)

    assert file.path.read_bytes() == archive()
    assert names_in(tmp_path) == {"lc.tar.gz"}


def test_a_part_that_is_not_the_one_asked_for_is_not_joined(tmp_path: Path) -> None:
    half = len(archive()) // 2
    broken = http(archive()[:half], "200 OK", 'ETag: "a"', length=len(archive()))
    wrong = http(archive()[5:], "206 Partial Content", f"Content-Range: bytes 5-{len(archive()) - 1}/{len(archive())}")

    with raw_server(broken, wrong, http(archive())) as url:
        for message in ("broke off", "not what it was"):
            with pytest.raises(DownloadError, match=message):
                fetch(url, tmp_path)
        file = fetch(url, tmp_path)

    assert file.path.read_bytes() == archive()


def test_a_download_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    half = len(archive()) // 2
    broken = http(archive()[:half], "200 OK", 'ETag: "a"', length=len(archive()))
    rest = http(
        archive()[half:], "206 Partial Content", f"Content-Range: bytes {half}-{len(archive()) - 1}/{len(archive())}"
    )

    with raw_server(broken, rest) as url:
        with pytest.raises(DownloadError, match=f"broke off after {half} bytes"):
            fetch(url, tmp_path)
        file = fetch(url, tmp_path)

    assert file.path.read_bytes() == archive()
    assert names_in(tmp_path) == {"lc.tar.gz"}


def test_a_break_counts_as_spoilt_where_the_next_try_gets_no_further(tmp_path: Path) -> None:
    size = len(archive())
    tag = 'ETag: "a"'

    def part(start: int, stop: int) -> bytes:
        span = f"Content-Range: bytes {start}-{size - 1}/{size}"
        return http(archive()[start:stop], "206 Partial Content", span, tag, length=size - start)

    answers = {
        "no validator, so all of it is lost": (http(archive()[:50], length=size), True),
        "a first half": (http(archive()[:50], "200 OK", tag, length=size), False),
        "some more": (part(50, 100), False),
        "nothing more": (part(100, 100), True),
        "from the beginning again": (http(archive()[:150], "200 OK", tag, length=size), True),
        "no answer at all": (b"", False),
    }
    corrupt = {}

    with raw_server(*(answer for answer, _ in answers.values())) as url:
        for what in answers:
            with pytest.raises(DownloadError, match="broke off") as raised:
                fetch(url, tmp_path)
            assert raised.value.retryable
            corrupt[what] = raised.value.corrupt

    assert corrupt == {what: expected for what, (_, expected) in answers.items()}


def test_a_part_that_is_complete_is_verified_and_not_fetched_again(tmp_path: Path) -> None:
    size = len(archive())
    broken = http(archive(), "200 OK", 'ETag: "a"', length=size + 1)  # as if killed before it was verified
    nothing_more = http(b"", "416 Range Not Satisfiable", f"Content-Range: bytes */{size}")

    with raw_server(broken, nothing_more) as url:
        with pytest.raises(DownloadError, match="broke off"):
            fetch(url, tmp_path)
        file = fetch(url, tmp_path)

    assert file.path.read_bytes() == archive()


def test_two_that_fetch_the_same_at_once_do_not_spoil_each_others_file(tmp_path: Path) -> None:
    half = len(archive()) // 2
    slow = [http(b"", length=len(archive())), archive()[:half], archive()[half:]]

    with raw_server(slow) as url, ThreadPoolExecutor(2) as pool:
        files = [f.result() for f in [pool.submit(fetch, url, tmp_path) for _ in range(2)]]

    assert sorted(file.skipped for file in files) == [False, True]
    assert (tmp_path / "lc.tar.gz").read_bytes() == archive()

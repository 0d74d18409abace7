"""The emulator as a server: several at once, ending while somebody reads, and files that agree with the answers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from raw_calls import TIMEOUT, call, cancel, frozen, submit
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario
from ukssdc.emulator.data.binning import MAX_BINS

LC, SPEC, PSF = Product.LightCurve, Product.Spectrum, Product.StandardPos
BIG = 64 * 2**20  # bytes


@pytest.fixture(scope="module")
def roomy() -> Iterator[Emulator]:
    with Emulator(scenario=Scenario(unresolvable=["Planet X"]), max_active_jobs=1000) as running:
        yield running


def files(emulator: Emulator, job_id: int, product: Product) -> dict[str, str]:
    """Return the text files of a product's archive."""
    answer = requests.get(f"{emulator.jobs[job_id].base_url}/{product.wire}.tar", timeout=TIMEOUT)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        opened = {member.name: archive.extractfile(member) for member in archive}
        return {name: file.read().decode("utf-8", "replace") for name, file in opened.items() if file}


def test_several_emulators_serve_at_once_each_with_its_own_jobs() -> None:
    with frozen() as one, frozen(first_job_id=7) as other:
        submit(one, LC)
        submit(other, PSF)

        assert (list(one.jobs), list(other.jobs)) == ([951], [7])
        assert one.url != other.url


def test_an_emulator_serves_as_soon_as_it_is_started() -> None:
    with Emulator() as emulator:
        answer = requests.get(emulator.url, timeout=TIMEOUT)

    assert answer.status_code == 404  # of the service: the connection was not refused


def test_an_emulator_cannot_be_started_twice() -> None:
    with Emulator() as emulator, pytest.raises(RuntimeError, match="already serving"):
        emulator.start()


def test_stopping_ends_a_download_that_is_under_way() -> None:
    emulator = frozen({LC: Build(size=BIG)}).start()
    job_id = submit(emulator, LC)
    emulator.advance(1000)
    address = f"{emulator.jobs[job_id].base_url}/lc.tar"
    with requests.get(address, stream=True, timeout=TIMEOUT) as download:
        blocks = download.iter_content(2**16)
        next(blocks)

        emulator.stop()

        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(blocks)
    assert emulator.ledger.calls("download")[0].bytes_sent < BIG


def test_the_host_that_was_called_is_the_one_in_the_jobs_address() -> None:
    with frozen() as emulator:
        body = request_for(LC).to_wire(USER)
        address = f"http://localhost:{emulator.port}/user_objects/run_userobject.php"

        answer = requests.post(address, json=body, timeout=TIMEOUT).json()

    assert answer["URL"] == f"http://localhost:{emulator.port}/user_objects/tprods/USERPROD_951"


def test_a_cancelled_build_leaves_nothing_but_its_log() -> None:
    with frozen() as emulator:
        job_id = submit(emulator, LC)
        emulator.advance(50)

        cancel(emulator, job_id, LC)

        assert list(files(emulator, job_id, LC)) == ["lc.log"]


def test_a_build_cancelled_before_it_began_leaves_nothing() -> None:
    with frozen() as emulator:
        job_id = submit(emulator, LC)

        cancel(emulator, job_id, LC)

        address = f"{emulator.jobs[job_id].base_url}/lc.tar"
        assert requests.get(address, timeout=TIMEOUT).status_code == 404


def test_the_archive_holds_the_position_that_the_call_for_it_answers() -> None:
    with frozen() as emulator:
        job_id = submit(emulator, PSF)
        emulator.advance(1000)

        answer = call(emulator, "tprods/getPSFPos.php", JobID=job_id)

        columns = files(emulator, job_id, PSF)["results.dat"].rstrip("\n").split("\t")
        assert [columns[0], columns[1], columns[4]] == [answer["RA"], answer["Dec"], answer["Err90"]]


def addresses(answer: Any) -> list[str]:
    """Return every address in an answer, at any depth."""
    if isinstance(answer, dict):
        return [found for value in answer.values() for found in addresses(value)]
    return [answer] if isinstance(answer, str) and answer.startswith("http") else []


@pytest.mark.parametrize(("product", "path"), [(LC, "tprods/getLCData.php"), (SPEC, "tprods/getSpecData.php")])
def test_the_files_that_an_answer_names_are_there(product: Product, path: str) -> None:
    with frozen() as emulator:
        job_id = submit(emulator, product)
        emulator.advance(1000)

        named = addresses(call(emulator, path, JobID=job_id))

        assert named
        assert {requests.get(one, timeout=TIMEOUT).status_code for one in named} == {200}


def test_however_short_the_bins_a_light_curve_has_a_bounded_number_of_them() -> None:
    with frozen() as emulator:
        body = request_for(LC).to_wire(USER) | {"binMeth": "time", "pcbin": 0.01, "wtbin": 0.01}
        job_id = int(requests.post(f"{emulator.url}/run_userobject.php", json=body, timeout=TIMEOUT).json()["JobID"])
        emulator.advance(1000)

        answer = call(emulator, "tprods/getLCData.php", JobID=job_id)

        observed = sum(len(answer[f"{name}Data"]["data"]) for name in answer["Datasets"] if name in ("PC", "PCUL"))
        assert 1000 < observed <= MAX_BINS + 100  # a snapshot's last bin is shorter than the others


def brief(value: Any) -> str:
    return repr(value)[:10]


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"text"', b"{", b"\xff\xfe"])
def test_any_body_gets_an_answer(body: bytes) -> None:
    with frozen() as emulator:
        answer = requests.post(f"{emulator.url}/checkProductStatus.php", data=body, timeout=TIMEOUT).json()

    assert answer["OK"] == 0
    assert answer["ERROR"]


@pytest.mark.parametrize("name", ["name", "targ", "RA", "poserr", "cent", "lc", "binMeth", "models", "specz", "gti1"])
@pytest.mark.parametrize("value", [[], {}, [1], True, 1e300, 10**400, "x" * 5000, "../../etc", "\x00"], ids=brief)
def test_no_value_of_a_parameter_upsets_the_service(roomy: Emulator, name: str, value: Any) -> None:
    body = request_for(LC, SPEC).to_wire(USER) | {name: value}

    answer = requests.post(f"{roomy.url}/run_userobject.php", json=body, timeout=TIMEOUT)

    assert answer.status_code == 200
    assert answer.json()["OK"] in (0, 1)

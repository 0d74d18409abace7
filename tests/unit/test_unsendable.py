"""What no JSON can hold: refused before anything is sent, and made harmless where the service sends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from raw_server import http, raw_server
from request_examples import EMAIL, flat, only_problem_of

from ukssdc import Client, InvalidRequest, Job, OldJob, ProductRequest
from ukssdc.emulator import Emulator
from ukssdc.record import JobFolder

HALF = "\ud83d"  # of a character; JSON can write it, UTF-8 cannot


def nested(depth: int, make: Callable[[Any], Any] = lambda inner: [inner]) -> Any:
    value: Any = "end"
    for _ in range(depth):
        value = make(value)
    return value


def deep_dict(inner: Any) -> Any:
    return {"a": inner}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": f"M82 {HALF}"}, r"name is 'M82 \ud83d', which is not permitted (a character cannot be sent)"),
        ({"name": "M82\x00"}, r"name is 'M82\x00', which is not permitted (a character cannot be sent)"),
        ({"name": "M82\x1b]52;c;x\x07"}, "which is not permitted (a character cannot be sent)"),
        ({"targ": HALF}, r"targ is '\ud83d', which is not permitted"),
        ({"centMeth": HALF}, r"centMeth is '\ud83d', which is not permitted"),
        ({"maxCentTries": 10**400}, "maxCentTries is 10000"),
        ({"maxCentTries": 10**5000}, "maxCentTries is a number of thousands of digits, which is not permitted"),
        ({"maxCentTries": 2**60}, "which is not permitted: give a whole number of at least 1"),
        ({"T0": 10**5000}, "T0 is a number of thousands of digits, which is not permitted"),
        ({"name": 10**5000}, "name is a number of thousands of digits"),
        ({"sss": 10**5000}, "sss is a number of thousands of digits"),
        ({"image": 10**5000}, "image is a number of thousands of digits"),
        ({"sss": float("nan")}, "sss is nan, which is not permitted: give true or false"),
        ({"centMeth": float("inf")}, "centMeth is inf, which is not permitted"),
        ({"name": nested(3000)}, "which is not permitted: give the target's name"),
        ({"sss": nested(3000)}, "which is not permitted: give true or false"),
        ({"centMeth": nested(3000, deep_dict)}, "which is not permitted: give simple or iterative"),
        ({"Image": {"useObs": nested(3000)}}, "Image.useObs is "),
        ({"Image": {"energies": nested(3000)}}, "which is not permitted: give bands in keV"),
        ({"Image": nested(3000)}, "give its parameters, name by name"),
        ({"globals": nested(3000)}, "give names with their values"),
        ({"globals": [["name"]]}, "globals is [['name']]: give names with their values"),
        ({"products": [["Image"]]}, "['Image'] is not a parameter"),
        ({"products": [10**5000]}, "a number of thousands of digits is not a parameter"),
        ({f"na{HALF}me": 1}, r"na\ud83dme is not a parameter"),
        ({"x" * 10**6: 1}, "xxx... is not a parameter"),
        ({("a", "b"): 1}, "a, b is not a parameter"),
        ({None: 1}, "None is not a parameter"),
        ({10**5000: 1}, "a number of thousands of digits is not a parameter"),
        ({b"name": 1}, "b'name' is not a parameter"),
    ],
    ids=lambda value: value[:30].encode("ascii", "replace").decode() if isinstance(value, str) else "given",
)
def test_what_cannot_be_sent_is_refused_in_words(given: dict[Any, Any], problem: str) -> None:
    refusal = only_problem_of(flat() | given)

    assert problem in refusal
    assert len(refusal.encode()) < 500


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "M82\\ud83d"}',
        '{"T0": NaN, "name": "M82"}',
        '{"T0": -Infinity}',
        '{"T0": 1e999}',
        '{"T0": ' + "9" * 5000 + "}",
        '{"name": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=["half a character", "NaN", "infinite", "too large", "thousands of digits", "nested"],
)
@pytest.mark.parametrize("name", ["grb.json", "grb.yaml"])
def test_a_file_with_what_cannot_be_sent_is_refused(text: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(InvalidRequest) as refused:
        ProductRequest.from_file(path)

    str(refused.value).encode()


@pytest.mark.parametrize("value", ["!!bool maybe", "!!int abc", "!!float x", "!!timestamp x", "!!python/none x"])
def test_a_type_in_yaml_that_does_not_fit_is_refused(value: str, tmp_path: Path) -> None:
    path = tmp_path / "grb.yaml"
    path.write_text(f"name: {value}\n")

    with pytest.raises(InvalidRequest, match="is not YAML"):
        ProductRequest.from_file(path)


@pytest.mark.parametrize("name", [f"M82{HALF}", "", 7])
def test_a_request_that_was_never_checked_is_checked_before_it_is_sent(name: Any) -> None:
    request = ProductRequest.model_construct(**dict(ProductRequest.model_validate(flat())) | {"name": name})

    with Emulator() as emulator, Client(EMAIL, emulator.url) as client:
        with pytest.raises(InvalidRequest, match="name is"):
            client.submit(request)

        assert len(emulator.ledger) == 0


ODD: dict[str, Any] = {
    "deep": nested(300),
    "deep_object": nested(300, deep_dict),
    "half": HALF,
    f"key{HALF}": 1,
    "nan": float("nan"),
    "infinite": [float("inf")],
    "large": 10**30,
    "name": f"M 82{HALF}",
    "targ": nested(300),
}


def answer(**more: Any) -> dict[str, Any]:
    return {"OK": 1, "URL": "http://127.0.0.1/951", "jobPars": {"dopsf": 1, "image": nested(300)} | ODD, **more}


def test_a_job_with_parameters_that_no_file_can_hold_is_submitted_and_stored(tmp_path: Path) -> None:
    body = json.dumps(answer(JobID="951")).encode()

    with raw_server(http(body)) as url, Client(EMAIL, url) as client:
        job = client.submit(flat(name="M 82"))
    stored = Job.model_validate_json(job.model_dump_json())
    JobFolder(tmp_path, job).begin({}, {})
    record = JobFolder(tmp_path, job).read()

    assert stored == job
    assert record is not None
    assert record.parameters == job.parameters
    assert job.name == "M 82"
    assert "(left out: nested more than 20 levels deep)" in json.dumps(job.parameters["deep"])
    assert json.loads(json.dumps(job.parameters, allow_nan=False)) == job.parameters


def test_an_old_job_with_such_parameters_is_taken_up_and_read() -> None:
    with Emulator() as emulator, Client(EMAIL, emulator.url) as client:
        client.submit(flat())
        emulator.jobs[951].pars |= ODD
        job = client.attach(951)

        request, problems = ProductRequest.read_wire(job.parameters)

    job.model_dump_json()
    assert job.name.encode()
    assert request.ra == 335.6985
    assert {name for name in ("deep", "half", "nan", "large", "targ") if any(p.startswith(name) for p in problems)} == {
        "deep",
        "half",
        "nan",
        "large",
        "targ",
    }
    "".join(problems).encode()


@pytest.mark.parametrize("value", [nested(3000), 10**5000, float("nan"), HALF, {1: 2}], ids=["deep", "large", *"xyz"])
def test_an_odd_entry_in_the_list_of_jobs_is_read(value: Any) -> None:
    old = OldJob.from_wire({"JobID": 951, "Name": value, "DateSubmitted": 5, "hasProd": value, "Image": value})

    assert old is not None
    old.model_dump_json()

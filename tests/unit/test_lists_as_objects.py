"""A list with gaps arrives as an object, wherever the protocol has a list (protocol, section 7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_server import http, raw_server
from xrt_support import QUICK, USER, request_for

from ukssdc import Client, Job, Product, ServiceError
from ukssdc.emulator import Emulator, Fault, Scenario
from ukssdc.progress import progress_percent, progress_text
from ukssdc.results import LightCurveData, SourceList, SpectralFits
from ukssdc.wire_values import as_list

RESULTS = ["light_curve", "spectral_fits", "source_list"]
COLUMNS = {"1": "Time", "3": "TimePos", "10": "Rate"}
STEPS = {
    "10": {"StepLabel": "Last", "StepStatus": 0},
    "2": {
        "StepLabel": "First",
        "StepStatus": 1,
        "SubStep": {"1": {"StepLabel": "a", "StepStatus": 2}, "5": {"StepLabel": "b", "StepStatus": 1}},
    },
}


@pytest.fixture(scope="module")
def service() -> Iterator[tuple[Emulator, Client, Job]]:
    """Serve a job with all products, complete."""
    with Emulator(users=(USER,), scenario=Scenario({"all": QUICK}), seconds_per_poll=0) as emulator:
        client = Client(USER, emulator.url)
        job = client.submit(request_for(*Product))
        emulator.advance(600)
        yield emulator, client, job


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_whose_lists_are_objects_is_the_same(service: tuple[Emulator, Client, Job], name: str) -> None:
    emulator, client, job = service
    before = getattr(client, name)(job)
    emulator.faults.append(Fault("lists_as_objects", name))

    assert getattr(client, name)(job) == before
    assert emulator.ledger[-1].fault == "lists_as_objects"


def test_the_jobs_may_be_an_object(service: tuple[Emulator, Client, Job]) -> None:
    emulator, client, _ = service
    before = client.jobs()
    emulator.faults.append(Fault("lists_as_objects", "old_jobs"))

    assert client.jobs() == before != []


def test_jobs_are_newest_first_whatever_their_keys() -> None:
    jobs = {str(number): {"JobID": number, "Name": "a"} for number in (7, 951, 88)}
    with raw_server(http(json.dumps({"OK": 1, "jobs": jobs}).encode())) as url:
        assert [job.job_id for job in Client(USER, url).jobs()] == [951, 88, 7]


@pytest.mark.parametrize(
    ("groups", "errors"),
    [
        ({"1": {"label": "Problems:", "list": {"0": "no name", "2": "no targ"}}}, ["no name", "no targ"]),
        ([{"label": "Problems:", "list": {"10": "no targ", "9": "no name"}}], ["no name", "no targ"]),
        ({"label": "Problems:", "list": ["no name"]}, ["no name"]),
        (
            {"3": {"label": "Problems", "list": "no name"}, "x": {"label": "Problems", "list": {"y": "z"}}},
            ["no name", "z"],
        ),
    ],
)
def test_a_refusals_lists_may_be_objects(groups: object, errors: list[str]) -> None:
    said = http(json.dumps({"OK": 0, "ERROR": "Bad request", "listErr": groups}).encode())

    with raw_server(said) as url, pytest.raises(ServiceError) as raised:
        Client(USER, url).count_active_jobs()

    assert raised.value.errors == ("Bad request", *(f"Problems: {error}" for error in errors))


def test_the_groups_of_a_refusal_may_be_texts() -> None:
    said = http(json.dumps({"OK": 0, "listErr": {"1": "no name", "4": "no targ"}}).encode())

    with raw_server(said) as url, pytest.raises(ServiceError) as raised:
        Client(USER, url).count_active_jobs()

    assert raised.value.errors == ("no name", "no targ")


@pytest.mark.parametrize(
    "rows",
    [
        {"0": ["1", "2", "3"], "2": ["4", "5", "6"]},
        [{"0": "1", "1": "2", "5": "3"}, {"1": "4", "2": "5", "10": "6"}],
        [{"Rate": "3", "Time": "1", "TimePos": "2"}, {"Time": "4", "TimePos": "5", "Rate": "6"}],
    ],
    ids=["table", "row", "row by name"],
)
def test_the_parts_of_a_light_curve_may_be_objects(rows: Any) -> None:
    data = LightCurveData.from_wire({"Datasets": {"4": "PC"}, "PCData": {"columns": COLUMNS, "data": rows}})

    assert (data["PC"].time, data["PC"].value) == ((1, 4), (3, 6))


def test_a_spectrums_slices_modes_and_models_may_be_objects() -> None:
    mode = {"Models": {"2": "PowerLaw"}, "PowerLaw": {"Gamma": "2"}}
    fits = SpectralFits.from_wire(
        {"rnames": {"2": "late", "1": "early"}}
        | {name: {"Modes": {"3": "PC", "7": "WT"}, "PC": mode, "WT": mode} for name in ("early", "late")}
    )

    assert [(part.name, spectrum.mode) for part, spectrum, _ in fits.fits] == [
        *(("early", "PC"), ("early", "WT")),
        *(("late", "PC"), ("late", "WT")),
    ]


def test_a_band_of_sources_may_be_an_object() -> None:
    source = {"ra": "1", "dec": "2"}
    sources = SourceList.from_wire({"Total": {"1": source, "3": source}, "UVOT": {"2": source}, "Note": {"a": source}})

    assert {band: len(found) for band, found in sources.bands.items()} == {"Total": 2, "UVOT": 1}


def test_the_steps_of_a_build_may_be_objects() -> None:
    as_objects = {"GotProgress": 1, "ProgressSteps": STEPS}
    first = STEPS["2"] | {"SubStep": [*STEPS["2"]["SubStep"].values()]}  # type: ignore[attr-defined]
    as_lists = {"GotProgress": 1, "ProgressSteps": [first, STEPS["10"]]}

    assert progress_text(as_objects) == progress_text(as_lists)
    assert progress_text(as_objects).splitlines()[0] == "  ** First - ACTIVE**"
    assert progress_percent(as_objects) == progress_percent(as_lists) == 25


@given(items=st.lists(st.integers()), start=st.integers(0, 50), gap=st.integers(1, 50))
def test_an_object_is_read_in_the_order_of_its_keys(items: list[int], start: int, gap: int) -> None:
    keyed = {str(start + gap * place): item for place, item in enumerate(items)}

    assert as_list(dict(sorted(keyed.items()))) == items  # sorted as texts, "10" comes before "9"


@pytest.mark.parametrize("value", [None, "PC,WT", 5, True, 1.5])
def test_what_is_neither_list_nor_object_is_no_list(value: object) -> None:
    assert as_list(value) is None

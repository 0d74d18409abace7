"""Who may do what at the emulator, how many jobs at once, and what it says of a bad request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from raw_calls import OTHER, call, code_of, frozen, status, submit
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.emulator import Emulator, Scenario

LC, SPEC = Product.LightCurve, Product.Spectrum


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with frozen() as running:
        yield running


@pytest.mark.parametrize(
    ("path", "key"), [("checkProductStatus.php", "JobID"), ("canceljob.php", "JobID"), ("getOldProduct.php", "oldJob")]
)
def test_a_job_is_only_for_its_owner(emulator: Emulator, path: str, key: str) -> None:
    job_id = submit(emulator, LC)

    answer = call(emulator, path, user=OTHER, **{key: job_id, "what": "lc"})

    assert answer["OK"] == 0
    assert answer["ERROR"].startswith(f"Job {job_id} is not owned by user")
    assert code_of(emulator, job_id, LC) == 1


def test_a_job_that_does_not_exist_is_an_error(emulator: Emulator) -> None:
    answer = status(emulator, 4711, LC)

    assert answer["OK"] == 0
    assert "4711" in answer["ERROR"]


@pytest.mark.parametrize("path", ["run_userobject.php", "checkProductStatus.php", "listOldJobs.php", "getNumJobs.php"])
def test_a_user_who_is_not_registered_is_refused(emulator: Emulator, path: str) -> None:
    answer = call(emulator, path, user="stranger@example.org")

    assert answer["OK"] == 0
    assert "not registered" in answer["ERROR"]


def test_more_active_jobs_than_the_cap_are_refused() -> None:
    with frozen(max_active_jobs=2) as emulator:
        submit(emulator, LC)
        submit(emulator, LC)

        answer = call(emulator, "run_userobject.php", **request_for(LC).to_wire(USER))

        assert answer["OK"] == 0
        assert "2 active jobs" in answer["ERROR"]
        assert len(emulator.jobs) == 2


def test_the_cap_is_each_users_own() -> None:
    with frozen(max_active_jobs=1) as emulator:
        submit(emulator, LC)

        assert submit(emulator, LC, user=OTHER) in emulator.jobs


def test_a_job_that_has_ended_makes_room_for_another() -> None:
    with frozen(max_active_jobs=1) as emulator:
        submit(emulator, LC)
        emulator.advance(112)

        assert submit(emulator, LC) in emulator.jobs


def test_active_jobs_are_counted(emulator: Emulator) -> None:
    submit(emulator, LC)
    emulator.advance(112)
    submit(emulator, LC)
    submit(emulator, LC, user=OTHER)

    assert call(emulator, "getNumJobs.php")["numJobs"] == 1


def test_old_jobs_are_listed_newest_first_and_only_ones_own(emulator: Emulator) -> None:
    first = submit(emulator, LC)
    submit(emulator, LC, user=OTHER)
    emulator.advance(112)
    last = submit(emulator, SPEC)

    jobs = call(emulator, "listOldJobs.php")["jobs"]

    assert [(j["JobID"], j["LightCurve"], j["Spectrum"], j["hasProd"]) for j in jobs] == [
        (last, False, True, False),
        (first, True, False, True),
    ]


def test_everything_wrong_with_a_request_is_listed_at_once(emulator: Emulator) -> None:
    body = request_for(LC, SPEC).to_wire(USER)
    for name in ("targ", "getTargs", "pccounts", "specz"):
        body.pop(name, None)
    body["poserr"] = 60

    answer = call(emulator, "run_userobject.php", **body)

    assert answer["OK"] == 0
    assert answer["ERROR"]
    texts = {group["label"]: " ".join(group["list"]) for group in answer["listErr"]}
    assert [name for name in ("targ", "poserr") if name in texts["General problems:"]] == ["targ", "poserr"]
    assert "pccounts" in texts["Problems with the light curve:"]
    assert "specz" in texts["Problems with the spectrum:"]
    assert len(emulator.jobs) == 0


def test_a_request_without_products_is_refused(emulator: Emulator) -> None:
    body = request_for(LC).to_wire(USER)
    body.pop("lc")

    answer = call(emulator, "run_userobject.php", **body)

    assert answer["listErr"] == [{"label": "Products:", "list": ["No products have been requested."]}]


def test_a_name_that_cannot_be_resolved_is_refused() -> None:
    with Emulator(scenario=Scenario(unresolvable=["Planet X"])) as emulator:
        answer = call(emulator, "run_userobject.php", **request_for(LC, name="Planet X").to_wire(USER))

    assert answer["OK"] == 0
    assert "could not be resolved" in answer["listErr"][0]["list"][0]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("escape", ["Barnard&#039;s star"]),
        ("strip", ["Barnards star"]),
        ("escape_strip", ["Barnard#039s star"]),
        ("shorten", ["Barnard'"]),
        ("drop", [None]),
        ("mixed", ["Barnards star", "Barnard#039s star", "Barnard'", None, "Barnard&#039;s star"]),
    ],
)
def test_names_may_come_back_changed(change: str, names: list[str | None]) -> None:
    with Emulator(name_change=change) as emulator:
        request = request_for(LC, name="Barnard's star").to_wire(USER)
        answers = [call(emulator, "run_userobject.php", **request) for _ in names]
        listed = call(emulator, "listOldJobs.php")["jobs"][::-1]

    assert [answer["jobPars"].get("name") for answer in answers] == names
    assert [entry.get("Name") for entry in listed] == names


def test_an_unknown_change_of_names_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown name_change 'upper'; there are escape, strip"):
        Emulator(name_change="upper")

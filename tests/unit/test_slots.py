"""The slots of a user's processes on one machine: by the service's count, and by what is known here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ukssdc.errors import NoSlot
from ukssdc.slots import SubmissionSlot, state_folder

SERVICE = "https://www.swift.ac.uk"
OTHERS = ["https://other.example", "https://www.swift.ac.uk:8443"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return state_folder()


@contextmanager
def submitted(*jobs: int, service: str = SERVICE) -> Iterator[SubmissionSlot]:
    """Be a process that follows jobs which the service's count does not know yet."""
    with closing(SubmissionSlot(service, 5)) as slot:
        for job in jobs:
            slot.job_submitted(job)
        yield slot


def room(max_active: int, *, counted: int = 0, service: str = SERVICE) -> bool:
    """Tell whether another process would get a slot."""
    with closing(SubmissionSlot(service, max_active)) as slot:
        try:
            return slot.take(lambda: counted)
        except NoSlot:
            return False


def test_the_larger_of_the_services_count_and_the_own_jobs_counts() -> None:
    with submitted(951, 952):
        assert not room(2)
        assert room(3)
        assert room(3, counted=2)  # the same two: they are not added up
        assert not room(3, counted=3)


def test_a_job_counts_until_it_has_ended() -> None:
    with submitted(951, 952) as slot:
        slot.job_ended(951)

        assert room(2)
        slot.job_ended(951)  # once more does no harm

    assert room(1)


@pytest.mark.parametrize("service", OTHERS)
def test_jobs_of_another_service_do_not_count(service: str) -> None:
    with submitted(951, service=service):
        assert room(1)


@pytest.mark.parametrize("address", ["https://www.swift.ac.uk/API", "https://WWW.swift.ac.uk:443"])
def test_jobs_of_the_same_service_in_other_words_do(address: str) -> None:
    with submitted(951, service=address):
        assert not room(1)


def test_the_jobs_of_a_process_that_was_killed_are_the_services_to_count(state: Path) -> None:
    program = (
        "import os, signal; from ukssdc.slots import SubmissionSlot;"
        f"slot = SubmissionSlot({SERVICE!r}); slot.job_submitted(951); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert list(state.glob("active-*"))

    assert room(1)
    assert list(state.glob("active-*")) == []


def test_a_state_folder_that_cannot_be_written_does_not_lose_the_job(state: Path) -> None:
    with closing(SubmissionSlot(SERVICE)) as slot:
        state.rename(state.with_name("away"))

        slot.job_submitted(951)

        assert not state.exists()


def test_no_account_is_in_the_names(state: Path) -> None:
    with submitted(951, service="https://observer%40example.org:pw@www.swift.ac.uk") as slot:
        assert slot.take(lambda: 0)

        assert sorted(f.name for f in state.iterdir()) == [
            "active-www.swift.ac.uk-443-951.lock",
            "submit-www.swift.ac.uk-443.lock",
        ]


def test_what_holds_for_several_machines_is_asked_under_the_lock_and_left_with_the_slot() -> None:
    turns: list[str] = []

    @contextmanager
    def turn(*, ours: bool) -> Iterator[bool]:
        turns.append("taken")
        yield ours
        turns.append("left")

    with closing(SubmissionSlot(SERVICE, 5, lambda: turn(ours=True))) as slot:
        assert slot.take(lambda: len(turns) - 1)
        assert turns == ["taken"]
    assert turns == ["taken", "left"]

    with closing(SubmissionSlot(SERVICE, 5, lambda: turn(ours=False))) as slot:
        assert not slot.take(lambda: pytest.fail("counted though it is somebody else's turn"))
    assert turns == ["taken", "left"] * 2

"""A lock that somebody keeps is waited for in short tries, and its holder is named."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ukssdc import Job, Product, UKSSDCError
from ukssdc.record import JobFolder, locks
from ukssdc.record.locks import file_lock

LC = Product.LightCurve
JOB = Job(job_id=951, url="https://example.org/USERPROD_951", name="GRB 200416A", products=tuple(Product))
HOLD = """
import sys
from pathlib import Path
from ukssdc.record.locks import file_lock, folder_lock
path = Path(sys.argv[2])
with folder_lock(path) if sys.argv[1] == "folder" else file_lock(path):
    print("held", flush=True)
    sys.stdin.read()
"""
Hold = Callable[[str, Path], "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOCK_WAIT", 0.2)


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Return a function that has another process lock a file or a folder, and suspends it."""
    with ExitStack() as stack:

        def start(kind: str, path: Path) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", HOLD, kind, str(path)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            process.send_signal(signal.SIGSTOP)
            return process

        yield start


def test_a_products_lock_that_a_suspended_run_holds_names_it(tmp_path: Path, hold: Hold) -> None:
    process = hold("file", tmp_path / ".lc.lock")

    with pytest.raises(UKSSDCError, match="It is waited for") as raised, JobFolder(tmp_path, JOB).lock_archive(LC):
        pass

    assert raised.value.retryable
    assert f"process {process.pid} on {socket.gethostname()}" in str(raised.value)


def test_a_record_whose_folder_a_suspended_run_holds_is_tried_again(tmp_path: Path, hold: Hold) -> None:
    hold("folder", tmp_path)

    with pytest.raises(UKSSDCError, match="in use by another process") as raised, JobFolder(tmp_path, JOB).open():
        pass

    assert raised.value.retryable


def test_a_lock_is_had_again_when_its_holder_is_killed(tmp_path: Path, hold: Hold) -> None:
    process = hold("file", tmp_path / ".lc.lock")
    process.kill()
    process.wait()

    with JobFolder(tmp_path, JOB).lock_archive(LC) as held:
        text = (tmp_path / ".lc.lock").read_text()

    assert held
    assert text == f"{os.getpid()} {socket.gethostname()}"
    assert not (tmp_path / ".lc.lock").exists()


def test_a_try_leaves_the_holders_name(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"

    with file_lock(lock):
        with file_lock(lock) as second:
            assert not second

        assert lock.read_text() == f"{os.getpid()} {socket.gethostname()}"


@pytest.mark.parametrize("text", [b"", b"\x1b]52;c;evil\x07", b"951", b"\xff" * 5000, b"7 host\n\x1b[31m"])
def test_a_lock_file_that_names_nobody_is_not_repeated(tmp_path: Path, text: bytes) -> None:
    lock = tmp_path / ".lc.lock"

    with file_lock(lock):
        lock.write_bytes(text)
        with pytest.raises(UKSSDCError, match="in use by another process") as raised, file_lock(lock, wait=True):
            pass

    assert raised.value.retryable

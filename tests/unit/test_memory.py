"""A large archive passes through a small process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from xrt_support import USER

from ukssdc.emulator import Build, Emulator, Scenario

MIB = 2**20
MEASURE = Path(__file__).parents[1] / "benchmarks" / "memory.py"


def test_a_256_mib_archive_is_downloaded_with_less_than_32_mib_of_memory(tmp_path: Path) -> None:
    scenario = Scenario({"all": Build(requested=0, queued=0, running=0, size=256 * MIB)})

    with Emulator(users=(USER,), scenario=scenario) as emulator:
        done = subprocess.run(
            [sys.executable, MEASURE, "ukssdc", emulator.url, tmp_path], capture_output=True, text=True, check=False
        )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "image.tar.gz").stat().st_size == 256 * MIB
    assert json.loads(done.stdout)["grown"] < 32 * MIB

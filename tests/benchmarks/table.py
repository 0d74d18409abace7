"""What the benchmarks share: a table to read, and the same as JSON in test-results/."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "test-results"
Row = tuple[str, str, str]  # what, how much, and in terms of what it is compared with


def report(name: str, title: str, rows: list[Row], data: dict[str, Any]) -> None:
    """Print a table, and write `test-results/benchmark-NAME.json`."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load} at the end"
    RESULTS.mkdir(exist_ok=True)
    whole = {"benchmark": name, "machine": machine, **data}
    (RESULTS / f"benchmark-{name}.json").write_text(json.dumps(whole, indent=2) + "\n")
    width = max(len(what) for what, _, _ in rows)
    sys.stdout.write(f"{title}\n({machine})\n\n")
    sys.stdout.write("".join(f"{what:{width}}  {value:>12}  {ratio}\n" for what, value, ratio in rows) + "\n")

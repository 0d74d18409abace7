"""A light curve's table goes to stingray by the line that the README shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import emulated_results
import numpy as np
import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"```python\n((?:(?!```).)*?Lightcurve\(.*?)```", re.DOTALL)


@pytest.mark.long  # importing stingray takes 5 s
@pytest.mark.filterwarnings(
    "ignore:SIMON says:UserWarning",
    "ignore:The recommended numba:UserWarning",
    "ignore:Some functionalities:UserWarning",
)
def test_the_line_of_the_readme() -> None:
    from stingray import Lightcurve  # noqa: PLC0415 - as above

    curve = emulated_results.curve()
    names: dict[str, Any] = {"curve": curve, "Lightcurve": Lightcurve}
    [lines] = BLOCK.findall(README.read_text())
    exec(lines, names)  # noqa: S102 - it stands in our own document

    made, pc = names["lc"], curve["PC"]
    assert np.allclose(made.time, pc.time)
    assert np.allclose(made.countrate, pc.value)
    assert np.allclose(made.countrate_err, pc.value_pos)
    assert np.allclose(made.dt, np.subtract(pc.time_pos, pc.time_neg))
    assert np.allclose(made.counts, np.multiply(pc.value, made.dt))

"""pandas and astropy are optional: imported when needed; the error says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ukssdc.results import SourceList

SOURCES = SourceList.from_wire({"Total": [{"ra": "1.5", "dec": "2.5"}]})


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(ImportError, match=r"to_pandas\(\) needs pandas: .*pip install pandas.*xrt-products\[plots\]"):
        SOURCES.to_pandas()


def test_without_astropy_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "astropy.table", None)

    with pytest.raises(ImportError, match=r"to_table\(\) needs astropy: .*pip install astropy.*xrt-products\[tables\]"):
        SOURCES.to_table()


def test_reading_results_imports_neither() -> None:
    code = "import sys, ukssdc.results; print(sorted({'pandas', 'astropy', 'numpy', 'matplotlib'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"

"""What the reference client brings against what ours does, after the same step: equal, or the test fails."""

from __future__ import annotations

import re
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ukssdc import JobStatus
from ukssdc.results import LightCurveData, Position

JOB = re.compile(rb"[Jj]ob \d+|USERPROD_\d+")  # the two clients have a job each
FOLDER = re.compile(r"((?:USERPROD|REBIN)_)\d+")
OLD_COLUMNS = {"T_+ve": "TimePos", "T_-ve": "TimeNeg", "Ratepos": "RatePos", "Rateneg": "RateNeg"}


def assert_same_status(there: dict[str, Any], here: JobStatus) -> None:
    assert list(there) == list(here)
    for product, status in here.items():
        expected = (status["statusCode"], status["statusText"], status["progress"], status.progress_text)
        entry = there[product]
        assert (entry["statusCode"], entry["statusText"], entry["progress"], entry["progressText"]) == expected


def assert_same_position(there: dict[str, Any], here: Position) -> None:
    assert there["GotPos"] is here.found is True
    assert (float(there["RA"]), float(there["Dec"]), float(there["Err90"])) == (here.ra, here.dec, here.err90)


def assert_same_curve(there: dict[str, Any], curve: LightCurveData) -> None:
    assert there["Datasets"] == list(curve.datasets) != []
    assert (there["Binning"], there["TimeFormat"], there.get("T0")) == (curve.binning, curve.time_format, curve.t0)
    for name, dataset in curve.datasets.items():
        table = there[name].rename(columns=OLD_COLUMNS)
        columns = dataset.all_columns()
        if "UpperLimit" in columns and "UpperLimit" not in table:
            table = table.rename(columns={"Rate": "UpperLimit"})
        assert list(table.columns) == list(columns)
        for column, values in columns.items():
            assert np.array_equal(table[column].to_numpy(), np.array(values)), (name, column)
    assert there.get("URLs", {}) == {name: d.url for name, d in curve.datasets.items() if d.url}


def contents(archive: Path) -> dict[str, Any]:
    """Return the files of an archive, and those of the archives in it."""
    with zipfile.ZipFile(archive) as opened:
        files: dict[str, Any] = {name: opened.read(name) for name in opened.namelist()}
    for name in [name for name in files if name.endswith(".tar.gz")]:
        with tarfile.open(fileobj=BytesIO(files[name])) as inner:
            files[name] = {m.name: f.read() for m in inner if (f := inner.extractfile(m))}
    return {name: data if isinstance(data, dict) else JOB.sub(b"", data) for name, data in files.items()}


def of_job(answer: Any, number: int) -> Any:
    """Return what the reference client has of its job, or rebinning, with the addresses of another one."""
    if isinstance(answer, dict):
        return {key: of_job(value, number) for key, value in answer.items()}
    return FOLDER.sub(rf"\g<1>{number}", answer) if isinstance(answer, str) else answer


def points_in(axes: Any) -> set[tuple[float, float]]:
    """Return the bins that are drawn as points with error bars."""
    drawn = [container for container in axes.containers if container.lines[0] is not None]
    return {(float(x), float(y)) for container in drawn for x, y in zip(*container.lines[0].get_data(), strict=True)}


def colours_in(axes: Any) -> dict[str, str]:
    return {c.get_label(): c.lines[0].get_color() for c in axes.containers if c.lines[0] is not None}

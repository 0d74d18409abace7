"""What the reference client brings against what ours does, after the same step: equal, or the test fails."""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from spectra_as_sent import as_the_service_sends

from ukssdc import DownloadedFile, JobStatus, OldJob, Product, ProductStatus
from ukssdc.job import CancelReport
from ukssdc.results import LightCurveData, Position, SourceList, SpectralFits

NUMBER = re.compile(r"-?\d+(\.\d+)?")
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
    """Return the bins that are drawn with a marker; upper limits have none."""
    drawn = [line for c in axes.containers if (line := c.lines[0]) is not None and line.get_marker() != "None"]
    return {(float(x), float(y)) for line in drawn for x, y in zip(*line.get_data(), strict=True)}


def colours_in(axes: Any) -> dict[str, str]:
    return {c.get_label(): c.lines[0].get_color() for c in axes.containers if c.lines[0] is not None}


OURS: dict[type, Callable[[Any], Any]] = {
    LightCurveData: lambda curve: {name: dataset.to_pandas() for name, dataset in curve.datasets.items()},
    JobStatus: dict,
    ProductStatus: lambda status: [status.status_code, status.status_text],
    CancelReport: lambda report: [report.complete, {p: [code, report.texts[p]] for p, code in report.codes.items()}],
    OldJob: lambda job: [job.job_id, job.name, list(job.products), f"{job.submitted:%Y-%m-%d}"],
    DownloadedFile: lambda file: file.path.name,
    Position: lambda position: [position.found, position.ra, position.dec, position.err90],
    SourceList: lambda found: {band: [source.values for source in sources] for band, sources in found.bands.items()},  # noqa: PD011
    SpectralFits: as_the_service_sends,
    Axes: lambda axes: sorted(points_in(axes)),
    pd.DataFrame: lambda table: table.to_dict("records"),
    pd.Series: dict,
}
THEIRS: dict[tuple[str, ...], Callable[[Any], Any]] = {  # by the keys of their dicts
    ("Datasets", "Binning"): lambda curve: {name: curve[name] for name in curve["Datasets"]},
    ("statusCode", "statusText"): lambda status: [status["statusCode"], status["statusText"]],
    ("code", "text"): lambda cancelled: [cancelled["code"], cancelled["text"]],
    ("JobID", "DateSubmitted"): lambda job: [
        *(job["JobID"], job["Name"], [p for p in Product if job.get(p.value)], job["DateSubmitted"][:10])
    ],
    ("GotPos", "Err90"): lambda position: [
        bool(position["GotPos"]),
        position["RA"],
        position["Dec"],
        position["Err90"],
    ],
}


def plain(value: Any) -> Any:
    """Return a result of either client in a form in which equal results are equal."""
    for kind, read in OURS.items():
        if isinstance(value, kind):
            return plain(read(value))
    if isinstance(value, Mapping):
        for keys, read in THEIRS.items():
            if value.keys() >= set(keys):
                return plain(read(value))
        return {str(key): plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return plain(value[1]) if isinstance(value[0] if value else None, Figure) else [plain(item) for item in value]
    return _plain_text(value) if isinstance(value, str) else _plain_number(value)


def _plain_text(text: str) -> Any:
    if text.startswith("{"):
        return plain(json.loads(text))
    if text.startswith("/"):
        return Path(text).name
    return float(text) if NUMBER.fullmatch(text) else str(text)


def _plain_number(value: Any) -> Any:
    return float(value) if isinstance(value, int | float | np.number) else value

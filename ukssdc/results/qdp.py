"""Light curves as QDP, the format of HEASOFT's plotting program and of the service's own files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ukssdc.texts import replace_controls

if TYPE_CHECKING:
    from ukssdc.results.dataset import Dataset

GROUP_END = "NO\tNO\tNO\tNO\tNO\tNO"


def qdp_text(datasets: Sequence[Dataset]) -> str:
    """Return datasets as the groups of one QDP file: time and value with two errors each; `NO` where there is none.

    An upper limit has errors of 0, as in the service's files.
    """
    groups = [_group(dataset) for dataset in datasets]
    return "\n".join(["READ TERR 1 2", f"\n{GROUP_END}\n".join(groups), ""])


def _group(dataset: Dataset) -> str:
    head = " ".join(replace_controls(f"! {dataset.name}: {dataset.kind}").split())
    names = "!" + "\t".join(
        ("Time", "TimePos", "TimeNeg", *(f"{dataset.kind.column}{end}" for end in ("", "Pos", "Neg")))
    )
    columns = (
        *(dataset.time, dataset.time_pos, dataset.time_neg),
        *(dataset.value, dataset.value_pos, dataset.value_neg),
    )
    return "\n".join([head, names, *("\t".join(_cells(row)) for row in zip(*columns, strict=True))])


def _cells(row: Iterable[float]) -> Iterable[str]:
    return (repr(number) if math.isfinite(number) else "NO" for number in row)

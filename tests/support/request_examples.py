"""Requests for the tests: the least that is right, and ways to change it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ukssdc import InvalidRequest, ProductRequest

VECTORS = Path(__file__).parents[1] / "vectors"
CASES = json.loads((VECTORS / "requests.json").read_text())
TITLES = [case["title"] for case in CASES]
EMAIL = "observer@example.org"
TARGET: dict[str, Any] = {
    "name": "GRB 200416A",
    "targ": "00966554",
    "RA": 335.6985,
    "Dec": -7.5179,
    "centroid": True,
    "posErr": 1.0,
}
COUNTS = {"binMeth": "counts", "pcCounts": 20, "wtCounts": 30, "dynamic": True}


def flat(**more: Any) -> dict[str, Any]:
    """Return a request for a standard position, in the flat form, with some more or something else."""
    return {**TARGET, "StandardPos": {}, **more}


def problems_of(request: Any) -> tuple[str, ...]:
    """Return what is said to be wrong with a request."""
    with pytest.raises(InvalidRequest) as refused:
        ProductRequest.model_validate(request)
    return refused.value.problems


def only_problem_of(request: Any) -> str:
    """Return the one thing that is said to be wrong with a request."""
    (problem,) = problems_of(request)
    return problem

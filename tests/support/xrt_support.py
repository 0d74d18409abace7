"""What several test modules share: the account, quick builds, requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ukssdc import Job, Product, ProductRequest
from ukssdc.emulator import Build, Emulator

USER = "observer@example.org"
INTERVAL = 0.2  # s
MINUTE = 60.0  # service seconds; in the flow tests each poll is a minute
QUICK = Build(requested=0, queued=0, running=30)  # running at the first poll, complete at the second
GLOBALS: dict[str, Any] = {
    "name": "GRB 200416A",
    "getTargs": True,
    "RA": 335.6985,
    "Dec": -7.5179,
    "centroid": True,
    "posErr": 1.0,
}
PARAMETERS: dict[Product, dict[str, Any]] = {
    Product.LightCurve: {"binMeth": "counts", "pcCounts": 20, "wtCounts": 30, "dynamic": True},
    Product.Spectrum: {"hasRedshift": False},
    Product.SourceDet: {"whichData": "user", "useObs": "00966554000"},
}

Serve = Callable[..., Emulator]
Rebinnable = Callable[..., tuple[Emulator, Job]]


def request_for(*products: Product, **globals_: Any) -> ProductRequest:
    """Return a request for these products of GRB 200416A."""
    return ProductRequest.model_validate(
        {"globals": GLOBALS | globals_, "products": {p: PARAMETERS.get(p, {}) for p in products}}
    )

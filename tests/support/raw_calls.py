"""Calls to the emulator as they go over the wire, without the client: what comes back is what was sent."""

from __future__ import annotations

from typing import Any

import requests
from xrt_support import USER, request_for

from ukssdc import Product
from ukssdc.emulator import Build, Emulator, Scenario

TIMEOUT = 10.0  # s
OTHER = "colleague@example.org"
# Requested for 2 s, in the queue until 12 s, running until 112 s; the standard position until 62 s.
BUILDS: dict[Any, Build] = {
    "all": Build(requested=2, queued=10, running=100),
    Product.StandardPos: Build(running=50),
}


def frozen(builds: dict[Any, Build] | None = None, **options: Any) -> Emulator:
    """Return an emulator, not yet started, whose time only moves when it is told to."""
    emulator = Emulator(users=(USER, OTHER), scenario=Scenario(BUILDS | (builds or {})), **options)
    emulator.freeze()
    return emulator


def post(emulator: Emulator, path: str, user: str = USER, **body: Any) -> requests.Response:
    """Send a call with the three keys that all have in common."""
    common = {"api_name": "xrt_prods", "api_version": "1.12", "UserID": user}
    return requests.post(f"{emulator.url}/{path}", json=common | body, timeout=TIMEOUT)


def call(emulator: Emulator, path: str, user: str = USER, **body: Any) -> dict[str, Any]:
    """Send a call and return its JSON answer."""
    answer: dict[str, Any] = post(emulator, path, user, **body).json()
    return answer


def submit(emulator: Emulator, *products: Product, user: str = USER, **globals_: Any) -> int:
    """Submit a request for these products and return the job's number."""
    body = request_for(*products, **globals_).to_wire(user)
    answer = requests.post(f"{emulator.url}/run_userobject.php", json=body, timeout=TIMEOUT).json()
    assert answer["OK"] == 1, answer
    return int(answer["JobID"])


def status(emulator: Emulator, job_id: int, *products: Product, user: str = USER) -> dict[str, Any]:
    """Ask for the status of these products, with their progress."""
    what = ",".join(p.wire for p in products)
    return call(emulator, "checkProductStatus.php", user, JobID=job_id, what=what, whatProg=what)


def cancel(emulator: Emulator, job_id: int, *products: Product, user: str = USER) -> dict[str, Any]:
    """Ask for these products to be cancelled."""
    return call(emulator, "canceljob.php", user, JobID=job_id, what=",".join(p.wire for p in products))


def code_of(emulator: Emulator, job_id: int, product: Product) -> Any:
    """Return a product's status code as it comes."""
    return status(emulator, job_id, product)[product.wire]["statusCode"]

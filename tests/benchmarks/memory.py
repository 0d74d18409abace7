"""Download the archive of a finished image with one of the two clients, and say how much this process has grown.

Usage: memory.py ukssdc|swifttools URL DIRECTORY
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

USER = "observer@example.org"
REQUEST = {
    "name": "GRB 200416A",
    "getTargs": True,
    "RA": 335.6985,
    "Dec": -7.5179,
    "centroid": True,
    "posErr": 1.0,
    "useSXPS": False,
}


def with_ukssdc(url: str, directory: str) -> Callable[[], object]:
    """Submit with our client, and return what downloads."""
    from ukssdc import Client  # noqa: PLC0415

    client = Client(USER, url)
    job = client.submit({"globals": REQUEST, "products": {"Image": {}}})
    client.status(job)
    return lambda: client.download(job, "Image", directory)


def with_swifttools(url: str, directory: str) -> Callable[[], object]:
    """Submit with the reference client, and return what downloads."""
    from swifttools.ukssdc.xrt_prods import XRTProductRequest  # noqa: PLC0415

    request = XRTProductRequest(USER)
    request._baseURL = url
    request.setGlobalPars(**REQUEST)
    request.addImage()
    if not request.submit() or not request.complete:
        raise SystemExit(request.submitError)
    return lambda: request.downloadProducts(directory)


def peak_memory() -> int:
    """Return the peak of this process's resident memory, bytes (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise SystemExit("this system does not tell the peak of a process's memory")
    return int(found[1]) * 1024


def main() -> None:
    """Measure the growth of the peak resident memory, bytes, and the times, s: of the clock, and of the processor."""
    client, url, directory = sys.argv[1:]
    download = {"ukssdc": with_ukssdc, "swifttools": with_swifttools}[client](url, directory)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew; getrusage's is inherited from the parent
    before, busy = peak_memory(), time.process_time()
    began = time.perf_counter()
    download()
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    sys.stdout.write(json.dumps({"grown": peak_memory() - before, "seconds": seconds, "processor": busy}) + "\n")


if __name__ == "__main__":
    main()

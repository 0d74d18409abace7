"""The addresses of the service, below its root, and the names of the calls (protocol, section 2)."""

from __future__ import annotations

import re
from typing import Final

ROOT: Final = "/user_objects"
# path: name of the call
CALLS: Final = {
    "run_userobject.php": "submit",
    "checkProductStatus.php": "status",
    "canceljob.php": "cancel",
    "getNumJobs.php": "active_jobs",
    "listOldJobs.php": "old_jobs",
    "getOldProduct.php": "old_job",
    "tprods/getPSFPos.php": "standard_position",
    "tprods/getEnhPos.php": "enhanced_position",
    "tprods/getAstromPos.php": "astrometric_position",
    "tprods/getSourceDetResults.php": "source_list",
    "tprods/getLCData.php": "light_curve",
    "tprods/getSpecData.php": "spectral_fits",
}
FILE_PATH: Final = re.compile(r"tprods/(?P<kind>USERPROD|REBIN)_(?P<number>\d{1,18})/(?P<file>.+)")
REBIN_PATH: Final = "/API/main.php"  # beside the root, not below it; its functions share the address (section 7)
REBIN_CALLS: Final = {
    "rebinLightCurve": "rebin",
    "checkRebinStatus": "rebin_status",
    "cancelRebin": "cancel_rebin",
    "downloadLightCurve": "rebinned_light_curve",
}


def relative_path(path: str) -> str:
    """Return a path below the service's root, as `CALLS` has it."""
    return path.removeprefix(ROOT).strip("/")


def call_name(method: str, path: str) -> str:
    """Return the name of a call as the ledger records it; which function of `REBIN_PATH` it is, the body says."""
    below = relative_path(path)
    if method == "POST":
        return CALLS.get(below, "unknown")
    return "download" if FILE_PATH.fullmatch(below) else "unknown"

"""Swift-XRT products from the UKSSDC: the service's client, without Prefect.

Its parts are imported when they are first used, so that the command line starts quickly.

>>> from ukssdc import Client, ProductRequest
>>> job = Client.from_environment().submit(ProductRequest.from_file("grb.yaml"))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ukssdc.client import Client
    from ukssdc.download import DownloadedFile
    from ukssdc.download.archive import ArchiveFormat, IfExists
    from ukssdc.errors import DownloadError, InvalidRequest, ProtocolError, ServiceError, TransportError, UKSSDCError
    from ukssdc.job import CancelCode, CancelReport, Job, OldJob
    from ukssdc.progress import progress_text
    from ukssdc.rebin import Rebin
    from ukssdc.request import ProductRequest
    from ukssdc.service import BASE_URL, REGISTRATION_URL
    from ukssdc.status import JobStatus, Product, Products, ProductStatus, StatusCode

_HOMES = {
    "ArchiveFormat": "ukssdc.download.archive",
    "BASE_URL": "ukssdc.service",
    "CancelCode": "ukssdc.job",
    "CancelReport": "ukssdc.job",
    "Client": "ukssdc.client",
    "DownloadError": "ukssdc.errors",
    "DownloadedFile": "ukssdc.download",
    "IfExists": "ukssdc.download.archive",
    "InvalidRequest": "ukssdc.errors",
    "Job": "ukssdc.job",
    "JobStatus": "ukssdc.status",
    "OldJob": "ukssdc.job",
    "Product": "ukssdc.status",
    "ProductRequest": "ukssdc.request",
    "ProductStatus": "ukssdc.status",
    "Products": "ukssdc.status",
    "ProtocolError": "ukssdc.errors",
    "REGISTRATION_URL": "ukssdc.service",
    "Rebin": "ukssdc.rebin",
    "ServiceError": "ukssdc.errors",
    "StatusCode": "ukssdc.status",
    "TransportError": "ukssdc.errors",
    "UKSSDCError": "ukssdc.errors",
    "progress_text": "ukssdc.progress",
}

__all__ = [
    "BASE_URL",
    "REGISTRATION_URL",
    "ArchiveFormat",
    "CancelCode",
    "CancelReport",
    "Client",
    "DownloadError",
    "DownloadedFile",
    "IfExists",
    "InvalidRequest",
    "Job",
    "JobStatus",
    "OldJob",
    "Product",
    "ProductRequest",
    "ProductStatus",
    "Products",
    "ProtocolError",
    "Rebin",
    "ServiceError",
    "StatusCode",
    "TransportError",
    "UKSSDCError",
    "progress_text",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ukssdc' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value

"""Swift-XRT products from the UKSSDC: the service's client, without Prefect.

>>> from ukssdc import Client, ProductRequest
>>> job = Client.from_environment().submit(ProductRequest.from_file("grb.yaml"))
"""

from ukssdc._transport import BASE_URL, REGISTRATION_URL
from ukssdc.archive import ArchiveFormat
from ukssdc.client import Client
from ukssdc.download import DownloadedFile, IfExists
from ukssdc.errors import DownloadError, InvalidRequest, ProtocolError, ServiceError, TransportError, UKSSDCError
from ukssdc.job import CancelCode, CancelReport, Job, OldJob
from ukssdc.request import ProductRequest
from ukssdc.status import JobStatus, Product, Products, ProductStatus, StatusCode, progress_text

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
    "ServiceError",
    "StatusCode",
    "TransportError",
    "UKSSDCError",
    "progress_text",
]

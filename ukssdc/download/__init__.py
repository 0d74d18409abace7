"""One archive: fetched, resumed, verified, extracted."""

from ukssdc.download.archive import ArchiveFormat, IfExists
from ukssdc.download.product import DownloadedFile, download_archive

__all__ = ["ArchiveFormat", "DownloadedFile", "IfExists", "download_archive"]

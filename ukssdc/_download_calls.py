"""The client's calls for archives: one product's, or all that are complete."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ukssdc._http import Transport
from ukssdc.download import DownloadedFile, download_archive
from ukssdc.download.fetch import Progress, Source
from ukssdc.download.stall import DownloadLimits
from ukssdc.errors import DownloadError, UKSSDCError
from ukssdc.job import Job
from ukssdc.record import JobFolder
from ukssdc.status import JobStatus, Product, Products, select_products

if TYPE_CHECKING:
    from ukssdc.download.archive import ArchiveFormat, IfExists
    from ukssdc.download.bars import DownloadBars


class DownloadCalls:
    """Part of `Client`."""

    _transport: Transport
    _limits: DownloadLimits

    if TYPE_CHECKING:

        def status(self, job: Job, products: Products = "all") -> JobStatus:
            """Ask where the products stand."""

    def download(
        self,
        job: Job,
        product: Product | str,
        directory: str | os.PathLike[str],
        format: ArchiveFormat = "tar.gz",  # noqa: A002 - the service's users know it by this name
        if_exists: IfExists = "skip",
        progress: Progress | None = None,
        extract: bool = False,
        stem: str = "",
    ) -> DownloadedFile:
        """Fetch a complete product's archive: streamed, verified, and only then given its name.

        Parameters
        ----------
        job : Job
        product : Product or str
        directory : path
            The job's folder; `job.json` in it keeps the check sums. It is made where it is missing.
        format : {"tar.gz", "tar", "zip"}, optional
        if_exists : {"skip", "replace", "error"}, optional
            What to do about a file of that name: keep it if `job.json` knows it, replace it, or refuse.
        progress : callable, optional
            Called with the bytes so far and, where known, the total: at the beginning and after each piece.
        extract : bool, optional
            Whether to unpack the archive as well, into a folder beside it: `lc/` beside `lc.tar.gz`. `if_exists` goes
            for that folder, too; links, and names that lead out of it, are refused. The slices of a spectrum are
            unpacked in it: `spec/interval0/`.
        stem : str, optional
            What the names of archive and folder begin with: "M82_" makes `M82_lc.tar.gz`.

        Returns
        -------
        DownloadedFile

        Raises
        ------
        DownloadError
            Where the archive did not arrive whole, could not be stored, or is not safe to unpack.
        UKSSDCError
            Where the folder cannot be written, or belongs to another job.
        ValueError
            Where a name cannot begin with `stem`.
        """
        (wanted,) = select_products([product], job.products)
        return download_archive(
            Source(self._transport.session, self._transport.base_url, self._limits, self._transport.redact),
            JobFolder(Path(directory), job, stem=stem),
            wanted,
            archive_format=format,
            if_exists=if_exists,
            extract=extract,
            progress=progress,
        )

    def download_all(
        self,
        job: Job,
        directory: str | os.PathLike[str],
        products: Products = "all",
        format: ArchiveFormat = "tar.gz",  # noqa: A002 - as above
        if_exists: IfExists = "skip",
        extract: bool = False,
        stem: str = "",
        bar: bool = True,
    ) -> dict[Product, DownloadedFile]:
        """Fetch the archives of all products that are complete; one that fails is no obstacle to the others.

        Parameters
        ----------
        job : Job
        directory : path
            The job's folder.
        products : "all" or list or tuple of str, optional
            With "all", what is not complete is left out.
        format, if_exists, extract, stem
            As for `download`.
        bar : bool, optional
            Whether to show bars, where there is a terminal or a notebook to show them in.

        Returns
        -------
        dict
            Product -> `DownloadedFile`.

        Raises
        ------
        UKSSDCError
            Where a product that is named is not complete; nothing has been fetched.
        DownloadError
            The first error; its notes name the others. What could be fetched is on disk, and skipped the next time.
        ServiceError, TransportError, ProtocolError, ValueError
            As for `status` and `download`.
        """
        status = self.status(job, products)
        wanted = [product for product in status if status[product].complete]
        pending = {product: status[product] for product in status if product not in wanted}
        if products != "all" and pending:
            raise UKSSDCError(
                f"job {job.job_id}: not complete: {', '.join(f'{p} ({state})' for p, state in pending.items())}. "
                'Ask again later, or for "all", which leaves out what is not complete'
            )
        files: dict[Product, DownloadedFile] = {}
        errors: list[DownloadError] = []
        with ExitStack() as stack:
            show = stack.enter_context(_bars()) if bar else None
            for product in wanted:
                try:
                    files[product] = self.download(
                        *(job, product, directory, format, if_exists),
                        progress=show.of(product) if show else None,
                        extract=extract,
                        stem=stem,
                    )
                except DownloadError as error:
                    errors.append(error)
        if errors:
            for other in errors[1:]:
                errors[0].add_note(str(other))
            raise errors[0]
        return files


def _bars() -> DownloadBars:
    from ukssdc.download.bars import DownloadBars  # noqa: PLC0415 - rich is only imported where bars are shown

    return DownloadBars()

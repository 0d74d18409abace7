"""The service's client: one method per call (protocol, section 2)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from ukssdc._answer import PARAMETERS, RESULTS
from ukssdc._download_calls import DownloadCalls
from ukssdc._http import Transport
from ukssdc._light_curve_calls import LightCurveCalls
from ukssdc.download.stall import DownloadLimits
from ukssdc.errors import ProtocolError, SubmissionRefused, UKSSDCError
from ukssdc.job import CancelReport, Job, OldJobs, read_int
from ukssdc.limits import FIRST_BYTE_TIMEOUT, TIMEOUT, read_timeouts
from ukssdc.notebook import html_table, short_repr
from ukssdc.request import ProductRequest
from ukssdc.service import BASE_URL
from ukssdc.status import JobStatus, Product, Products, select_products
from ukssdc.times import utcnow

if TYPE_CHECKING:
    from ukssdc.results import Position, SourceList, SpectralFits


class Client(DownloadCalls, LightCurveCalls):
    """A user's way to the UKSSDC's XRT product service.

    Parameters
    ----------
    email : str
        The registered e-mail address, the service's only credential; it is kept out of every message.
    base_url : str, optional
        Where the service is.
    timeout : tuple of float, optional
        Longest wait for a connection, and for an answer, s.
    first_byte_timeout : float, optional
        Longest wait for the first byte of an archive, s: the service packs large ones on demand.

    Raises
    ------
    UKSSDCError
        Where there is no e-mail address, or `base_url` is no address.

    Examples
    --------
    >>> client = Client("observer@example.org")
    >>> job = client.submit(request)
    >>> client.status(job).complete
    False
    """

    def __init__(
        self,
        email: str,
        base_url: str = BASE_URL,
        timeout: tuple[float, float] = TIMEOUT,
        first_byte_timeout: float = FIRST_BYTE_TIMEOUT,
    ) -> None:
        self._transport = Transport(email, base_url, timeout)
        self._limits = DownloadLimits(timeout[0], first_byte_timeout, timeout[1])

    @classmethod
    def from_environment(cls) -> Self:
        """Make a client for the account in UKSSDC_USER.

        UKSSDC_URL, where it is set, is the address of the service, UKSSDC_TIMEOUT the longest wait for an answer, s,
        UKSSDC_FIRST_BYTE_TIMEOUT that for the first byte of an archive, s.

        Raises
        ------
        UKSSDCError
            Where there is no account, or one of the others makes no sense.
        """
        email, url = (os.environ.get(name, "") for name in ("UKSSDC_USER", "UKSSDC_URL"))
        if email and "@" not in email:
            raise UKSSDCError(
                "UKSSDC_USER is set, but is no e-mail address: set it to the one you are registered with at the service"
            )
        return cls(email, url or BASE_URL, *read_timeouts())

    def __repr__(self) -> str:
        return short_repr("Client", [("base_url", self.base_url)])

    def _repr_html_(self) -> str:
        rows = [("service", self.base_url), ("account", "set; it is shown nowhere")]
        return html_table("Client of the XRT product service", (), rows)

    def is_account(self, email: str) -> bool:
        """Tell whether an e-mail address is the account's."""
        return email.strip().casefold() == self._transport.email.casefold()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; left to the garbage collector, that would swallow a Ctrl-C."""
        self._transport.session.close()

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self._transport.base_url

    def submit(self, request: ProductRequest | Mapping[str, Any]) -> Job:
        """Ask for products to be built. Every call makes a new job.

        Parameters
        ----------
        request : ProductRequest or mapping
            What to build; a mapping in any form that `ProductRequest.model_validate` takes.

        Returns
        -------
        Job

        Raises
        ------
        InvalidRequest
            Where the request is wrong; nothing has been sent.
        SubmissionRefused, TransportError, ProtocolError
        """
        wanted = ProductRequest.revalidate(request)
        body = wanted.to_wire(self._transport.email)
        path = "run_userobject.php"
        answer = self._transport.call(path, "submit the request", refusal=SubmissionRefused, limits=PARAMETERS, **body)
        job = Job.from_wire(answer, id_key="JobID", at=self._address(path), products=wanted.products)
        return job.model_copy(update={"name": wanted.name, "submitted": utcnow()})  # it may have changed the name

    def status(self, job: Job, products: Products = "all") -> JobStatus:
        """Ask, in one call, where a job's products stand; not more than once a minute, please.

        Parameters
        ----------
        job : Job
        products : "all" or list or tuple of str, optional

        Returns
        -------
        JobStatus
            Product name -> `ProductStatus`.

        Raises
        ------
        ValueError
            Where `products` is a bare product name or empty, or names something that is no product.
        ServiceError, TransportError, ProtocolError
        """
        wanted = _at_least_one(products, job)
        what = ",".join(p.wire for p in wanted)
        answer = self._transport.call(
            "checkProductStatus.php", f"get the status of job {job.job_id}", JobID=job.job_id, what=what, whatProg=what
        )
        return JobStatus.from_wire(answer, wanted)

    def cancel(self, job: Job, products: Products = "all") -> CancelReport:
        """Cancel products that are not wanted any more.

        Parameters
        ----------
        job : Job
        products : "all" or list or tuple of str, optional

        Returns
        -------
        CancelReport
            What became of each; that some could not be cancelled is no error.

        Raises
        ------
        ValueError
            As for `status`.
        ServiceError, TransportError, ProtocolError
        """
        wanted = _at_least_one(products, job)
        what = ",".join(p.wire for p in wanted)
        answer = self._transport.call(
            "canceljob.php", f"cancel job {job.job_id}", details="statusCodes", JobID=job.job_id, what=what
        )
        return CancelReport.from_wire(answer, job.job_id, wanted)

    def attach(self, job_id: int) -> Job:
        """Take up a job that exists already.

        Raises
        ------
        ServiceError
            Where there is no such job, or it is someone else's.
        TransportError, ProtocolError
        """
        path = "getOldProduct.php"
        answer = self._transport.call(path, f"find job {job_id}", limits=PARAMETERS, oldJob=job_id)
        return Job.from_wire({**answer, "oldJob": job_id}, id_key="oldJob", at=self._address(path))

    def jobs(self) -> OldJobs:
        """List all jobs ever submitted by this user, newest first; `.unreadable` counts what could not be read."""
        path = "listOldJobs.php"
        answer = self._transport.call(path, "list the jobs")
        return OldJobs.from_wire(answer, at=self._address(path))

    def count_active_jobs(self) -> int:
        """Count this user's jobs that are queued or running; the service asks to keep it to about 5."""
        path = "getNumJobs.php"
        answer = self._transport.call(path, "count the active jobs")
        count = read_int(answer.get("numJobs"))
        if count is None:
            raise ProtocolError(
                "the service's answer holds no number of jobs", url=self._address(path), start=str(answer)[:200]
            )
        return count

    def standard_position(self, job: Job) -> Position:
        """Return the standard position: deg, J2000, with its 90 % error in arcsec; or why there is none."""
        return self._position(job, Product.StandardPos, "tprods/getPSFPos.php")

    def enhanced_position(self, job: Job) -> Position:
        """Return the enhanced position: deg, J2000, with its 90 % error in arcsec; or why there is none."""
        return self._position(job, Product.EnhancedPos, "tprods/getEnhPos.php")

    def astrometric_position(self, job: Job) -> Position:
        """Return the astrometric position: deg, J2000, with its 90 % error in arcsec; or why there is none."""
        return self._position(job, Product.AstromPos, "tprods/getAstromPos.php")

    def spectral_fits(self, job: Job) -> SpectralFits:
        """Return the automatic fits of every spectrum; errors as for `light_curve`."""
        from ukssdc.results import SpectralFits  # noqa: PLC0415 - the models are only built where they are used

        path = "tprods/getSpecData.php"
        return SpectralFits.from_wire(self._results(job, Product.Spectrum, path), at=self._address(path))

    def source_list(self, job: Job) -> SourceList:
        """Return the sources that were detected, band by band; errors as for `light_curve`."""
        from ukssdc.results import SourceList  # noqa: PLC0415 - as above

        path = "tprods/getSourceDetResults.php"
        return SourceList.from_wire(self._results(job, Product.SourceDet, path), at=self._address(path))

    def _position(self, job: Job, product: Product, path: str) -> Position:
        from ukssdc.results import Position  # noqa: PLC0415 - as above

        return Position.from_wire(self._results(job, product, path), at=self._address(path))

    def _results(self, job: Job, product: Product, path: str, **body: Any) -> dict[str, Any]:
        doing = f"get the {product.label} of job {job.job_id}"
        return self._transport.call(path, doing, limits=RESULTS, JobID=job.job_id, **body)

    def _address(self, path: str) -> str:
        return f"{self.base_url}/{path}"


def _at_least_one(products: Products, job: Job) -> tuple[Product, ...]:
    wanted = select_products(products, job.products)
    if not wanted:
        raise ValueError(f'no product is given: "all", or a list with at least one of {", ".join(job.products)}')
    return wanted


def refuse_address(account: str | None) -> None:
    """Refuse an e-mail address where the name of a block belongs, without repeating it: it would be stored and shown.

    Raises
    ------
    UKSSDCError
    """
    if account is not None and "@" in account:
        raise UKSSDCError(
            "account is the name of a Prefect block and not an e-mail address: put the address into the environment "
            "variable UKSSDC_USER, or into a block (see the README)"
        )

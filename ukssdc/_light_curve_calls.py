"""The client's calls about light curves: their data, and binning them anew (protocol, sections 2 and 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from ukssdc._answer import RESULTS
from ukssdc._http import Transport
from ukssdc.errors import ProtocolError, ServiceError
from ukssdc.job import Job, read_job_id
from ukssdc.rebin import Rebin, check_rebinnable, read_binning
from ukssdc.status import ProductStatus
from ukssdc.times import utcnow

if TYPE_CHECKING:
    from ukssdc.results import LightCurveData

YesNoBoth = Literal["no", "yes", "both"]


class LightCurveCalls:
    """Part of `Client`."""

    _transport: Transport

    @overload
    def light_curve(self, job: Job, nosys: YesNoBoth = "no", incbad: YesNoBoth = "no") -> LightCurveData: ...
    @overload
    def light_curve(self, job: Rebin, nosys: YesNoBoth = "no", incbad: YesNoBoth = "no") -> LightCurveData: ...
    def light_curve(self, job: Job | Rebin, nosys: YesNoBoth = "no", incbad: YesNoBoth = "no") -> LightCurveData:
        """Return the light curve, ct/s against s since T0 or MJD.

        Parameters
        ----------
        job : Job or Rebin
            A job, for the light curve as it was built; or a rebinning, for the light curve as it was binned anew.
        nosys : {"no", "yes", "both"}, optional
            Whether to leave out the systematic error in WT mode.
        incbad : {"no", "yes", "both"}, optional
            Whether to include the times at which no centroid was found.

        Raises
        ------
        ServiceError
            Where there is no light curve, or not yet.
        TransportError, ProtocolError
        """
        from ukssdc.results import LightCurveData  # noqa: PLC0415 - the models are only built where they are used

        doing = f"get the light curve of {'job ' * isinstance(job, Job)}{job.job_id if isinstance(job, Job) else job}"
        what: dict[str, Any] = {"nosys": nosys, "incbad": incbad}
        if isinstance(job, Job):
            path = "tprods/getLCData.php"
            answer = self._transport.call(path, doing, limits=RESULTS, JobID=job.job_id, **what)
            return LightCurveData.from_wire(answer, at=f"{self._transport.base_url}/{path}").of_job(job.parameters)
        what |= {"type": "REBIN_LC"}
        answer = self._call_rebin("downloadLightCurve", doing, limits=RESULTS, objectID=job.rebin_id, **what)
        if "NOLC" in answer:
            answer = {"Datasets": []} | answer
        return LightCurveData.from_wire(answer, at=self._transport.rebin_url).of_job(
            job.as_job.parameters if job.parameters else {}
        )

    def rebin(self, job: Job, bin_method: str | None = None, **parameters: Any) -> Rebin:
        """Have a job's complete light curve binned anew, without a new job. Every call is a new rebinning.

        Parameters
        ----------
        job : Job
        bin_method : {"counts", "time", "snapshot", "obsid"}
            How to bin; the service calls it `binMeth`, and so may you.
        **parameters
            The light curve's own (protocol, section 5), `srcrad` excepted, under any of their names: `pc_counts` and
            `pcCounts` are the same. What is not given is the service's default, whatever the job was built with.

        Returns
        -------
        Rebin

        Raises
        ------
        InvalidRequest
            Where a parameter is wrong, or the job has no light curve; nothing has been sent.
        ServiceError
            The service refuses: the light curve is not complete, for instance.
        TransportError, ProtocolError

        Examples
        --------
        >>> rebin = client.rebin(job, bin_method="time", pc_bin_time=100, wt_bin_time=10)
        >>> client.rebin_status(rebin).complete
        True
        >>> curve = client.light_curve(rebin)
        """
        binning = read_binning(({} if bin_method is None else {"bin_method": bin_method}) | parameters).named_values()
        check_rebinnable(job)
        sent = {"type": "UOB_LC", "objectID": job.job_id, **binning, "name": job.name}
        answer = self._call_rebin("rebinLightCurve", f"rebin the light curve of job {job.job_id}", **sent)
        number = read_job_id(answer.get("JobID"))
        if number is None:
            raise ProtocolError(
                "the service's answer lacks a usable JobID", url=self._transport.rebin_url, start=str(answer)[:200]
            )
        return Rebin(rebin_id=number, job=job, parameters=binning, submitted=utcnow())

    def rebin_status(self, rebin: Rebin) -> ProductStatus:
        """Ask where a rebinning stands; its codes are those of the products. Not more than once a minute, please.

        Raises
        ------
        ServiceError, TransportError, ProtocolError
        """
        answer = self._call_rebin("checkRebinStatus", f"get the status of {rebin}", JobID=rebin.rebin_id)
        if answer.get("status") is None:
            return ProductStatus.missing()
        return ProductStatus.from_wire({"statusCode": answer["status"], "statusText": answer.get("text")})

    def cancel_rebin(self, rebin: Rebin) -> bool:
        """Cancel a rebinning; False where the service did not, most likely because it has ended.

        Raises
        ------
        TransportError, ProtocolError
        """
        try:
            answer = self._call_rebin("cancelRebin", f"cancel {rebin}", needs_ok=False, JobID=rebin.rebin_id)
        except ServiceError:
            return False
        return "OK" in answer

    def _call_rebin(self, function: str, doing: str, **body: Any) -> dict[str, Any]:
        return self._transport.call_rebin(function, doing, **body)

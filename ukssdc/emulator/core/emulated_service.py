"""The emulated service without HTTP: users, jobs, and one method per call (protocol, sections 2 to 4)."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ukssdc.emulator.core.clock import ServiceClock
from ukssdc.emulator.core.emulated_job import EmulatedJob, EmulatedJobs
from ukssdc.emulator.core.name_changes import changed_name, check_name_change
from ukssdc.emulator.core.rebinning import RebinService
from ukssdc.emulator.core.scenario import Scenario
from ukssdc.emulator.core.submission import complete, problems
from ukssdc.emulator.core.wire_parameters import requested_products
from ukssdc.emulator.data import result_answers
from ukssdc.status import Product, Products, select_products

API_NAME: Final = "xrt_prods"
API_VERSION: Final = "1.12"
CANCEL_TEXTS: Final = {
    0: "Job cancelled OK",
    1: "Job could not be cancelled - has it already finished?",
    2: "No record of this product could be found for this job",
    3: "Job could not be cancelled, for a reason unknown",
    4: "It is not known whether the job could be cancelled",
}
# call: the product whose results it returns
RESULT_CALLS: Final = {
    "standard_position": Product.StandardPos,
    "enhanced_position": Product.EnhancedPos,
    "astrometric_position": Product.AstromPos,
    "source_list": Product.SourceDet,
    "light_curve": Product.LightCurve,
    "spectral_fits": Product.Spectrum,
}

Answer = dict[str, Any]
Body = Mapping[str, Any]


class ErrorAnswer(Exception):  # noqa: N818 - an answer, not an error of the emulator
    """An answer with `OK: 0`.

    Parameters
    ----------
    message : str
        `ERROR` of the answer.
    more : Any
        Further entries of the answer.
    """

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.answer: Answer = {"OK": 0, "ERROR": message, **more}


class EmulatedService:
    """Users and jobs; thread-safe, so that a test can inspect and cancel while it serves.

    Parameters
    ----------
    users : collection of str
        Registered e-mail addresses.
    scenario : Scenario
        How builds go.
    clock : ServiceClock
        Service time.
    max_active_jobs : int
        Per user; further submissions are refused.
    first_job_id : int
        Number of the first job.
    calendar_skew : float
        How far the service's calendar (`DateSubmitted`) is ahead of this machine's, s.
    name_change : str, optional
        What becomes of names: one of `NAME_CHANGES`, or "mixed".
    """

    def __init__(
        self,
        *,
        users: Collection[str],
        scenario: Scenario,
        clock: ServiceClock,
        max_active_jobs: int,
        first_job_id: int,
        calendar_skew: float = 0.0,
        name_change: str | None = None,
    ) -> None:
        check_name_change(name_change)
        self.jobs = EmulatedJobs()
        self._users = frozenset(users)
        self._scenario = scenario
        self.clock = clock
        self._rebinning = RebinService(self.jobs, scenario, clock)
        self._max_active_jobs = max_active_jobs
        self._next_job_id = first_job_id
        self._skew = timedelta(seconds=calendar_skew)
        self._name_change = name_change
        self._lock = threading.RLock()
        self._calls: dict[str, Callable[[Body, str], Answer]] = {
            "submit": self._submit,
            "status": self._status,
            "cancel": self._cancel,
            "active_jobs": self._active_jobs,
            "old_jobs": self._old_jobs,
            "old_job": self._old_job,
        }

    def answer(self, call: str, body: Any, base_url: str) -> Answer:
        """Answer a call.

        Parameters
        ----------
        call : str
            Its name, as in the ledger.
        body : Any
            The call's JSON body.
        base_url : str
            The service's root, by the host that the caller used.

        Returns
        -------
        dict
            The answer, without `APIVersion`.
        """
        try:
            with self._lock:
                request = self._authenticate(body)
                if call in RESULT_CALLS:
                    return {"OK": 1, **self._results(call, request)}
                return {"OK": 1, **self._calls[call](request, base_url)}
        except ErrorAnswer as error:
            return error.answer

    def answer_rebin(self, call: str, body: Any, base_url: str) -> Answer:
        """Answer a call of the interface that bins light curves anew; the same as `answer`."""
        with self._lock:
            return self._rebinning.answer(call, body, base_url)

    @property
    def rebins(self) -> EmulatedJobs:
        """The light curves that are binned anew, by their numbers."""
        return self._rebinning.rebins

    def cancel(self, job_id: int, products: Products = "all") -> dict[Product, int]:
        """Cancel products as the user does on the web page; return the code of each (protocol, section 4)."""
        with self._lock:
            job = self.jobs[job_id]
            return job.cancel_all(select_products(products, job.products))

    def forget(self) -> None:
        """Lose all jobs, like a service restored from an old backup; job numbers are not reused."""
        with self._lock:
            self.jobs.clear()
            self.rebins.clear()

    def _authenticate(self, body: Any) -> Body:
        if not isinstance(body, Mapping):
            raise ErrorAnswer("The request could not be understood: it is not a JSON object.")
        if body.get("api_name") != API_NAME or "api_version" not in body:
            raise ErrorAnswer(f"The request does not say api_name {API_NAME} and its api_version .")
        user = body.get("UserID")
        if not isinstance(user, str) or user not in self._users:
            raise ErrorAnswer(
                f"The user {user} is not registered for this service, or the address has not been confirmed yet. "
                "Please register at https://www.swift.ac.uk/user_objects/register.php"
            )
        return body

    def _job_of_user(self, body: Body, key: str = "JobID") -> EmulatedJob:
        given = body.get(key)
        number = int(str(given)) if re.fullmatch(r"[0-9]{1,18}", str(given)) else None
        if number is None:
            raise ErrorAnswer(f"{key} is missing, or is not a number.")
        if number not in self.jobs:
            raise ErrorAnswer(f"Job {number} does not exist.")
        job = self.jobs[number]
        if not job.owned_by(body["UserID"]):
            raise ErrorAnswer(f"Job {number} is not owned by user {body['UserID']}")
        return job

    def _jobs_of_user(self, body: Body) -> list[EmulatedJob]:
        return [job for job in self.jobs.values() if job.owned_by(body["UserID"])]

    def _submit(self, body: Body, base_url: str) -> Answer:
        found = problems(body, self._scenario.unresolvable)
        if found:
            raise ErrorAnswer("There are problems with your request:", listErr=found)
        active = sum(job.active for job in self._jobs_of_user(body))
        if active >= self._max_active_jobs:
            raise ErrorAnswer(
                f"You have {active} active jobs, and no more than {self._max_active_jobs} are allowed at any one time. "
                "Please wait until some of them have finished, or cancel those you no longer need, and submit again."
            )
        name = str(body["name"])
        job = EmulatedJob(
            self._next_job_id,
            owner=body["UserID"],
            builds={p: self._scenario.build(p, name) for p in requested_products(body)},
            pars=complete(body),
            base_url=f"{base_url}/tprods/USERPROD_{self._next_job_id}",
            clock=self.clock,
            submitted=datetime.now(UTC) + self._skew,
            repeated_name=changed_name(name, self._name_change, self._next_job_id),
        )
        self._next_job_id += 1
        self.jobs.add(job)
        return {"URL": job.base_url, "JobID": str(job.id), "jobPars": job.pars}

    def _status(self, body: Body, _: str) -> Answer:
        job = self._job_of_user(body)
        wanted, with_progress = parse_products(body.get("what")), parse_products(body.get("whatProg"))
        if not wanted:
            raise ErrorAnswer("No products were given: what is missing, or names none.")
        entries = {p.wire: job.status(p, with_progress=p in with_progress) for p in wanted}
        return {"JobID": job.id, **{wire: entry for wire, entry in entries.items() if entry is not None}}

    def _cancel(self, body: Body, _: str) -> Answer:
        job = self._job_of_user(body)
        wanted = parse_products(body.get("what"))
        if not wanted:
            raise ErrorAnswer("No products were given: what is missing, or names none.")
        codes = job.cancel_all(wanted)
        answer = {
            "JobID": job.id,
            "status": {p.wire: CANCEL_TEXTS[code] for p, code in codes.items()},
            "statusCodes": {p.wire: code for p, code in codes.items()},
        }
        if all(codes.values()):
            reasons = "; ".join(f"{p.wire} : {CANCEL_TEXTS[code]}" for p, code in codes.items())
            raise ErrorAnswer(f"Nothing was cancelled in job {job.id}: {reasons}", **answer)
        return {"OK": 2 if any(codes.values()) else 1, **answer}

    def _active_jobs(self, body: Body, _: str) -> Answer:
        return {"numJobs": sum(job.active for job in self._jobs_of_user(body))}

    def _old_jobs(self, body: Body, _: str) -> Answer:
        return {"jobs": [_summary(job) for job in reversed(self._jobs_of_user(body))]}

    def _old_job(self, body: Body, base_url: str) -> Answer:
        job = self._job_of_user(body, "oldJob")
        return {"oldJob": job.id, "URL": f"{base_url}/tprods/USERPROD_{job.id}", "jobPars": job.pars}

    def _results(self, call: str, body: Body) -> Answer:
        job, product = self._job_of_user(body), RESULT_CALLS[call]
        if product not in job.products:
            raise ErrorAnswer(f"Job {job.id} does not contain a {product.label}.")
        if not job.complete(product):
            raise ErrorAnswer(f"The {product.label} of job {job.id} is not complete, or could not be built.")
        awkward = job.build(product).awkward
        return result_answers.answer(call, job, body, frozenset({awkward} if awkward else ()))


def parse_products(names: Any) -> tuple[Product, ...]:
    """Return the products in a comma-separated list of wire names (`what`); unknown names are ignored."""
    given = {name.strip() for name in str(names or "").split(",")}
    return tuple(p for p in Product if p.wire in given)


def _summary(job: EmulatedJob) -> Answer:
    """Return a job's entry in the list of old jobs; only jobs with a source detection mention that product."""
    requested = {str(p): p in job.products for p in Product if p is not Product.SourceDet or p in job.products}
    return {
        "JobID": job.id,
        **({} if job.repeated_name is None else {"Name": job.repeated_name}),
        "DateSubmitted": f"{job.submitted:%Y-%m-%d %H:%M:%S}",
        **requested,
        "hasProd": any(job.complete(p) for p in job.products),
    }

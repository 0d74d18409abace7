"""The service itself, without HTTP: users, jobs, and one method per call (protocol, sections 2 to 4)."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ukssdc.emulator import results
from ukssdc.emulator.clock import ServiceClock
from ukssdc.emulator.job import Job
from ukssdc.emulator.parameters import requested_products
from ukssdc.emulator.scenario import Scenario
from ukssdc.emulator.submission import complete, problems
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
# call: the product that it returns results of
RESULTS: Final = {
    "standard_position": Product.StandardPos,
    "enhanced_position": Product.EnhancedPos,
    "astrometric_position": Product.AstromPos,
    "source_list": Product.SourceDet,
    "light_curve": Product.LightCurve,
    "spectral_fits": Product.Spectrum,
}

Answer = dict[str, Any]
Body = Mapping[str, Any]


class Refused(Exception):  # noqa: N818 - an answer, not an error of the emulator
    """The service's no: an answer with `OK: 0`.

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


class Jobs(Mapping[int, Job]):
    """The service's jobs by their numbers, as a test may look at them."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}

    def __getitem__(self, job_id: int) -> Job:
        return self._jobs[int(job_id)]

    def __iter__(self) -> Iterator[int]:
        return iter(list(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    def __repr__(self) -> str:
        return repr(list(self._jobs.values()))

    def add(self, job: Job) -> None:
        """Take in a new job."""
        self._jobs[job.id] = job

    def clear(self) -> None:
        """Forget all jobs."""
        self._jobs.clear()


class Service:
    """Users and jobs; thread-safe, so that a test may look at it, or cancel, while it serves.

    Parameters
    ----------
    users : collection of str
        Registered e-mail addresses.
    scenario : Scenario
        How builds go.
    clock : ServiceClock
        Service time.
    max_active_jobs : int
        Per user; a submission beyond it is refused.
    first_job_id : int
        Number of the first job.
    clock_skew : float
        How far the service's calendar (`DateSubmitted`) is ahead of this machine's, s.
    """

    def __init__(
        self,
        *,
        users: Collection[str],
        scenario: Scenario,
        clock: ServiceClock,
        max_active_jobs: int,
        first_job_id: int,
        clock_skew: float = 0.0,
    ) -> None:
        self.jobs = Jobs()
        self._users = frozenset(users)
        self._scenario = scenario
        self.clock = clock
        self._max_active_jobs = max_active_jobs
        self._next_job_id = first_job_id
        self._skew = timedelta(seconds=clock_skew)
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
            As in the ledger.
        body : Any
            The call's JSON body.
        base_url : str
            The address under which the caller reached the service.

        Returns
        -------
        dict
            The answer but for `APIVersion`.
        """
        try:
            with self._lock:
                checked = self._admit(body)
                if call in RESULTS:
                    return {"OK": 1, **self._results(call, checked)}
                return {"OK": 1, **self._calls[call](checked, base_url)}
        except Refused as no:
            return no.answer

    def cancel(self, job_id: int, products: Products = "all") -> dict[Product, int]:
        """Cancel products as the user does on the web page; return the code of each (protocol, section 4)."""
        with self._lock:
            job = self.jobs[job_id]
            return job.cancel_all(select_products(products, job.products))

    def forget(self) -> None:
        """Lose all jobs, as a service does that is restored from an old copy; numbers are not given twice."""
        with self._lock:
            self.jobs.clear()

    def _admit(self, body: Any) -> Body:
        if not isinstance(body, Mapping):
            raise Refused("The request could not be understood: it is not a JSON object.")
        if body.get("api_name") != API_NAME or "api_version" not in body:
            raise Refused(f"The request does not say api_name {API_NAME} and its api_version .")
        user = body.get("UserID")
        if not isinstance(user, str) or user not in self._users:
            raise Refused(
                f"The user {user} is not registered for this service, or the address has not been confirmed yet. "
                "Please register at https://www.swift.ac.uk/user_objects/register.php"
            )
        return body

    def _own_job(self, body: Body, key: str = "JobID") -> Job:
        given = body.get(key)
        number = int(str(given)) if re.fullmatch(r"[0-9]{1,18}", str(given)) else None
        if number is None:
            raise Refused(f"{key} is missing, or is not a number.")
        if number not in self.jobs:
            raise Refused(f"Job {number} does not exist.")
        job = self.jobs[number]
        if not job.owned_by(body["UserID"]):
            raise Refused(f"Job {number} is not owned by user {body['UserID']}")
        return job

    def _own_jobs(self, body: Body) -> list[Job]:
        return [job for job in self.jobs.values() if job.owned_by(body["UserID"])]

    def _submit(self, body: Body, base_url: str) -> Answer:
        faults = problems(body, self._scenario.unresolvable)
        if faults:
            raise Refused("There are problems with your request:", listErr=faults)
        active = sum(job.active for job in self._own_jobs(body))
        if active >= self._max_active_jobs:
            raise Refused(
                f"You have {active} active jobs, and no more than {self._max_active_jobs} are allowed at any one time. "
                "Please wait until some of them have finished, or cancel those you no longer need, and submit again."
            )
        name = str(body["name"])
        job = Job(
            self._next_job_id,
            owner=body["UserID"],
            builds={p: self._scenario.build(p, name) for p in requested_products(body)},
            pars=complete(body),
            base_url=f"{base_url}/tprods/USERPROD_{self._next_job_id}",
            clock=self.clock,
            submitted=datetime.now(UTC) + self._skew,
        )
        self._next_job_id += 1
        self.jobs.add(job)
        return {"URL": job.base_url, "JobID": str(job.id), "jobPars": job.pars}

    def _status(self, body: Body, _: str) -> Answer:
        job = self._own_job(body)
        wanted, with_progress = products_named(body.get("what")), products_named(body.get("whatProg"))
        if not wanted:
            raise Refused("No products were given: what is missing, or names none.")
        entries = {p.wire: job.status(p, with_progress=p in with_progress) for p in wanted}
        return {"JobID": job.id, **{wire: entry for wire, entry in entries.items() if entry is not None}}

    def _cancel(self, body: Body, _: str) -> Answer:
        job = self._own_job(body)
        wanted = products_named(body.get("what"))
        if not wanted:
            raise Refused("No products were given: what is missing, or names none.")
        codes = job.cancel_all(wanted)
        answer = {
            "JobID": job.id,
            "status": {p.wire: CANCEL_TEXTS[code] for p, code in codes.items()},
            "statusCodes": {p.wire: code for p, code in codes.items()},
        }
        if all(codes.values()):
            reasons = "; ".join(f"{p.wire} : {CANCEL_TEXTS[code]}" for p, code in codes.items())
            raise Refused(f"Nothing was cancelled in job {job.id}: {reasons}", **answer)
        return {"OK": 2 if any(codes.values()) else 1, **answer}

    def _active_jobs(self, body: Body, _: str) -> Answer:
        return {"numJobs": sum(job.active for job in self._own_jobs(body))}

    def _old_jobs(self, body: Body, _: str) -> Answer:
        return {"jobs": [_summary(job) for job in reversed(self._own_jobs(body))]}

    def _old_job(self, body: Body, base_url: str) -> Answer:
        job = self._own_job(body, "oldJob")
        return {"oldJob": job.id, "URL": f"{base_url}/tprods/USERPROD_{job.id}", "jobPars": job.pars}

    def _results(self, call: str, body: Body) -> Answer:
        job, product = self._own_job(body), RESULTS[call]
        if product not in job.products:
            raise Refused(f"Job {job.id} does not contain a {product.label}.")
        if not job.complete(product):
            raise Refused(f"The {product.label} of job {job.id} is not complete, or could not be built.")
        awkward = job.build(product).awkward
        return results.answer(call, job, body, frozenset({awkward} if awkward else ()))


def products_named(names: Any) -> tuple[Product, ...]:
    """Read `what`: wire names, comma-separated; what is no product is passed over."""
    given = {name.strip() for name in str(names or "").split(",")}
    return tuple(p for p in Product if p.wire in given)


def _summary(job: Job) -> Answer:
    """Return a job's entry in the list of old jobs; source detection came late, and only shows where there is one."""
    asked = {str(p): p in job.products for p in Product if p is not Product.SourceDet or p in job.products}
    return {
        "JobID": job.id,
        "Name": job.name,
        "DateSubmitted": f"{job.submitted:%Y-%m-%d %H:%M:%S}",
        **asked,
        "hasProd": any(job.complete(p) for p in job.products),
    }

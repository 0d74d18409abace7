"""The service's second interface: a complete light curve binned anew (protocol, section 7, *Rebinning*)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ukssdc.emulator.core.clock import ServiceClock
from ukssdc.emulator.core.emulated_job import EmulatedJob, EmulatedJobs
from ukssdc.emulator.core.scenario import Scenario
from ukssdc.emulator.core.wire_parameters import PRODUCT_PARAMETERS
from ukssdc.emulator.data import result_answers
from ukssdc.status import Product

REBIN_API_VERSION: Final = "1.0.5"
LIGHT_CURVE: Final = Product.LightCurve
# The names under which parameters come here, where these are not the light curve's wire names.
WIRE_NAMES: Final = {
    "minEnergy": "minen", "maxEnergy": "maxen", "softLo": "soft1", "softHi": "soft2", "hardLo": "hard1",
    "hardHi": "hard2", "minSig": "sigmin", "allowBayes": "allowB", "timeFormat": "lctimetype", "whichData": "lcobs",
    "useObs": "uselcobs", "pcCounts": "pccounts", "wtCounts": "wtcounts", "rateFact": "ratefact", "binFact": "binfact",
    "minCounts": "mincmin", "minSNR": "minsnr", "pcMaxGap": "pcmaxgap", "wtMaxGap": "wtmaxgap", "pcBinTime": "pcbin",
    "wtBinTime": "wtbin", "matchHR": "hrbin", "pcHRBinTime": "pchrbin", "wtHRBinTime": "wthrbin",
    "minFracExp": "femin",
    **{name: name for name in ("binMeth", "grades", "allowUL", "bayesCounts", "bayesSNR", "dynamic")},
}  # fmt: skip
# Starting point for a rebinned curve's parameters: what the light curve itself was binned with does not carry over.
BINNING: Final = frozenset(WIRE_NAMES.values())

Answer = dict[str, Any]
Body = Mapping[str, Any]


class RebinError(Exception):
    """An answer with `ERROR` and `ERRORTEXT`, and without `OK`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.answer: Answer = {"ERROR": code, "ERRORTEXT": text}


class RebinService:
    """Light curves that are binned anew: nobody is asked who they are, a number is enough.

    Parameters
    ----------
    jobs : EmulatedJobs
        The jobs whose light curves there are.
    scenario : Scenario
    clock : ServiceClock
    first_rebin_id : int
        Number of the first rebinning; these numbers have nothing to do with the jobs'.

    Attributes
    ----------
    rebins : EmulatedJobs
        The rebinnings, by their numbers; each is a job that has a light curve and nothing else.
    """

    def __init__(self, jobs: EmulatedJobs, scenario: Scenario, clock: ServiceClock, first_rebin_id: int = 71) -> None:
        self.rebins = EmulatedJobs()
        self._jobs = jobs
        self._scenario = scenario
        self._clock = clock
        self._next_id = first_rebin_id
        self._calls: dict[str, Callable[[Body, str], Answer]] = {
            "rebin": self._rebin,
            "rebin_status": self._status,
            "cancel_rebin": self._cancel,
            "rebinned_light_curve": self._light_curve,
        }

    def answer(self, call: str, body: Any, base_url: str) -> Answer:
        """Answer a call, by its name in the ledger, with everything but `APIVersion`."""
        if not isinstance(body, Mapping) or call not in self._calls:
            return RebinError(1, "The function requested is not known.").answer
        try:
            return {"OK": 1, **self._calls[call](body, base_url)}
        except RebinError as error:
            return error.answer

    def _rebin(self, body: Body, base_url: str) -> Answer:
        job = self._jobs.get(_number(body.get("objectID")))
        if body.get("type") != "UOB_LC" or job is None:
            raise RebinError(10, "There is no such light curve.")
        if not job.complete(LIGHT_CURVE):
            raise RebinError(11, "The light curve has not been built, so it cannot be rebinned.")
        parameters = {WIRE_NAMES[name]: value for name, value in body.items() if name in WIRE_NAMES}
        if found := _problems(parameters):
            raise RebinError(12, " ".join(found))
        kept = {name: value for name, value in job.pars.items() if name not in BINNING}
        number, self._next_id = self._next_id, self._next_id + 1
        self.rebins.add(
            EmulatedJob(
                number,
                owner=None,
                builds={LIGHT_CURVE: self._scenario.rebin_build()},
                pars={"lctimetype": "s", **kept, "name": job.name, **{n: _stored(v) for n, v in parameters.items()}},
                base_url=f"{base_url}/tprods/REBIN_{number}",
                clock=self._clock,
                submitted=datetime.now(UTC),
                repeated_name=job.repeated_name,
            )
        )
        return {"JobID": number}

    def _status(self, body: Body, _: str) -> Answer:
        entry = self._rebinning(body).status(LIGHT_CURVE, with_progress=False)
        return {} if entry is None else {"status": entry["statusCode"], "text": entry["statusText"]}

    def _cancel(self, body: Body, _: str) -> Answer:
        if self._rebinning(body).cancel(LIGHT_CURVE):
            raise RebinError(21, "The job could not be cancelled; it may have completed already.")
        return {}

    def _light_curve(self, body: Body, _: str) -> Answer:
        if body.get("type") != "REBIN_LC":
            raise RebinError(10, "There is no such light curve.")
        rebinning = self._rebinning(body, "objectID")
        if not rebinning.complete(LIGHT_CURVE):
            raise RebinError(22, "The light curve is not complete.")
        awkward = rebinning.build(LIGHT_CURVE).awkward
        found = result_answers.answer("light_curve", rebinning, body, frozenset({awkward} if awkward else ()))
        return found if found["Datasets"] else {"Datasets": [], "NOLC": 1}

    def _rebinning(self, body: Body, key: str = "JobID") -> EmulatedJob:
        found = self.rebins.get(_number(body.get(key)))
        if found is None:
            raise RebinError(20, "There is no such job.")
        return found


def _number(value: Any) -> int:
    return int(str(value)) if re.fullmatch(r"[0-9]{1,18}", str(value)) else -1


def _stored(value: Any) -> Any:
    """Return a value as a job has it: flags as numbers, MJD by its letter."""
    if isinstance(value, bool):
        return int(value)
    return "m" if str(value).lower() == "mjd" else value


def _problems(parameters: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the parameters of a rebinning, in the words of the light curve's."""
    known = PRODUCT_PARAMETERS[LIGHT_CURVE]
    if not parameters.get("binMeth"):
        return ["The parameter binMeth is missing."]
    texts = [f"The parameter {n} {text}." for n, v in parameters.items() if n in known and (text := known[n].check(v))]
    needed: tuple[str, ...] = ("pccounts", "wtcounts", "dynamic") if parameters["binMeth"] == "counts" else ()
    if parameters.get("lcobs") == "user":
        needed += ("uselcobs",)
    return texts + [f"The parameter {name} is missing." for name in needed if name not in parameters]

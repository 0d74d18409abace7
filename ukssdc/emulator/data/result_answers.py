"""The emulator's answers to the calls for results (protocol, sections 2 and 6); the archives hold the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ukssdc.emulator.data.datasets import light_curve
from ukssdc.emulator.data.field_sources import source_list
from ukssdc.emulator.data.measured_positions import measured_position
from ukssdc.emulator.data.spectrum_fits import spectral_fits
from ukssdc.emulator.data.xray_source import ResultJob, truthy

AWKWARD: Final = ("no_position", "empty_light_curve", "nofit", "nospec", "no_sources")
"""What can be missing from the results of a product that is complete (`Build.awkward`)."""

Answer = dict[str, Any]


def answer(call: str, job: ResultJob, body: Mapping[str, Any], awkward: frozenset[str] = frozenset()) -> Answer:
    """Return the answer to a call for results, beyond `OK` and `APIVersion`.

    Parameters
    ----------
    call : str
        "standard_position", "enhanced_position", "astrometric_position", "light_curve", "spectral_fits",
        "source_list".
    job : ResultJob
        A job whose product is complete.
    body : mapping
        The call's body: `nosys` and `incbad` for a light curve.
    awkward : frozenset of str
        What is missing: a subset of `AWKWARD`.
    """
    if unknown := awkward.difference(AWKWARD):
        raise ValueError(f"no such awkward case: {', '.join(sorted(unknown))}; there are {', '.join(AWKWARD)}")
    return _ANSWERS[call](call, job, body, awkward)


def _position(call: str, job: ResultJob, _: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    if "no_position" in awkward:
        return {"GotPos": 0}
    ra, dec, radius = measured_position(call, job)
    found: Answer = {"GotPos": 1, "RA": f"{ra:.5f}", "Dec": f"{dec:.5f}", "Err90": f"{radius:.1f}"}
    if call == "enhanced_position":
        return found
    in_catalogue = truthy(job.pars.get("useSXPS"))
    catalogue = {"WhichSXPS": str(job.pars.get("whatSXPS", "2SXPS"))} if in_catalogue else {}
    return found | {"FromSXPS": int(in_catalogue)} | catalogue


def _light_curve(_: str, job: ResultJob, body: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    full = light_curve(job, body)
    if "empty_light_curve" not in awkward:
        return full
    return {"Datasets": [], **{key: full[key] for key in ("Binning", "TimeFormat", "T0")}}


def _spectral_fits(_: str, job: ResultJob, __: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    return spectral_fits(job, nofit="nofit" in awkward, nospec="nospec" in awkward)


def _source_list(_: str, job: ResultJob, __: Mapping[str, Any], awkward: frozenset[str]) -> Answer:
    return {**source_list(job, empty="no_sources" in awkward)}


_ANSWERS: Final[Mapping[str, Callable[[str, ResultJob, Mapping[str, Any], frozenset[str]], Answer]]] = {
    "standard_position": _position,
    "enhanced_position": _position,
    "astrometric_position": _position,
    "light_curve": _light_curve,
    "spectral_fits": _spectral_fits,
    "source_list": _source_list,
}

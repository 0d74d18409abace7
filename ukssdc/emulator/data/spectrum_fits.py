"""The spectral fits of a job (protocol, section 6), by slice, mode and model; they agree with the light curve."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final, NamedTuple

from ukssdc.emulator.data.selection import observations, slices
from ukssdc.emulator.data.xray_source import (
    MODES,
    ResultJob,
    Snapshot,
    XraySource,
    in_time_order,
    number,
    rng_for,
    truthy,
)
from ukssdc.status import Product

MIN_COUNTS: Final = 20.0
"""A fit to fewer counts fails."""
APERTURE_CORRECTION: Final = 1.3
FLUX_PER_RATE: Final = 3.6e-11
"""Observed 0.3 to 10 keV flux of 1 ct/s, erg cm^-2 s^-1."""
DELTA_STATISTIC_90: Final = 2.706
INTERVAL: Final = re.compile(r"\s*(?P<start>[0-9.eE+]+)\s*-\s*(?P<stop>[0-9.eE+]+)")


class SpectralModel(NamedTuple):
    """A spectral model: its names in answers and files, its shape parameter, and typical values of it by mode."""

    name: str
    file: str
    shape: str
    typical: Mapping[str, float]


MODELS: Final = {
    "powerlaw": SpectralModel("PowerLaw", "pow", "Gamma", {"WT": 1.75, "PC": 2.0}),
    "apec": SpectralModel("APEC", "apec", "KT", {"WT": 6.0, "PC": 4.5}),
    "blackbody": SpectralModel("BlackBody", "bbody", "KT", {"WT": 0.9, "PC": 0.7}),
}


class ModeExposure(NamedTuple):
    """Exposure (s), counts and mean time (s since T0) of a spectrum in one mode."""

    mode: str
    exposure: float
    counts: float
    mean_time: float


def spectral_fits(job: ResultJob, *, nofit: bool = False, nospec: bool = False) -> dict[str, Any]:
    """Return the answer to a call for the spectral fits.

    Parameters
    ----------
    job : ResultJob
    nofit : bool
        Whether all fits fail.
    nospec : bool
        Whether no slice has a spectrum.
    """
    source, rng = XraySource(job), rng_for(job, "spectrum")
    galactic_nh = float(f"{rng.uniform(2e20, 2e21):.5e}")
    answer: dict[str, Any] = {"T0": source.t0, "DeltaFitStat": number(job.pars, "dchi", DELTA_STATISTIC_90)}
    if not truthy(job.pars.get("galactic")):
        answer["GalNH_unfitted"] = galactic_nh
    answer["rnames"] = []
    for name, (start, stop, snapshots) in _slices(job, source).items():
        entry: dict[str, Any] = {"DataFile": f"{job.base_url}/spec/{name}.tar.gz", "Start": start, "Stop": stop}
        spectra = [] if nospec else _exposures(source, snapshots)
        entry |= {"Modes": [s.mode for s in spectra]} if spectra else {"NOSPEC": 1}
        for spectrum in spectra:
            entry[spectrum.mode] = _spectrum(job, name, spectrum, galactic_nh, nofit=nofit)
        answer["rnames"].append(name)
        answer[name] = entry
    return answer


def slice_exposures(job: ResultJob) -> dict[str, list[ModeExposure]]:
    """Return what there is of each slice, mode by mode; nothing of one that was not observed."""
    source = XraySource(job)
    return {name: _exposures(source, snapshots) for name, (_, _, snapshots) in _slices(job, source).items()}


def _exposures(source: XraySource, snapshots: list[Snapshot]) -> list[ModeExposure]:
    return [found for mode in MODES if (found := _exposure_in(source, mode, snapshots)).exposure > 0]


def _slices(job: ResultJob, source: XraySource) -> dict[str, tuple[float, float, list[Snapshot]]]:
    """Return the requested interval (s since T0) of each slice, and the snapshots in it."""
    kind, names = str(job.pars.get("timeslice", "single")), slices(job.pars)
    if kind in ("obsid", "snapshot"):
        observed = observations(job.pars, Product.Spectrum)
        return {name: _with_limits(source.snapshots_of(one)) for name, one in zip(names, observed, strict=True)}
    everything = [snapshot for part in source.snapshots(Product.Spectrum) for snapshot in part]
    if kind != "user":
        return dict.fromkeys(names, _with_limits(everything))
    found = {}
    for name, interval in zip(names, _intervals(job), strict=False):
        start, stop = (source.since_t0(time) for time in interval)
        found[name] = start, stop, [snapshot.clipped(start, stop) for snapshot in everything]
    return found


def _with_limits(snapshots: list[Snapshot]) -> tuple[float, float, list[Snapshot]]:
    return min(s.start for s in snapshots), max(s.stop for s in snapshots), snapshots


def _intervals(job: ResultJob) -> list[tuple[float, float]]:
    """Return start and stop of gti1 to gti4; an interval that cannot be read covers all times."""
    found = []
    for key in ("gti1", "gti2", "gti3", "gti4"):
        if job.pars.get(key) is not None:
            parts = INTERVAL.match(str(job.pars[key]))
            found.append((float(parts["start"]), float(parts["stop"])) if parts else (0.0, 1e9))
    return found or [(0.0, 1e9)]


def _exposure_in(source: XraySource, mode: str, snapshots: list[Snapshot]) -> ModeExposure:
    in_mode = in_time_order([snapshots], mode)
    exposure = sum(s.stop - s.start for s in in_mode)
    counts, weighted = 0.0, 0.0
    for snapshot in in_mode:
        step = (snapshot.stop - snapshot.start) / 20
        for part in range(20):
            begin = snapshot.start + part * step
            expected = source.counts(begin, begin + step)
            counts, weighted = counts + expected, weighted + expected * (begin + step / 2)
    return ModeExposure(mode, exposure, counts, weighted / counts if counts else 0.0)


def _spectrum(job: ResultJob, name: str, spectrum: ModeExposure, galactic_nh: float, *, nofit: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"MeanTime": spectrum.mean_time, "Exposure": spectrum.exposure}
    if truthy(job.pars.get("doNotFit")):
        return entry | {"NOFIT": 1}
    models = [MODELS[key] for key in _models(job) if key in MODELS] or [MODELS["powerlaw"]]
    entry["Models"] = [model.name for model in models]
    for model in models:
        file = f"{name}{spectrum.mode.lower()}_" + ("" if len(models) == 1 else f"{model.file}_") + "plot.gif"
        failed = nofit or spectrum.counts / APERTURE_CORRECTION < MIN_COUNTS
        fit = {"NOFIT": 1} if failed else _fit(job, name, spectrum, model, galactic_nh)
        entry[model.name] = fit if failed else fit | {"Image": f"{job.base_url}/spec/{file}"}
    return entry


def _models(job: ResultJob) -> list[str]:
    given = job.pars.get("models") or "powerlaw"
    names = given.split(",") if isinstance(given, str) else given
    return [str(name).strip().lower() for name in names]


def _fit(job: ResultJob, name: str, spectrum: ModeExposure, model: SpectralModel, galactic_nh: float) -> dict[str, Any]:
    """Return a fit whose errors shrink with the counts, and whose flux follows the count rate."""
    rng = rng_for(job, f"{name} {spectrum.mode} {model.name}")
    noise = math.sqrt(number(job.pars, "dchi", DELTA_STATISTIC_90) * APERTURE_CORRECTION / spectrum.counts)
    nh = abs(rng.gauss(1.2e21, 2e21 * noise))
    flux = FLUX_PER_RATE * spectrum.counts / spectrum.exposure
    column = nh + (galactic_nh if truthy(job.pars.get("galactic")) else 0.0)
    shape = model.typical[spectrum.mode] * rng.gauss(1.0, noise / 3)
    fit: dict[str, Any] = {"GalacticNH": galactic_nh} if truthy(job.pars.get("galactic")) else {}
    fit |= _with_errors("NH", nh, 2.5e21 * noise, rng, floor=0.0)
    if truthy(job.pars.get("specz")):
        fit["Redshift_abs"] = number(job.pars, "zval", 0.0)
    fit |= _with_errors(model.shape, shape, shape * noise * 0.8, rng)
    fit |= _with_errors("ObsFlux", flux, flux * noise, rng)
    fit |= _with_errors("UnabsFlux", flux * (1 + column / 4e21), flux * noise * 1.5, rng)
    bins = max(8, min(950, round(spectrum.counts / APERTURE_CORRECTION / 1.5)))
    statistic = bins * rng.gauss(1.0, 1.0 / math.sqrt(bins))
    return fit | {"Cstat": statistic, "Dof": bins - 3, "FitChi": statistic * rng.uniform(0.95, 1.15)}


def _with_errors(key: str, value: float, error: float, rng: Random, floor: float = -math.inf) -> dict[str, float]:
    """Return a parameter with asymmetric errors, signed as the service signs them; it is not below `floor`."""
    return {
        key: value,
        f"{key}Pos": error * rng.uniform(1.0, 1.1),
        f"{key}Neg": -min(error * rng.uniform(0.9, 1.0), value - floor),
    }

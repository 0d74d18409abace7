"""Our spectral fits in the structure in which the service sends them, and the reference client hands them on."""

from __future__ import annotations

from typing import Any

from ukssdc.results import FitParameter, ModeSpectrum, SpectralFit, SpectralFits


def as_the_service_sends(fits: SpectralFits) -> dict[str, Any]:
    """Return what the service sends of spectral fits."""
    sent: dict[str, Any] = {"T0": fits.t0, "DeltaFitStat": fits.delta_fit_stat, "rnames": list(fits.slices)}
    sent |= present(GalNH_unfitted=fits.galactic_nh_unfitted)
    for name, one in fits.slices.items():
        modes = {mode: spectrum_as_sent(spectrum) for mode, spectrum in one.modes.items()}
        interval = {"DataFile": one.data_file, "Start": one.start, "Stop": one.stop}
        sent[name] = interval | ({"Modes": list(modes), **modes} if modes else {"NOSPEC": 1})
    return sent


def spectrum_as_sent(spectrum: ModeSpectrum) -> dict[str, Any]:
    models = {model: fit_as_sent(fit) for model, fit in spectrum.models.items()}
    fits = {"Models": list(models), **models} if models else {"NOFIT": 1}
    return {"MeanTime": spectrum.mean_time, "Exposure": spectrum.exposure} | fits


def fit_as_sent(fit: SpectralFit) -> dict[str, Any]:
    if not fit.fitted:
        return {"NOFIT": 1}
    facts = present(GalacticNH=fit.galactic_nh, Redshift_abs=fit.redshift, Image=fit.image)
    statistics = present(Cstat=fit.cstat, Dof=fit.dof, FitChi=fit.fit_chi)
    parameters: dict[str, FitParameter | None] = {
        "NH": fit.nh,
        "Gamma": fit.gamma,
        "KT": fit.kt,
        "ObsFlux": fit.observed_flux,
        "UnabsFlux": fit.unabsorbed_flux,
    }
    values = [
        present(**{name: one.value, f"{name}Pos": one.pos, f"{name}Neg": one.neg})
        for name, one in parameters.items()
        if one is not None
    ]
    return facts | statistics | {key: value for part in values for key, value in part.items()}


def present(**values: Any) -> dict[str, Any]:
    """Return what is not None."""
    return {key: value for key, value in values.items() if value is not None}

"""What a target's job has found, read from its folder: `results.json` of the quick look. No call is made for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ukssdc.names import is_burst
from ukssdc.quicklook.quick_look import QuickLook
from ukssdc.results import Dataset, FitParameter, LightCurveData, SpectralFits, TimeFormat
from ukssdc.status import Product
from ukssdc.times import met_to_utc, modified_julian_date

RESULTS = "results.json"
MAX_SIZE = 100_000_000  # bytes of it
MAX_BINS = 60  # of a light curve that is kept for the pictures
MAX_SPECTRA = 500  # of a target, for the picture
MJD_DECIMALS = 4  # as in the tables of spectral fits
DAY = 86400.0  # s
POSITIONS = (Product.EnhancedPos, Product.AstromPos, Product.StandardPos)  # the first that was found is taken


@dataclass(frozen=True)
class Measurement:
    """A value with its errors: signed offsets, as in `FitParameter`; None where there is none."""

    value: float
    pos: float | None = None
    neg: float | None = None

    @classmethod
    def of(cls, parameter: FitParameter | None) -> Measurement | None:
        """Return a fitted value; None where it is none, or not finite."""
        if parameter is None or not math.isfinite(parameter.value):
            return None
        return cls(parameter.value, _finite(parameter.pos), _finite(parameter.neg))


@dataclass(frozen=True)
class SpectrumPoint:
    """A spectrum of a target, as the picture shows it.

    Attributes
    ----------
    label : str
        Its slice.
    mode : str
    mjd : float or None
        Mean time, MJD (UTC).
    exposure : float
        s; 0 where it is not known.
    model : str
        Of the fit.
    gamma, nh, flux : Measurement or None
        Photon index; column, cm^-2; observed flux in 0.3 to 10 keV, erg cm^-2 s^-1.
    """

    label: str
    mode: str
    mjd: float | None
    exposure: float
    model: str
    gamma: Measurement | None
    nh: Measurement | None
    flux: Measurement | None


@dataclass(frozen=True)
class CurveBin:
    """A bin of a light curve: time, half width on both sides, rate and errors (ct/s); or an upper limit."""

    time: float
    before: float
    after: float
    rate: float
    pos: float
    neg: float
    mode: str
    is_limit: bool


@dataclass(frozen=True)
class TargetScience:
    """What a job has found of its target.

    Attributes
    ----------
    position_of : str
        Which position it is; empty where there is none.
    ra, dec, err90 : float or None
        deg J2000; radius, arcsec (90 %).
    rate : Measurement or None
        Mean count rate, ct/s: of the light curve's bins that are no upper limits, weighted by exposure; 1-sigma error.
    upper_limit : float or None
        The lowest 3-sigma upper limit, ct/s, where no bin is a detection.
    mjd : float or None
        Mean time of the spectrum, or else of the light curve, MJD (UTC).
    spectrum : SpectrumPoint or None
        Of several, the one of the longest exposure.
    spectra : tuple of SpectrumPoint
        All of them, up to `MAX_SPECTRA`.
    curve : tuple of CurveBin
        The light curve, up to `MAX_BINS` of its bins.
    curve_in_days : bool
        Whether its times are MJD (UTC); otherwise s since T0.
    """

    position_of: str = ""
    ra: float | None = None
    dec: float | None = None
    err90: float | None = None
    rate: Measurement | None = None
    upper_limit: float | None = None
    mjd: float | None = None
    spectrum: SpectrumPoint | None = None
    spectra: tuple[SpectrumPoint, ...] = ()
    curve: tuple[CurveBin, ...] = ()
    curve_in_days: bool = False


def read_science(folder: Path) -> TargetScience:
    """Return what a job has found, as far as its folder holds it; nothing where there was no quick look."""
    path = folder / RESULTS
    try:
        if path.stat().st_size > MAX_SIZE:
            return TargetScience()
        look = QuickLook.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return TargetScience()
    return science_of(look)


def science_of(look: QuickLook) -> TargetScience:
    """Return what a quick look shows, in the few numbers that a table has room for."""
    found = next((p for p in POSITIONS if p in look.positions and look.positions[p].found), None)
    position = look.positions[found] if found else None
    curve = look.light_curve
    rates, limits = _chosen(curve.detections if curve else ()), _chosen(curve.upper_limits if curve else ())
    spectra = tuple(_spectra(look.spectral_fits)) if look.spectral_fits else ()
    spectrum = max(spectra, key=lambda point: (point.flux is not None, point.exposure), default=None)
    rate, mean_time = _mean_rate(rates)
    zero = _zero(curve)
    curve_mjd = None if mean_time is None or zero is None else zero + mean_time / _unit(curve)
    in_days = zero is not None and not is_burst(look.job.name)
    return TargetScience(
        position_of=str(found or ""),
        ra=position.ra if position else None,
        dec=position.dec if position else None,
        err90=position.err90 if position else None,
        rate=rate,
        upper_limit=None if rate else min(_finite_values(limits), default=None),
        mjd=spectrum.mjd
        if spectrum and spectrum.mjd
        else None
        if curve_mjd is None
        else round(curve_mjd, MJD_DECIMALS),
        spectrum=spectrum,
        spectra=spectra[:MAX_SPECTRA],
        curve=_bins(rates, limits, zero if in_days else 0.0, _unit(curve) if in_days else 1.0) if curve else (),
        curve_in_days=in_days or (curve is not None and curve.time_unit == "d"),
    )


def _chosen(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Choose the datasets in which no bin is twice, as the pictures do."""
    filled = [dataset for dataset in datasets if len(dataset)]
    return [d for d in filled if not d.nosys and not d.incbad] or filled


def _finite_values(datasets: Iterable[Dataset]) -> list[float]:
    return [value for dataset in datasets for value in dataset.value if math.isfinite(value)]


def _mean_rate(datasets: Sequence[Dataset]) -> tuple[Measurement | None, float | None]:
    """Return the mean rate, and the mean time in the light curve's own unit, weighted by exposure."""
    total = rate_sum = time_sum = variance = 0.0
    for dataset in datasets:
        exposures = dataset.columns.get("Exposure", (1.0,) * len(dataset))
        for time, rate, pos, neg, exposure in zip(
            dataset.time, dataset.value, dataset.value_pos, dataset.value_neg, exposures, strict=True
        ):
            weight = exposure if exposure > 0 else 0.0  # NaN as well
            if not (math.isfinite(rate) and math.isfinite(time)):
                continue
            error = (pos - neg) / 2
            total += weight
            rate_sum += weight * rate
            time_sum += weight * time
            variance += (weight * error) ** 2 if math.isfinite(error) else 0.0
    if not total:
        return None, None
    error = _rounded(math.sqrt(variance) / total)
    return Measurement(_rounded(rate_sum / total), error, -error), time_sum / total


def _spectra(fits: SpectralFits) -> Iterable[SpectrumPoint]:
    for time_slice in fits.slices.values():
        for mode in time_slice.modes.values():
            fit = next((f for f in mode.models.values() if f.fitted), None)
            since = None if fits.t0 is None or mode.mean_time is None else met_to_utc(fits.t0 + mode.mean_time)
            yield SpectrumPoint(
                label=time_slice.name,
                mode=mode.mode,
                mjd=None if since is None else round(modified_julian_date(since), MJD_DECIMALS),
                exposure=_finite(mode.exposure) or 0.0,
                model=fit.model if fit else "",
                gamma=Measurement.of(fit.gamma) if fit else None,
                nh=Measurement.of(fit.nh) if fit else None,
                flux=Measurement.of(fit.observed_flux) if fit else None,
            )


def _zero(curve: LightCurveData | None) -> float | None:
    """Return the MJD from which a light curve's times count; 0 for those that are MJD, None where it is not known."""
    if curve is None or curve.time_unit is None:
        return None
    if curve.time_unit == "d":
        return 0.0
    known = curve.time_format == TimeFormat.MET and curve.t0_utc is not None
    return modified_julian_date(curve.t0_utc) if known and curve.t0_utc else None


def _unit(curve: LightCurveData | None) -> float:
    return 1.0 if curve is not None and curve.time_unit == "d" else DAY


def _bins(rates: Sequence[Dataset], limits: Sequence[Dataset], zero: float | None, unit: float) -> tuple[CurveBin, ...]:
    found = [
        CurveBin(
            (zero or 0.0) + time / unit, _size(before) / unit, _size(after) / unit, value, _size(pos), _size(neg),
            dataset.mode, is_limit,
        )
        for datasets, is_limit in ((rates, False), (limits, True))
        for dataset in datasets
        for time, before, after, value, pos, neg in zip(
            dataset.time, dataset.time_neg, dataset.time_pos, dataset.value, dataset.value_pos, dataset.value_neg,
            strict=True,
        )
        if math.isfinite(time) and math.isfinite(value)
    ]  # fmt: skip
    found.sort(key=lambda item: item.time)
    return tuple(found[n * len(found) // MAX_BINS] for n in range(MAX_BINS)) if len(found) > MAX_BINS else tuple(found)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _size(error: float) -> float:
    return abs(error) if math.isfinite(error) else 0.0


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

"""The spectral fits: time slice -> mode -> model.

Source: protocol, section 6; for answers without a spectrum or a fit, the reference client's documentation of the
spectrum structure.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ukssdc.notebook import html_table
from ukssdc.results.fit_parameter import FitParameter
from ukssdc.results.formatting import format_fit_parameter, format_number
from ukssdc.results.job_result import JobResult, TableResult
from ukssdc.results.json_object import JsonObject
from ukssdc.results.spectra import ModeSpectrum, SpectralFit, SpectrumSlice
from ukssdc.results.spectrum_files import net_rate, spectrum_path
from ukssdc.results.table_export import Columns
from ukssdc.times import met_to_utc, modified_julian_date

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLUX = "erg / (cm2 s)"
PARAMETERS = {  # wire name -> field, unit
    "NH": ("nh", "1 / cm2"),
    "Gamma": ("gamma", ""),
    "KT": ("kt", "keV"),
    "ObsFlux": ("observed_flux", FLUX),
    "UnabsFlux": ("unabsorbed_flux", FLUX),
}
NUMBERS = {
    "GalacticNH": ("galactic_nh", "1 / cm2"),
    "Redshift_abs": ("redshift", ""),
    "Cstat": ("cstat", ""),
    "Dof": ("dof", ""),
    "FitChi": ("fit_chi", ""),
}
UNITS = {
    **dict.fromkeys(("Start", "Stop", "MeanTime", "Exposure"), "s"),
    "MeanMJD": "d",
    **dict.fromkeys(("Rate", "RateErr"), "ct / s"),
    **{name + end: unit for name, (_, unit) in PARAMETERS.items() for end in ("", "Pos", "Neg") if unit},
    **{name: unit for name, (_, unit) in NUMBERS.items() if unit},
}
COLUMNS = (
    *(
        "Slice",
        "ObsID",
        "Mode",
        "Model",
        "Fitted",
        "Start",
        "Stop",
        "MeanTime",
        "MeanMJD",
        "Exposure",
        "Rate",
        "RateErr",
    ),
    *(name + end for name in PARAMETERS for end in ("", "Pos", "Neg")),
    *NUMBERS,
    "File",
)
TEXTS = frozenset({"ObsID", "File"})
OBSID = re.compile(r"Obs_(\d{11})")  # a slice of one observation (protocol, section 6)
MJD_DECIMALS = 4  # 10 s: the drift of Swift's clock (UTCF) is not known here


class SpectralFits(JobResult, TableResult):
    """The spectral fits of a job.

    In a table, a row is a fit, with NaN where there is no value.

    Attributes
    ----------
    slices : dict
        Name -> `SpectrumSlice`, in the service's order; empty where there is no spectrum at all.
    t0 : float or None
        Zero point of the times, Swift MET, s.
    delta_fit_stat : float or None
        Change of the fit statistic at the ends of the confidence intervals; 2.706 is 90 %.
    galactic_nh_unfitted : float or None
        Galactic column in the source's direction where the fits did not include it, cm^-2.
    """

    NAME: ClassVar[str] = "the spectral fits"

    slices: dict[str, SpectrumSlice]
    t0: float | None = None
    delta_fit_stat: float | None = None
    galactic_nh_unfitted: float | None = None

    @classmethod
    def _read(cls, answer: JsonObject) -> Self:
        names = [] if "NoSpectrum" in answer.values else answer.names("rnames")
        return cls(
            slices={name: _read_slice(name, answer.nested(name)) for name in names},
            t0=answer.optional_number("T0"),
            delta_fit_stat=answer.optional_number("DeltaFitStat"),
            galactic_nh_unfitted=answer.optional_number("GalNH_unfitted"),
        )

    def __getitem__(self, name: str) -> SpectrumSlice:
        return self.slices[name]

    @property
    def fits(self) -> tuple[tuple[SpectrumSlice, ModeSpectrum, SpectralFit], ...]:
        """Every fit, failed ones too, with the slice and the mode it belongs to."""
        return tuple(
            (time_slice, spectrum, fit)
            for time_slice in self.slices.values()
            for spectrum in time_slice.modes.values()
            for fit in spectrum.models.values()
        )

    @property
    def confidence(self) -> float | None:
        """The confidence level of the errors, 0 to 1: 0.90 for the service's default of `deltaFitStat`."""
        if self.delta_fit_stat is None or self.delta_fit_stat < 0:
            return None
        return math.erf(math.sqrt(self.delta_fit_stat / 2))

    def with_files(self, folder: Path) -> Self:
        """Return the fits with the file of each spectrum in the folder of the unpacked archive, and its count rate.

        Parameters
        ----------
        folder : Path
            `spec/` in a job's folder, beside `spec.tar.gz`; where it or a file is missing, nothing is added.
        """
        slices = {
            name: time_slice.model_copy(
                update={"modes": {mode: _with_file(s, name, folder) for mode, s in time_slice.modes.items()}}
            )
            for name, time_slice in self.slices.items()
        }
        return self.model_copy(update={"slices": slices})

    @property
    def has_files(self) -> bool:
        """True where `with_files` has found a spectrum's file."""
        return any(spectrum.file for time_slice in self.slices.values() for spectrum in time_slice.modes.values())

    def plot(self, folder: str | os.PathLike[str], ax: Axes | None = None) -> Axes:
        """Draw the spectra in the folder of the unpacked archive: ct/s/keV against keV, background subtracted.

        Bins have at least 20 counts, and 1-sigma errors; WT is blue, PC red. The legend has the fitted photon indices.

        Parameters
        ----------
        folder : path
            `spec/` in a job's folder, as `extract=True` makes it.
        ax : matplotlib Axes, optional
            Where to draw; by default axes of a new figure.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        ValueError
            Where there is no spectrum that can be read.
        """
        from ukssdc.plotting.spectrum_plot import draw_spectra  # noqa: PLC0415 - matplotlib is optional

        return draw_spectra(self, Path(folder), ax)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return [("slices", list(self.slices)), ("fits", len(self.fits)), ("t0", self.t0)]

    def _repr_html_(self) -> str:
        rows = [
            [
                *(time_slice.name, spectrum.mode, fit.model),
                *(format_fit_parameter(fit.gamma), format_fit_parameter(fit.kt), format_fit_parameter(fit.nh, 1e22)),
                format_fit_parameter(fit.observed_flux, 1e-12),
                f"{format_number(fit.cstat)} / {format_number(fit.dof)}" if fit.fitted else "no fit (NOFIT)",
            ]
            for time_slice, spectrum, fit in self.fits
        ]
        head = ("Slice", "Mode", "Model", "Photon index", "kT (keV)", "NH (10²² cm⁻²)", "Flux (10⁻¹² erg cm⁻² s⁻¹)")
        level = f", errors {100 * self.confidence:.0f} %" if self.confidence else ""
        return html_table(f"Spectral fits{level}", (*head, "C-stat / dof"), rows)

    def _units(self) -> Mapping[str, str]:
        return UNITS

    def _metadata(self) -> Mapping[str, Any]:
        return {"T0": self.t0, "DeltaFitStat": self.delta_fit_stat, "GalNH_unfitted": self.galactic_nh_unfitted}

    def _columns(self) -> Columns:
        rows = [_fit_row(self, *fit) for fit in self.fits]
        return {name: [_gap(name) if row[name] is None else row[name] for row in rows] for name in COLUMNS}


def _gap(column: str) -> Any:
    return "" if column in TEXTS else math.nan


def _mjd(t0: float | None, since: float | None) -> float | None:
    moment = None if t0 is None or since is None else met_to_utc(t0 + since)
    return None if moment is None else round(modified_julian_date(moment), MJD_DECIMALS)


def _read_slice(name: str, entry: JsonObject) -> SpectrumSlice:
    modes = [] if "NOSPEC" in entry.values else entry.names("Modes")
    return SpectrumSlice(
        name=name,
        start=entry.optional_number("Start"),
        stop=entry.optional_number("Stop"),
        data_file=entry.text("DataFile"),
        modes={mode: _read_spectrum(mode, entry.nested(mode)) for mode in modes},
    )


def _read_spectrum(mode: str, entry: JsonObject) -> ModeSpectrum:
    models = [] if "NOFIT" in entry.values else entry.names("Models")
    return ModeSpectrum(
        mode=mode,
        mean_time=entry.optional_number("MeanTime"),
        exposure=entry.optional_number("Exposure"),
        models={model: _read_fit(model, entry) for model in models},
    )


def _read_fit(model: str, spectrum: JsonObject) -> SpectralFit:
    if spectrum.values.get(model) == "NOFIT":
        return SpectralFit(model=model, fitted=False)
    entry = spectrum.nested(model)
    if "NOFIT" in entry.values:
        return SpectralFit(model=model, fitted=False)
    fields: dict[str, Any] = {field: entry.optional_number(name) for name, (field, _) in NUMBERS.items()}
    fields |= {field: _read_parameter(name, entry) for name, (field, _) in PARAMETERS.items()}
    fields["kt"] = fields["kt"] or _read_parameter("kT", entry)  # the service uses both spellings
    return SpectralFit(model=model, fitted=True, image=entry.text("Image"), **fields)


def _read_parameter(name: str, entry: JsonObject) -> FitParameter | None:
    value = entry.optional_number(name)
    if value is None:
        return None
    return FitParameter(value=value, pos=entry.optional_number(f"{name}Pos"), neg=entry.optional_number(f"{name}Neg"))


def _with_file(spectrum: ModeSpectrum, slice_name: str, folder: Path) -> ModeSpectrum:
    path = spectrum_path(folder, slice_name, spectrum.mode)
    if path is None:
        return spectrum
    found = net_rate(path)
    rate = {} if found is None else {"rate": found.rate, "rate_error": found.error}
    return spectrum.model_copy(update={"file": path.relative_to(folder).as_posix(), **rate})


def _fit_row(fits: SpectralFits, time_slice: SpectrumSlice, spectrum: ModeSpectrum, fit: SpectralFit) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Slice": time_slice.name,
        "Mode": spectrum.mode,
        "Model": fit.model,
        "Fitted": fit.fitted,
        "Start": time_slice.start,
        "Stop": time_slice.stop,
        "MeanTime": spectrum.mean_time,
        "Exposure": spectrum.exposure,
        "Rate": spectrum.rate,
        "RateErr": spectrum.rate_error,
        "ObsID": obsid[1] if (obsid := OBSID.fullmatch(time_slice.name)) else None,
        "MeanMJD": _mjd(fits.t0, spectrum.mean_time),
        "File": spectrum.file,
    }
    for name, (field, _) in PARAMETERS.items():
        parameter: FitParameter | None = getattr(fit, field)
        row[name] = parameter.value if parameter else None
        row[f"{name}Pos"] = parameter.pos if parameter else None
        row[f"{name}Neg"] = parameter.neg if parameter else None
    return row | {name: getattr(fit, field) for name, (field, _) in NUMBERS.items()}

"""The spectra of a job, slice by slice and mode by mode, each with its fits."""

from __future__ import annotations

from pydantic import Field

from ukssdc.results.fit_parameter import FitParameter
from ukssdc.results.job_result import Result


class SpectralFit(Result):
    """The fit of one model to one spectrum. What the model does not have is None.

    Attributes
    ----------
    model : str
        "PowerLaw", "APEC", ...
    fitted : bool
        False where the automatic fit failed (`NOFIT`); all the rest is None then.
    nh : FitParameter or None
        Absorbing column (intrinsic, where `galactic_nh` is given), cm^-2.
    gamma : FitParameter or None
        Photon index.
    kt : FitParameter or None
        Temperature, keV.
    observed_flux, unabsorbed_flux : FitParameter or None
        Flux in 0.3 to 10 keV, erg cm^-2 s^-1.
    galactic_nh : float or None
        Galactic column that the fit held fixed, cm^-2.
    redshift : float or None
        Redshift of the absorber.
    cstat, dof, fit_chi : float or None
        C-statistic, degrees of freedom, chi-squared.
    image : str or None
        Address of a picture of spectrum and model.
    """

    model: str
    fitted: bool
    nh: FitParameter | None = None
    gamma: FitParameter | None = None
    kt: FitParameter | None = None
    observed_flux: FitParameter | None = None
    unabsorbed_flux: FitParameter | None = None
    galactic_nh: float | None = None
    redshift: float | None = None
    cstat: float | None = None
    dof: float | None = None
    fit_chi: float | None = None
    image: str | None = None


class ModeSpectrum(Result):
    """The spectrum of one mode in one time slice, with its fits.

    Attributes
    ----------
    mode : str
        "WT" or "PC".
    mean_time : float or None
        Mean time of the events, s since `SpectralFits.t0`.
    exposure : float or None
        s.
    models : dict
        Model -> `SpectralFit`; empty where no fit was asked for.
    rate, rate_error : float or None
        Count rate in the good channels without background, and its 1-sigma error, ct/s; see `SpectralFits.with_files`.
    file : str or None
        The spectrum's file, in the folder that `SpectralFits.with_files` was given.
    """

    mode: str
    mean_time: float | None = None
    exposure: float | None = None
    rate: float | None = None
    rate_error: float | None = None
    file: str | None = None
    models: dict[str, SpectralFit] = Field(default_factory=dict)

    @property
    def fitted(self) -> bool:
        """True where at least one model was fitted."""
        return any(fit.fitted for fit in self.models.values())


class SpectrumSlice(Result):
    """One time slice.

    Attributes
    ----------
    name : str
        Its name: "interval0", or the request's `rname1` to `rname4`.
    start, stop : float or None
        The interval asked for, s since `SpectralFits.t0`.
    data_file : str or None
        Address of the slice's own archive.
    modes : dict
        Mode -> `ModeSpectrum`; empty where no spectrum could be made (`NOSPEC`).
    """

    name: str
    start: float | None = None
    stop: float | None = None
    data_file: str | None = None
    modes: dict[str, ModeSpectrum] = Field(default_factory=dict)

"""The parameters of each product, one row per parameter (protocol, section 5).

`LightCurve`, `Spectrum`, ... hold what is sent for a product, and nothing else: None means not sent, and the
service's default applies. Besides a field's name, the name that the service's users know ("pcCounts") and the
name in bodies ("pccounts") are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from ukssdc.errors import InvalidRequest
from ukssdc.request.parameter_values import Parameter, TextFormat, parameter
from ukssdc.request.rules import ANY, Always, Between, Draft, Implies, LessThan, OnlyIf, Requires, Rule

AllOrUser = Literal["all", "user"]
AllUserOrHours = Literal["all", "user", "hours"]
Bands = Literal["total", "all"]
Binning = Literal["counts", "time", "snapshot", "obsid"]
Centroiding = Literal["simple", "iterative"]
DetectOrCentroid = Literal["detect", "centroid"]
Grades = Literal["all", "0", "4"]
Model = Literal["powerlaw", "apec", "blackbody"]
Modes = Literal["no", "pc", "wt", "both"]
Slicing = Literal["single", "user", "snapshot", "obsid"]
TimeFormat = Literal["s", "m"]

LABEL = TextFormat(r"[A-Za-z0-9]+", "a name of letters and digits only")
OBSERVATIONS = TextFormat("", 'obsIDs, or start-stop times, comma-separated, like "00966554000"')
TIMES = TextFormat("", 'start-stop times, like "0-1000"')
STEM = TextFormat("", "the first part of the file names")
_BAND = r"[0-9]*\.?[0-9]+-[0-9]*\.?[0-9]+"
KEV = {"unit": "keV", "low": 0}
SECONDS = {"unit": "s", "above": 0}
HOURS = {"unit": "h", "above": 0}
COUNTS = {"unit": "counts", "low": 1}
PIXELS = {"unit": "pixels of 2.36 arcsec", "low": 1}
WHICH_DATA = "Observations to use; user needs useObs"
WHICH_HOURS = "Observations to use; user needs useObs, hours needs incHours"
USE_OBS = "Observations to use, comma-separated: obsIDs, or start-stop times; sets whichData to user"
INC_HOURS = "Observations this long after the first one are used"
SRCRAD = "Largest radius of the source region; the same for light curve and spectrum"

USE_OBS_MEANS_USER = Implies("use_obs", "which_data", "user")
USER_NEEDS_USE_OBS = Requires(("use_obs",), when=("which_data", "user"))
HOURS_NEEDS_INC_HOURS = Requires(("inc_hours",), when=("which_data", "hours"))


def _bands_rise(text: str) -> bool:
    edges = (band.split("-") for band in text.split(","))
    return all(float(low) < float(high) for low, high in edges)


BANDS = TextFormat(rf"{_BAND}(,{_BAND})*", 'bands in keV, each from low to high, like "0.3-10,0.3-1.5"', _bands_rise)


class Parameters(BaseModel):
    """What the parameter classes have in common: names, validation of everything at once, and output of what is set."""

    model_config = ConfigDict(frozen=True)

    ROWS: ClassVar[dict[str, Parameter]] = {}
    RULES: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Collect the rows of the table."""
        cls.ROWS = {
            name: info.json_schema_extra.bind(name, info.annotation)
            for name, info in cls.model_fields.items()
            if isinstance(info.json_schema_extra, Parameter)
        }

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return data
        return handler(cls._checked(data))

    @classmethod
    def _checked(cls, data: Any) -> dict[str, Any]:
        """Return everything that is sent, by field; raise `InvalidRequest` with all problems."""
        if not isinstance(data, Mapping):
            raise InvalidRequest([f"{cls.__name__} is a {type(data).__name__}: give its parameters, name by name"])
        draft = Draft(cls.ROWS, where=f"{cls.__name__}.").read(data.items())
        draft.apply_rules(cls.RULES)
        if draft.problems:
            raise InvalidRequest(draft.problems)
        return draft.values

    def values(self) -> dict[str, Any]:
        """Return the parameters that are set, by field."""
        return {name: value for name in self.ROWS if (value := getattr(self, name)) is not None}

    def wire_values(self) -> dict[str, Any]:
        """Return the parameters that are set, as they are sent: by wire name, booleans as 1 and 0."""
        return {self.ROWS[name].wire: _to_wire(value) for name, value in self.values().items()}

    @model_serializer(mode="wrap")
    def _only_what_is_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}

    def __repr_args__(self) -> Any:
        return [(name, value) for name, value in super().__repr_args__() if value is not None]


def _to_wire(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return list(value) if isinstance(value, tuple) else value


class LightCurve(Parameters):
    """A light curve, with hardness ratios (protocol, section 5)."""

    bin_meth: Binning = parameter("binMeth", "binMeth", "How to bin; always needed")
    min_energy: float | None = parameter("minEnergy", "minen", "Low edge of the energy range", 0.3, **KEV)
    max_energy: float | None = parameter("maxEnergy", "maxen", "High edge of the energy range", 10.0, **KEV)
    soft_lo: float | None = parameter("softLo", "soft1", "Low edge of the soft band", 0.3, **KEV)
    soft_hi: float | None = parameter("softHi", "soft2", "High edge of the soft band", 1.5, **KEV)
    hard_lo: float | None = parameter("hardLo", "hard1", "Low edge of the hard band", 1.5, **KEV)
    hard_hi: float | None = parameter("hardHi", "hard2", "High edge of the hard band", 10.0, **KEV)
    min_sig: float | None = parameter("minSig", "sigmin", "Significance of a detection", 3.0, unit="sigma", low=0)
    grades: Grades | None = parameter("grades", "grades", "Event grades to include", "all")
    allow_ul: Modes | None = parameter("allowUL", "allowUL", "Modes in which upper limits are allowed", "both")
    allow_bayes: Modes | None = parameter("allowBayes", "allowB", "Modes in which Bayesian bins are allowed", "both")
    bayes_counts: float | None = parameter(
        "bayesCounts", "bayesCounts", "Bins with fewer counts are Bayesian", 15.0, low=0
    )
    bayes_snr: float | None = parameter("bayesSNR", "bayesSNR", "Bins with a lower S/N are Bayesian", 2.4, low=0)
    time_format: TimeFormat | None = parameter(
        "timeFormat", "lctimetype", "Time axis: s for seconds, m for MJD", "s", deprecated="timeType"
    )
    which_data: AllOrUser | None = parameter("whichData", "lcobs", WHICH_DATA, "all")
    use_obs: str | None = parameter("useObs", "uselcobs", USE_OBS, form=OBSERVATIONS, multiple=True)
    srcrad: int | None = parameter("srcrad", "srcrad", SRCRAD, **PIXELS)
    # counts binning
    pc_counts: int | None = parameter(
        "pcCounts", "pccounts", "Counts that fill a PC bin; counts binning needs it", **COUNTS
    )
    wt_counts: int | None = parameter(
        "wtCounts", "wtcounts", "Counts that fill a WT bin; counts binning needs it", **COUNTS
    )
    dynamic: bool | None = parameter("dynamic", "dynamic", "Let these counts follow the rate; counts binning needs it")
    rate_fact: float | None = parameter("rateFact", "ratefact", "Rate factor of dynamic binning", 10.0, above=0)
    bin_fact: float | None = parameter("binFact", "binfact", "Bin factor of dynamic binning", 1.5, above=0)
    min_counts: int | None = parameter(
        "minCounts", "mincmin", "Dynamic binning keeps at least", 15, unit="counts", low=0
    )
    min_snr: float | None = parameter("minSNR", "minsnr", "S/N that a bin needs to be full", 2.4, low=0)
    pc_max_gap: float | None = parameter("pcMaxGap", "pcmaxgap", "Longest gap inside a PC bin", 1e8, **SECONDS)
    wt_max_gap: float | None = parameter("wtMaxGap", "wtmaxgap", "Longest gap inside a WT bin", 1e8, **SECONDS)
    # time binning (counts binning knows the first two as the shortest bins)
    pc_bin_time: float | None = parameter(
        "pcBinTime", "pcbin", "PC bin duration; time binning needs it", 2.51, **SECONDS
    )
    wt_bin_time: float | None = parameter(
        "wtBinTime", "wtbin", "WT bin duration; time binning needs it", 0.5, **SECONDS
    )
    match_hr: bool | None = parameter("matchHR", "hrbin", "Bin hardness ratios alike; false needs the next two", True)
    pc_hr_bin_time: float | None = parameter(
        "pcHRBinTime", "pchrbin", "PC bin duration, hardness ratio", 2.51, **SECONDS
    )
    wt_hr_bin_time: float | None = parameter(
        "wtHRBinTime", "wthrbin", "WT bin duration, hardness ratio", 0.5, **SECONDS
    )
    min_frac_exp: float | None = parameter(
        "minFracExp", "femin", "Least fractional exposure of a bin", 0.0, low=0, high=1
    )

    RULES = (
        USE_OBS_MEANS_USER,
        USER_NEEDS_USE_OBS,
        Requires(("bin_meth",)),
        Requires(("pc_counts", "wt_counts", "dynamic"), when=("bin_meth", "counts")),
        Requires(("pc_bin_time", "wt_bin_time"), when=("bin_meth", "time")),
        Requires(("pc_hr_bin_time", "wt_hr_bin_time"), when=("match_hr", False), also=("bin_meth", "time")),
        LessThan("min_energy", "max_energy"),
        LessThan("soft_lo", "soft_hi"),
        LessThan("hard_lo", "hard_hi"),
        *(Between(edge, "min_energy", "max_energy") for edge in ("soft_lo", "soft_hi", "hard_lo", "hard_hi")),
    )


class Spectrum(Parameters):
    """Spectra with automatic fits (protocol, section 5)."""

    has_redshift: bool = parameter(
        "hasRedshift", "specz", "Fit with a redshifted absorber; needed unless redshift is given"
    )
    redshift: float | None = parameter(
        "redshift", "zval", "Redshift of the source; sets hasRedshift and galactic", above=-1
    )
    which_data: AllUserOrHours | None = parameter("whichData", "specobs", WHICH_HOURS, "hours")
    use_obs: str | None = parameter("useObs", "usespecobs", USE_OBS, form=OBSERVATIONS, multiple=True)
    inc_hours: float | None = parameter("incHours", "specobstime", INC_HOURS, 12.0, **HOURS)
    timeslice: Slicing | None = parameter(
        "timeslice", "timeslice", "Spectra to make; user needs rname1 and gti1", "single"
    )
    rname1: str | None = parameter("rname1", "rname1", "Label of the first slice", form=LABEL)
    gti1: str | None = parameter("gti1", "gti1", "Times of the first slice", form=TIMES)
    rname2: str | None = parameter("rname2", "rname2", "Label of the second slice", form=LABEL)
    gti2: str | None = parameter("gti2", "gti2", "Times of the second slice", form=TIMES)
    rname3: str | None = parameter("rname3", "rname3", "Label of the third slice", form=LABEL)
    gti3: str | None = parameter("gti3", "gti3", "Times of the third slice", form=TIMES)
    rname4: str | None = parameter("rname4", "rname4", "Label of the fourth slice", form=LABEL)
    gti4: str | None = parameter("gti4", "gti4", "Times of the fourth slice", form=TIMES)
    spec_stem: str | None = parameter("specStem", "specstem", "First part of the file names", "interval0", form=STEM)
    grades: Grades | None = parameter("grades", "specgrades", "Event grades to include", "all")
    do_not_fit: bool | None = parameter("doNotFit", "doNotFit", "Leave out the fits; sets hasRedshift to false", False)
    galactic: bool | None = parameter("galactic", "galactic", "Add a Galactic absorber; hasRedshift sets it", False)
    models: tuple[Model, ...] | None = parameter(
        "models", "models", "Models to fit, one after the other", ("powerlaw",)
    )
    delta_fit_stat: float = parameter(
        "deltaFitStat", "dchi", "Change of the fit statistic for the errors", 2.706, above=0
    )
    srcrad: int | None = parameter("srcrad", "srcrad", SRCRAD, **PIXELS)

    RULES = (
        USE_OBS_MEANS_USER,
        USER_NEEDS_USE_OBS,
        HOURS_NEEDS_INC_HOURS,
        Implies("redshift", "has_redshift", True),
        Implies("do_not_fit", "has_redshift", False, value=True),
        Implies("has_redshift", "galactic", True, value=True, loses="target"),
        Requires(("has_redshift",)),
        Requires(("redshift",), when=("has_redshift", True)),
        Always("delta_fit_stat", 2.706),
        Requires(("rname1", "gti1"), when=("timeslice", "user")),
        *(Requires((f"gti{n}",), when=(f"rname{n}", ANY)) for n in (2, 3, 4)),
        *(Requires((f"rname{n}",), when=(f"gti{n}", ANY)) for n in (2, 3, 4)),
        OnlyIf(tuple(f"{part}{n}" for n in (1, 2, 3, 4) for part in ("rname", "gti")), "timeslice", "user"),
    )


class PositionParameters(Parameters):
    """What the three positions share: set on one, it holds for all (protocol, section 5)."""

    pos_radius: float | None = parameter("posRadius", "posRadius", "Search radius", 20.0, unit="arcsec", above=0)
    which_data: AllUserOrHours | None = parameter("whichData", "posobs", WHICH_HOURS, "hours")
    use_obs: str | None = parameter("useObs", "useposobs", USE_OBS, form=OBSERVATIONS, multiple=True)
    inc_hours: float | None = parameter("incHours", "posobstime", INC_HOURS, 12.0, **HOURS)
    det_or_cent: DetectOrCentroid | None = parameter("detOrCent", "detornot", "How to find the source", "detect")
    cent_meth: Centroiding | None = parameter("centMeth", "detMeth", "How to centroid", "simple")

    RULES = (USE_OBS_MEANS_USER, USER_NEEDS_USE_OBS, HOURS_NEEDS_INC_HOURS)


class StandardPos(PositionParameters):
    """A standard position."""


class EnhancedPos(PositionParameters):
    """A position corrected with the UVOT."""


class AstromPos(PositionParameters):
    """A position corrected by serendipitous X-ray sources; implies the standard position."""

    use_all_obs: bool | None = parameter("useAllObs", "allxastrom", "Use all observations for this one", False)


class Image(Parameters):
    """Images, one per energy band (protocol, section 5)."""

    energies: str | None = parameter(
        "energies", "imen", "Bands, keV", "0.3-10,0.3-1.5,1.51-10", form=BANDS, multiple=True
    )
    which_data: AllOrUser | None = parameter("whichData", "imobs", WHICH_DATA, "all")
    use_obs: str | None = parameter("useObs", "useimobs", USE_OBS, form=OBSERVATIONS, multiple=True)

    RULES = (USE_OBS_MEANS_USER, USER_NEEDS_USE_OBS)


class SourceDet(Parameters):
    """Source detection; with nothing else, a request needs no position (protocol, section 5)."""

    which_data: AllOrUser = parameter("whichData", "detobs", WHICH_DATA + "; needed unless useObs is given")
    use_obs: str | None = parameter("useObs", "usedetobs", USE_OBS, form=OBSERVATIONS, multiple=True)
    which_bands: Bands | None = parameter("whichBands", "detbands", "Search the total band only, or all", "total")
    fit_stray_light: bool | None = parameter("fitStrayLight", "fitStrayLight", "Look for stray light and fit it", True)

    RULES = (USE_OBS_MEANS_USER, USER_NEEDS_USE_OBS, Requires(("which_data",)))

"""The parameters of each product, one row per parameter (protocol, section 5).

`LightCurve`, `Spectrum`, ... hold what is sent for a product, and nothing else: None means not sent, and the
service's default applies. Besides a field's name, the name in the service's documentation
("pcCounts") and the one in a submission's body ("pccounts") are accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ukssdc.errors import InvalidRequest
from ukssdc.notebook import ShortRepr
from ukssdc.request.form_schema import finish_schema
from ukssdc.request.lists import read_observations, read_times
from ukssdc.request.parameter_values import Parameter, ParameterRows, TextFormat, param
from ukssdc.request.rules import ANY_VALUE, AlwaysSent, Between, Implies, LessThan, OnlyIf, ParameterSet, Requires, Rule

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
OBSERVATIONS = TextFormat(
    "", 'obsIDs of 11 digits, or start-stop times, comma-separated, like "00966554000"', read=read_observations
)
TIMES = TextFormat("", 'start-stop times, like "0-1000"', read=read_times)
OBSERVATION_LIST = {"format": OBSERVATIONS, "multiple": True, "example": "00966554000"}
SLICE_TIMES = {"format": TIMES, "unit": "s", "example": "0-1000"}
FILE_STEM = TextFormat("", "the first part of the file names")
_BAND = r"[0-9]*\.?[0-9]+-[0-9]*\.?[0-9]+"
KEV = {"unit": "keV", "ge": 0}
SECONDS = {"unit": "s", "gt": 0}
HOURS = {"unit": "h", "gt": 0}
COUNTS = {"unit": "counts", "ge": 1}
PIXELS = {"unit": "pixels of 2.36 arcsec", "ge": 1, "example": 30}
WHICH_DATA = "Observations to use; user needs useObs"
WHICH_HOURS = "Observations to use; user needs useObs, hours needs incHours"
USE_OBS = "Observations to use, comma-separated: obsIDs, or start-stop times; sets whichData to user"
INC_HOURS = "Observations this long after the first one are used"
SRCRAD = "Largest radius of the source region; the same for light curve and spectrum"

USE_OBS_MEANS_USER = Implies("use_obs", "which_data", "user")
USER_NEEDS_USE_OBS = Requires(("use_obs",), when=("which_data", "user"))
HOURS_NEEDS_INC_HOURS = Requires(("inc_hours",), when=("which_data", "hours"))


def _bands_ascend(text: str) -> bool:
    edges = (band.split("-") for band in text.split(","))
    return all(float(low) < float(high) for low, high in edges)


BANDS = TextFormat(rf"{_BAND}(,{_BAND})*", 'bands in keV, each from low to high, like "0.3-10,0.3-1.5"', _bands_ascend)


class Parameters(ShortRepr, BaseModel):
    """Base of the parameter classes: accepts all names, reports all problems at once, and returns what is set."""

    model_config = ConfigDict(frozen=True)

    ROWS: ClassVar[ParameterRows] = ParameterRows()
    RULES: ClassVar[tuple[Rule, ...]] = ()
    TITLE: ClassVar[str] = ""  # in messages; the class's name where it is empty
    FIELD_NAMES: ClassVar[dict[str, str]] = {}  # any accepted name -> the field's
    FORM_TEXT: ClassVar[str] = ""
    FORM_NEEDS: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the JSON schema, as a form shows it."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        finish_schema(schema, cls.ROWS, cls.FORM_TEXT, cls.FORM_NEEDS)
        return schema

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Collect the parameters declared in the class."""
        cls.ROWS = ParameterRows(
            (name, info.json_schema_extra.bind(name, info.annotation))
            for name, info in cls.model_fields.items()
            if isinstance(info.json_schema_extra, Parameter)
        )
        cls.FIELD_NAMES = {name: field for field, row in cls.ROWS.items() for name in row.names}

    @model_validator(mode="wrap")
    @classmethod
    def _validate(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return data
        return handler(cls._validated(data))

    @classmethod
    def _validated(cls, data: Any) -> dict[str, Any]:
        """Return the values to send, by field; raise `InvalidRequest` with all problems."""
        title = cls.TITLE or cls.__name__
        if not isinstance(data, Mapping):
            raise InvalidRequest([f"{title} is a {type(data).__name__}: give its parameters, name by name"])
        params = ParameterSet(cls.ROWS, prefix=f"{title}.").read(data.items())
        params.apply_rules(cls.RULES)
        if params.problems:
            raise InvalidRequest(params.problems)
        return params.values

    def values(self) -> dict[str, Any]:
        """Return the parameters that are set, by field."""
        return {name: value for name in self.ROWS if (value := getattr(self, name)) is not None}

    def wire_values(self) -> dict[str, Any]:
        """Return the parameters that are set, as they are sent: by wire name, booleans as 1 and 0."""
        return {self.ROWS[name].wire_name: _to_wire(value) for name, value in self.values().items()}

    @model_serializer(mode="wrap")
    def _leave_out_unset(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}

    def __repr_args__(self) -> Any:
        return [(name, value) for name, value in BaseModel.__repr_args__(self) if value is not None]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with changes, under any of a parameter's names; they are checked as a request is.

        Raises
        ------
        InvalidRequest
            With all problems.
        """
        if not update:
            return super().model_copy(deep=deep)
        changed = {self.FIELD_NAMES.get(name, name) for name in update}
        kept = {name: value for name, value in self.model_dump(warnings=False).items() if name not in changed}
        return type(self).model_validate(kept | dict(update))


def _to_wire(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return list(value) if isinstance(value, tuple) else value


class LightCurveBinning(Parameters):
    """How a light curve is binned: of a new one, and of one that is binned anew (protocol, sections 5 and 7)."""

    TITLE = "binning"
    FORM_TEXT = "How to bin the light curve; binMeth is needed."
    FORM_NEEDS = ("bin_meth",)

    bin_meth: Binning = param(
        "binMeth",
        "binMeth",
        "How to bin: by counts, by time, per snapshot or per observation; always needed",
        example="snapshot",
        alias="bin_method",
    )
    min_energy: float | None = param("minEnergy", "minen", "Low edge of the energy range", 0.3, **KEV)
    max_energy: float | None = param("maxEnergy", "maxen", "High edge of the energy range", 10.0, **KEV)
    soft_lo: float | None = param("softLo", "soft1", "Low edge of the soft band", 0.3, **KEV)
    soft_hi: float | None = param("softHi", "soft2", "High edge of the soft band", 1.5, **KEV)
    hard_lo: float | None = param("hardLo", "hard1", "Low edge of the hard band", 1.5, **KEV)
    hard_hi: float | None = param("hardHi", "hard2", "High edge of the hard band", 10.0, **KEV)
    min_sig: float | None = param("minSig", "sigmin", "Significance of a detection", 3.0, unit="sigma", ge=0)
    grades: Grades | None = param("grades", "grades", "Event grades to include", "all")
    allow_ul: Modes | None = param("allowUL", "allowUL", "Modes in which upper limits are allowed", "both")
    allow_bayes: Modes | None = param("allowBayes", "allowB", "Modes in which Bayesian bins are allowed", "both")
    bayes_counts: float | None = param("bayesCounts", "bayesCounts", "Bins with fewer counts are Bayesian", 15.0, ge=0)
    bayes_snr: float | None = param("bayesSNR", "bayesSNR", "Bins with a lower S/N are Bayesian", 2.4, ge=0)
    time_format: TimeFormat | None = param(
        "timeFormat", "lctimetype", "Time axis: s for seconds, m for MJD", "s", deprecated="timeType"
    )
    which_data: AllOrUser | None = param("whichData", "lcobs", WHICH_DATA, "all")
    use_obs: str | None = param("useObs", "uselcobs", USE_OBS, **OBSERVATION_LIST)
    # counts binning
    pc_counts: int | None = param(
        "pcCounts", "pccounts", "Counts that fill a PC bin; counts binning needs it", **COUNTS, example=20
    )
    wt_counts: int | None = param(
        "wtCounts", "wtcounts", "Counts that fill a WT bin; counts binning needs it", **COUNTS, example=30
    )
    dynamic: bool | None = param("dynamic", "dynamic", "Let these counts follow the rate; counts binning needs it")
    rate_fact: float | None = param("rateFact", "ratefact", "Rate factor of dynamic binning", 10.0, gt=0)
    bin_fact: float | None = param("binFact", "binfact", "Bin factor of dynamic binning", 1.5, gt=0)
    min_counts: int | None = param("minCounts", "mincmin", "Dynamic binning keeps at least", 15, unit="counts", ge=0)
    min_snr: float | None = param("minSNR", "minsnr", "S/N that a bin needs to be full", 2.4, ge=0)
    pc_max_gap: float | None = param("pcMaxGap", "pcmaxgap", "Longest gap inside a PC bin", 1e8, **SECONDS)
    wt_max_gap: float | None = param("wtMaxGap", "wtmaxgap", "Longest gap inside a WT bin", 1e8, **SECONDS)
    # time binning (in counts binning, the first two are the shortest bins)
    pc_bin_time: float | None = param("pcBinTime", "pcbin", "PC bin duration; time binning needs it", 2.51, **SECONDS)
    wt_bin_time: float | None = param("wtBinTime", "wtbin", "WT bin duration; time binning needs it", 0.5, **SECONDS)
    match_hr: bool | None = param("matchHR", "hrbin", "Bin hardness ratios alike; false needs the next two", True)
    pc_hr_bin_time: float | None = param("pcHRBinTime", "pchrbin", "PC bin duration, hardness ratio", 2.51, **SECONDS)
    wt_hr_bin_time: float | None = param("wtHRBinTime", "wthrbin", "WT bin duration, hardness ratio", 0.5, **SECONDS)
    min_frac_exp: float | None = param("minFracExp", "femin", "Least fractional exposure of a bin", 0.0, ge=0, le=1)

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

    def named_values(self) -> dict[str, Any]:
        """Return the parameters that are set by their documented names, as a rebinning is asked for (section 7)."""
        return {self.ROWS[name].name: value for name, value in self.values().items()}


class LightCurve(LightCurveBinning):
    """A light curve, with hardness ratios (protocol, section 5)."""

    TITLE = "LightCurve"
    FORM_TEXT = "How to build the light curve; binMeth is needed."

    srcrad: int | None = param("srcrad", "srcrad", SRCRAD, **PIXELS)


class Spectrum(Parameters):
    """Spectra with automatic fits (protocol, section 5)."""

    FORM_TEXT = "How to extract and fit the spectra; hasRedshift is needed."
    FORM_NEEDS = ("has_redshift",)

    has_redshift: bool = param(
        "hasRedshift", "specz", "Fit with a redshifted absorber; needed unless redshift is given"
    )
    redshift: float | None = param(
        "redshift", "zval", "Redshift of the source; sets hasRedshift and galactic", gt=-1, example=0.5
    )
    which_data: AllUserOrHours | None = param("whichData", "specobs", WHICH_HOURS, "hours")
    use_obs: str | None = param("useObs", "usespecobs", USE_OBS, **OBSERVATION_LIST)
    inc_hours: float | None = param("incHours", "specobstime", INC_HOURS, 12.0, **HOURS)
    timeslice: Slicing | None = param("timeslice", "timeslice", "Spectra to make; user needs rname1 and gti1", "single")
    rname1: str | None = param("rname1", "rname1", "Label of the first slice", format=LABEL, example="slice1")
    gti1: str | None = param("gti1", "gti1", "Times of the first slice", **SLICE_TIMES)
    rname2: str | None = param("rname2", "rname2", "Label of the second slice", format=LABEL, example="slice2")
    gti2: str | None = param("gti2", "gti2", "Times of the second slice", **SLICE_TIMES)
    rname3: str | None = param("rname3", "rname3", "Label of the third slice", format=LABEL, example="slice3")
    gti3: str | None = param("gti3", "gti3", "Times of the third slice", **SLICE_TIMES)
    rname4: str | None = param("rname4", "rname4", "Label of the fourth slice", format=LABEL, example="slice4")
    gti4: str | None = param("gti4", "gti4", "Times of the fourth slice", **SLICE_TIMES)
    spec_stem: str | None = param("specStem", "specstem", "First part of the file names", "interval0", format=FILE_STEM)
    grades: Grades | None = param("grades", "specgrades", "Event grades to include", "all")
    do_not_fit: bool | None = param("doNotFit", "doNotFit", "Leave out the fits; sets hasRedshift to false", False)
    galactic: bool | None = param("galactic", "galactic", "Add a Galactic absorber; hasRedshift sets it", False)
    models: tuple[Model, ...] | None = param("models", "models", "Models to fit, one after the other", ("powerlaw",))
    delta_fit_stat: float = param("deltaFitStat", "dchi", "Change of the fit statistic for the errors", 2.706, gt=0)
    srcrad: int | None = param("srcrad", "srcrad", SRCRAD, **PIXELS)

    RULES = (
        USE_OBS_MEANS_USER,
        USER_NEEDS_USE_OBS,
        HOURS_NEEDS_INC_HOURS,
        Implies("redshift", "has_redshift", True),
        Implies("do_not_fit", "has_redshift", False, value=True),
        Implies("has_redshift", "galactic", True, value=True, discard="target"),
        Requires(("has_redshift",)),
        Requires(("redshift",), when=("has_redshift", True)),
        AlwaysSent("delta_fit_stat", 2.706),
        Requires(("rname1", "gti1"), when=("timeslice", "user")),
        *(Requires((f"gti{n}",), when=(f"rname{n}", ANY_VALUE)) for n in (2, 3, 4)),
        *(Requires((f"rname{n}",), when=(f"gti{n}", ANY_VALUE)) for n in (2, 3, 4)),
        OnlyIf(tuple(f"{part}{n}" for n in (1, 2, 3, 4) for part in ("rname", "gti")), "timeslice", "user"),
    )


class PositionParameters(Parameters):
    """The parameters that the three positions share: set for one, they apply to all (protocol, section 5)."""

    pos_radius: float | None = param("posRadius", "posRadius", "Search radius", 20.0, unit="arcsec", gt=0)
    which_data: AllUserOrHours | None = param("whichData", "posobs", WHICH_HOURS, "hours")
    use_obs: str | None = param("useObs", "useposobs", USE_OBS, **OBSERVATION_LIST)
    inc_hours: float | None = param("incHours", "posobstime", INC_HOURS, 12.0, **HOURS)
    det_or_cent: DetectOrCentroid | None = param("detOrCent", "detornot", "How to find the source", "detect")
    cent_meth: Centroiding | None = param("centMeth", "detMeth", "How to centroid", "simple")

    RULES = (USE_OBS_MEANS_USER, USER_NEEDS_USE_OBS, HOURS_NEEDS_INC_HOURS)


class StandardPos(PositionParameters):
    """A standard position."""

    FORM_TEXT = "How to find the standard position; all three positions share these parameters."


class EnhancedPos(PositionParameters):
    """A position corrected with the UVOT."""

    FORM_TEXT = "How to find the UVOT-enhanced position; all three positions share these parameters."


class AstromPos(PositionParameters):
    """A position corrected by serendipitous X-ray sources; implies the standard position."""

    FORM_TEXT = "How to find the astrometric position; all three positions share these parameters."

    use_all_obs: bool | None = param("useAllObs", "allxastrom", "Use all observations for this one", False)


class Image(Parameters):
    """Images, one per energy band (protocol, section 5)."""

    FORM_TEXT = "Which images to make."

    energies: str | None = param(
        "energies", "imen", "Bands, keV", "0.3-10,0.3-1.5,1.51-10", format=BANDS, multiple=True
    )
    which_data: AllOrUser | None = param("whichData", "imobs", WHICH_DATA, "all")
    use_obs: str | None = param("useObs", "useimobs", USE_OBS, **OBSERVATION_LIST)

    RULES = (USE_OBS_MEANS_USER, USER_NEEDS_USE_OBS)


class SourceDet(Parameters):
    """Source detection; with nothing else, a request needs no position (protocol, section 5)."""

    FORM_TEXT = "How to search for sources; whichData is needed."
    FORM_NEEDS = ("which_data",)

    which_data: AllOrUser = param("whichData", "detobs", WHICH_DATA + "; needed unless useObs is given")
    use_obs: str | None = param("useObs", "usedetobs", USE_OBS, **OBSERVATION_LIST)
    which_bands: Bands | None = param("whichBands", "detbands", "Search the total band only, or all", "total")
    fit_stray_light: bool | None = param("fitStrayLight", "fitStrayLight", "Look for stray light and fit it", True)

    RULES = (USE_OBS_MEANS_USER, USER_NEEDS_USE_OBS, Requires(("which_data",)))

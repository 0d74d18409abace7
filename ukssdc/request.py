"""A request for products: the target, and the parameters of each product (protocol, section 5)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field

from ukssdc import parameters
from ukssdc._rules import Always, Draft, Needs, Sets
from ukssdc._values import Form, Parameter, drop_null, par, show
from ukssdc.errors import InvalidRequest
from ukssdc.parameters import AstromPos, EnhancedPos, Image, LightCurve, Parameters, SourceDet, Spectrum, StandardPos
from ukssdc.status import Product

API = {"api_name": "xrt_prods", "api_version": "1.12"}
TARGET_IDS = Form(r"\d{8}(,\d{8})*", 'target IDs of 8 digits, comma-separated, like "00966554"')
FIELDS = {
    Product.LightCurve: "light_curve",
    Product.Spectrum: "spectrum",
    Product.StandardPos: "standard_pos",
    Product.EnhancedPos: "enhanced_pos",
    Product.AstromPos: "astrom_pos",
    Product.Image: "image",
    Product.SourceDet: "source_det",
}
MODELS: dict[Product, type[Parameters]] = {p: getattr(parameters, p.value) for p in Product}
POSITIONS = (Product.StandardPos, Product.EnhancedPos, Product.AstromPos)
# These are one parameter of the service: set for one of the products, it holds for all of them.
SHARED = (
    (POSITIONS, tuple(parameters.Position.model_fields)),
    ((Product.LightCurve, Product.Spectrum), ("srcrad",)),
)
# Source detection alone looks at whole fields: it needs neither a position nor what to do about one.
POINTED = (
    Needs(("ra", "dec"), unless="get_coords"),
    Needs(("centroid",)),
    Always("use_sxps", value=False),
)


def _product(product: Product) -> Any:
    return Field(default=None, title=product.value, description=f"A {product.prose}.", json_schema_extra=drop_null)


class ProductRequest(Parameters):
    """What to build, of which target.

    It is made from the service's own parameter names, in a flat or a nested form, or from a file, or with
    keywords::

        ProductRequest.model_validate({"name": "GRB 200416A", ..., "LightCurve": {"binMeth": "snapshot"}})
        ProductRequest.model_validate({"globals": {"name": ...}, "products": {"LightCurve": {...}}})
        ProductRequest.from_file("grb.yaml")
        ProductRequest(name="GRB 200416A", get_targs=True, ..., standard_pos={})

    Raises
    ------
    InvalidRequest
        With all problems at once, in the names that were used.
    """

    name: str = par("name", "name", "Name of the target; always needed")
    targ: str | None = par("targ", "targ", "Target IDs, 8 digits each; or set getTargs", form=TARGET_IDS, many=True)
    t0: float | None = par("T0", "Tstart", "Reference time, Swift MET; sets getT0 to false", unit="s")
    since_t0: bool | None = par("SinceT0", "SinceT0", "All other times are relative to T0", False)
    ra: float | None = par("RA", "RA", "Right ascension, J2000; or set getCoords", unit="deg", low=0, high=360)
    dec: float | None = par("Dec", "Dec", "Declination, J2000; or set getCoords", unit="deg", low=-90, high=90)
    centroid: bool | None = par("centroid", "cent", "Look for the source near the position; true needs posErr")
    cent_meth: Literal["simple", "iterative"] | None = par("centMeth", "centMeth", "How to centroid", "simple")
    max_cent_tries: int | None = par("maxCentTries", "maxCentTries", "Attempts to centroid", 10, low=1)
    pos_err: float | None = par("posErr", "poserr", "How far off the source may be", unit="arcmin", low=1, high=6)
    sss: bool | None = par("sss", "sss", "A super-soft source: grade 0 only, lower pile-up rates", False)
    use_sxps: bool | None = par("useSXPS", "useSXPS", "Take source lists from the SXPS catalogues", False)
    wt_pup_rate: float | None = par("wtPupRate", "wtpuprate", "Test WT data above it for pile-up", 150.0, unit="ct/s")
    pc_pup_rate: float | None = par("pcPupRate", "pcpuprate", "Test PC data above it for pile-up", 0.6, unit="ct/s")
    notify: bool | None = par("notify", "notify", "Let the service e-mail you at the end", False)
    get_targs: bool | None = par("getTargs", "getTargs", "Let the service find the target IDs", False)
    get_t0: bool | None = par("getT0", "getT0", "Let the service find T0", False)
    get_coords: bool | None = par("getCoords", "getCoords", "Let the service find the position by the name", False)

    light_curve: LightCurve | None = _product(Product.LightCurve)
    spectrum: Spectrum | None = _product(Product.Spectrum)
    standard_pos: StandardPos | None = _product(Product.StandardPos)
    enhanced_pos: EnhancedPos | None = _product(Product.EnhancedPos)
    astrom_pos: AstromPos | None = _product(Product.AstromPos)
    image: Image | None = _product(Product.Image)
    source_det: SourceDet | None = _product(Product.SourceDet)

    RULES = (
        Sets("targ", "get_targs", to=False, loses="target"),
        Sets("t0", "get_t0", to=False, loses="target"),
        Needs(("name",)),
        Needs(("targ",), unless="get_targs"),
        Needs(("pos_err",), when=("centroid", True)),
    )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read a request from a YAML or JSON file.

        Raises
        ------
        InvalidRequest
            Where the file cannot be read, or the request in it is wrong.
        """
        return cls.model_validate(Path(path))

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Self:
        """Read a body, or the `jobPars` with which the service answers, back.

        What the service adds is ignored, what it returns in an unusable form is left to its default; the account
        in it is not kept.

        Raises
        ------
        InvalidRequest
            Where too little is left to make a request of.
        """
        products = [p for p in Product if _flag_in(body, p)]
        read = {FIELDS[p]: _readable(MODELS[p].ROWS, MODELS[p].RULES, body) for p in products}
        rules = cls.RULES + (() if products == [Product.SourceDet] else POINTED)
        return cls.model_validate({**_readable(cls.ROWS, rules, body), **read})

    @property
    def products(self) -> tuple[Product, ...]:
        """What is asked for, in the service's order."""
        return tuple(p for p, field in FIELDS.items() if getattr(self, field) is not None)

    def to_wire(self, email: str) -> dict[str, Any]:
        """Return the body of the submission.

        Parameters
        ----------
        email : str
            The account.

        Returns
        -------
        dict
            In wire names, only what is set; booleans are 1 and 0.
        """
        body = {**API, "UserID": email, **self.wire_values()}
        for product in self.products:
            model: Parameters = getattr(self, FIELDS[product])
            body |= {product.flag: 1, **model.wire_values()}
        return body

    @classmethod
    def _checked(cls, data: Any) -> dict[str, Any]:
        globals_, wanted, problems = _sorted_out(_contents(data))
        drafts = {p: _draft(p, settings) for p, settings in wanted.items()}
        general = Draft(cls.ROWS).read(globals_.items(), hints=PRODUCT_HINTS, more=Product)
        general.settle(cls.RULES)
        if set(wanted) != {Product.SourceDet}:
            general.settle(POINTED)
        if not wanted and not problems:
            general.note(f"no product is asked for: give at least one of {', '.join(Product)}")
        for products, fields in SHARED:
            problems += _share([drafts[p] for p in products if p in drafts], fields)
        problems = [*general.problems, *problems, *(found for d in drafts.values() for found in d.problems)]
        if problems:
            raise InvalidRequest(problems)
        return general.values | {FIELDS[p]: draft.values for p, draft in drafts.items()}


PRODUCT_HINTS = {
    name: f"it belongs under {product}"
    for product in reversed(Product)
    for row in MODELS[product].ROWS.values()
    for name in row.names
}
GLOBAL_HINTS = {
    name: "it is about the whole request and belongs at the top"
    for row in ProductRequest.ROWS.values()
    for name in row.names
}


def _contents(data: Any) -> Mapping[Any, Any]:
    """Return the parameters in whatever was given."""
    if isinstance(data, (str, os.PathLike)):
        data = _load(Path(data))
    if not isinstance(data, Mapping):
        raise InvalidRequest([f"a request is a mapping of names to values, not a {type(data).__name__}"])
    return data


def _load(path: Path) -> Any:
    import yaml  # noqa: PLC0415 - only needed where there is a file

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidRequest([f"cannot read {path}: {reason}. Give the name of a YAML file with the request"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        what = getattr(error, "problem", None) or "a syntax error"
        raise InvalidRequest([f"{path}{place} is no YAML: {what}. Mend it there"]) from None
    if not isinstance(content, Mapping):
        raise InvalidRequest([f"{path} holds no request: it should be a list of `name: value` lines, see the README"])
    return content


def _sorted_out(data: Mapping[Any, Any]) -> tuple[dict[Any, Any], dict[Product, Any], list[str]]:
    """Tell the parameters of the whole request from the products, in the flat and in the nested form."""
    flat: list[tuple[Any, Any]] = []
    for key, value in data.items():
        if key in {"globals", "products"} and isinstance(value, Mapping):
            flat += value.items()
        elif key == "products" and isinstance(value, (list, tuple)):
            flat += [(name, None) for name in value]
        else:
            flat.append((key, value))
    by_name = {name: p for p in Product for name in (p.value, p.wire, FIELDS[p])}
    globals_: dict[Any, Any] = {}
    wanted: dict[Product, Any] = {}
    problems: list[str] = []
    for key, value in flat:
        product = by_name.get(key)
        if (product in wanted) if product else (key in globals_):
            problems.append(f"{key} is given twice: give it once")
        elif product is None:
            globals_[key] = value
        elif value is not False:
            wanted[product] = value
    return globals_, wanted, problems


def _draft(product: Product, settings: Any) -> Draft:
    """Check the parameters of one product."""
    model = MODELS[product]
    draft = Draft(model.ROWS, where=f"{product}.")
    if isinstance(settings, model):
        draft.values |= settings.values()
    elif isinstance(settings, Mapping):
        draft.read(settings.items(), hints=GLOBAL_HINTS)
    elif settings is not None and settings is not True and settings != 1:
        draft.note(f"{product} is {show(settings)}: give its parameters, name by name, or nothing for the defaults")
    draft.settle(model.RULES)
    return draft


def _share(drafts: list[Draft], fields: Iterable[str]) -> list[str]:
    """Let what is set on one product hold for all that share it; name what they set differently."""
    problems = []
    for field in fields:
        given = [d for d in drafts if field in d.values]
        if any(d.values[field] != given[0].values[field] for d in given):
            said = " and ".join(f"{d.name(field)} {show(d.values[field])}" for d in given)
            problems.append(f"{said} contradict each other, because these products share it: give it once")
        elif given:
            for draft in drafts:
                draft.values[field] = given[0].values[field]
    return problems


def _readable(rows: Mapping[str, Parameter], rules: Iterable[Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the service's words can be used, by field: without what is unreadable or contradicts itself."""
    values = {}
    for field, row in rows.items():
        if body.get(row.wire) is not None:
            try:
                values[field] = row.read(body[row.wire])
            except ValueError:
                continue
    while True:
        draft = Draft(rows).read(values.items())
        draft.settle(rules)
        culprits = {field for problem in draft.problems for field in problem.culprits if field in values}
        if not culprits:
            return values
        values = {field: value for field, value in values.items() if field not in culprits}


def _flag_in(body: Mapping[str, Any], product: Product) -> bool:
    return str(body.get(product.flag, "")).strip().lower() in {"1", "true", "yes"}

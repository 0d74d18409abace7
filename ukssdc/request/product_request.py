"""A request for products: the target, and the parameters of each product (protocol, section 5)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from ukssdc.errors import InvalidRequest
from ukssdc.request import parameters
from ukssdc.request.lists import read_targets
from ukssdc.request.parameter_values import Parameter, TextFormat, drop_null, param, read_flag
from ukssdc.request.parameters import (
    AstromPos,
    EnhancedPos,
    Image,
    LightCurve,
    Parameters,
    SourceDet,
    Spectrum,
    StandardPos,
)
from ukssdc.request.request_sections import (
    FIELDS,
    MODELS,
    PRODUCTS_BY_NAME,
    apply_product_rules,
    products_by_parameter,
    read_product,
    split_sections,
)
from ukssdc.request.rules import AlwaysSent, Implies, ParameterSet, Requires, Rule
from ukssdc.service import API
from ukssdc.status import Product

NAME = TextFormat("", "the target's name", strip=True)
TARGET_IDS = TextFormat("", 'target IDs of 8 digits, comma-separated, like "00966554"', read=read_targets)
RATE = {"unit": "ct/s", "ge": 0}
# Not for source detection alone, which covers whole fields and needs no position.
POSITION_RULES = (
    Requires(("ra", "dec"), unless="get_coords"),
    Requires(("centroid",)),
    AlwaysSent("use_sxps", value=False),
)


def _product_field(product: Product) -> Any:
    return Field(default=None, title=product.value, description=f"A {product.label}.", json_schema_extra=drop_null)


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

    name: str = param("name", "name", "Name of the target; always needed", format=NAME)
    targ: str | None = param(
        "targ", "targ", "Target IDs, 8 digits each; or set getTargs", format=TARGET_IDS, multiple=True
    )
    t0: float | None = param("T0", "Tstart", "Reference time, Swift MET; sets getT0 to false", unit="s")
    since_t0: bool | None = param("SinceT0", "SinceT0", "All other times are relative to T0", False)
    ra: float | None = param("RA", "RA", "Right ascension, J2000; or set getCoords", unit="deg", ge=0, le=360)
    dec: float | None = param("Dec", "Dec", "Declination, J2000; or set getCoords", unit="deg", ge=-90, le=90)
    centroid: bool | None = param("centroid", "cent", "Look for the source near the position; true needs posErr")
    cent_meth: parameters.Centroiding | None = param("centMeth", "centMeth", "How to centroid", "simple")
    max_cent_tries: int | None = param("maxCentTries", "maxCentTries", "Attempts to centroid", 10, ge=1)
    pos_err: float | None = param("posErr", "poserr", "How far off the source may be", unit="arcmin", ge=1, le=6)
    sss: bool | None = param("sss", "sss", "A super-soft source: grade 0 only, lower pile-up rates", False)
    use_sxps: bool | None = param("useSXPS", "useSXPS", "Take source lists from the SXPS catalogues", False)
    wt_pup_rate: float | None = param("wtPupRate", "wtpuprate", "Test WT data above it for pile-up", 150.0, **RATE)
    pc_pup_rate: float | None = param("pcPupRate", "pcpuprate", "Test PC data above it for pile-up", 0.6, **RATE)
    notify: bool | None = param("notify", "notify", "Let the service e-mail you at the end", False)
    get_targs: bool | None = param("getTargs", "getTargs", "Let the service find the target IDs", False)
    get_t0: bool | None = param("getT0", "getT0", "Let the service find T0", False)
    get_coords: bool | None = param("getCoords", "getCoords", "Let the service find the position by the name", False)

    light_curve: LightCurve | None = _product_field(Product.LightCurve)
    spectrum: Spectrum | None = _product_field(Product.Spectrum)
    standard_pos: StandardPos | None = _product_field(Product.StandardPos)
    enhanced_pos: EnhancedPos | None = _product_field(Product.EnhancedPos)
    astrom_pos: AstromPos | None = _product_field(Product.AstromPos)
    image: Image | None = _product_field(Product.Image)
    source_det: SourceDet | None = _product_field(Product.SourceDet)

    RULES = (
        Implies("targ", "get_targs", to=False, discard="target"),
        Implies("t0", "get_t0", to=False, discard="target"),
        Implies("ra", "get_coords", to=False, discard="target", fill=False),
        Implies("dec", "get_coords", to=False, discard="target", fill=False),
        Requires(("name",)),
        Requires(("targ",), unless="get_targs"),
        Requires(("pos_err",), when=("centroid", True)),
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

        Parameters that the service adds, and values that cannot be read, are ignored; so is the account.

        Raises
        ------
        InvalidRequest
            Where a required parameter is missing after that.
        """
        body = {str(key).lower(): value for key, value in body.items()}  # it sends SinceT0 back as sinceT0
        products = [p for p in Product if _is_set(body.get(p.flag.lower()))]
        read = {FIELDS[p]: _usable_values(MODELS[p].ROWS, MODELS[p].RULES, body) for p in products}
        rules = cls._rules(products)
        return cls.model_validate({**_usable_values(cls.ROWS, rules, body), **read})

    @property
    def products(self) -> tuple[Product, ...]:
        """The requested products, in the service's order."""
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
    def _rules(cls, products: Iterable[Product]) -> tuple[Rule, ...]:
        return cls.RULES if set(products) == {Product.SourceDet} else (*cls.RULES, *POSITION_RULES)

    @classmethod
    def _validated(cls, data: Any) -> dict[str, Any]:
        if isinstance(data, (str, os.PathLike)):
            return cls._validated_file(Path(data))
        if not isinstance(data, Mapping):
            raise InvalidRequest(
                [f"it is of type {type(data).__name__}: give names with values, or the name of a file"]
            )
        given, products, problems = split_sections(data)
        general = ParameterSet(cls.ROWS).read(given, hints=GENERAL_HINTS, other_names=Product)
        params_by_product = {p: read_product(p, settings, PRODUCT_HINTS) for p, settings in products.items()}
        if not products and not problems and not any(isinstance(value, Mapping) for _, value in given):
            general.add_problem(f"no product is asked for: give at least one of {', '.join(Product)}")
        general.apply_rules(cls._rules(products))
        problems += apply_product_rules(params_by_product)
        problems = [
            *general.problems,
            *problems,
            *(problem for params in params_by_product.values() for problem in params.problems),
        ]
        if problems:
            raise InvalidRequest([str(problem) for problem in problems])
        return general.values | {FIELDS[p]: params.values for p, params in params_by_product.items()}

    @classmethod
    def _validated_file(cls, path: Path) -> dict[str, Any]:
        from ukssdc.request.request_file import read_request_file  # noqa: PLC0415 - brings in yaml

        # In a file, a product's name without a value requests the product with its defaults.
        content = read_request_file(path)
        content = {key: {} if value is None and key in PRODUCTS_BY_NAME else value for key, value in content.items()}
        try:
            return cls._validated(content)
        except InvalidRequest as error:
            raise InvalidRequest(error.problems, source=str(path)) from None


GENERAL_HINTS = {name: f"it belongs under {products}" for name, products in products_by_parameter().items()} | {
    "UserID": "the e-mail address is the account's, and is put in when the request is sent"
}
PRODUCT_HINTS = {
    name: "it is about the whole request and belongs beside its name"
    for row in ProductRequest.ROWS.values()
    for name in row.names
}


def _usable_values(rows: Mapping[str, Parameter], rules: Iterable[Rule], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usable values of a service's answer, by field: readable, and without contradictions."""
    values = {}
    for field, row in rows.items():
        value = body.get(row.wire_name.lower())
        if value is not None:
            try:
                values[field] = row.read(value)
            except ValueError:
                continue
    while True:
        params = ParameterSet(rows).read(values.items())
        params.apply_rules(rules)
        fields = {field for problem in params.problems for field in problem.fields if field in values}
        if not fields:
            return values
        values = {field: value for field, value in values.items() if field not in fields}


def _is_set(flag: Any) -> bool:
    try:
        return flag is not None and read_flag(flag)
    except ValueError:
        return False

"""A request for products: the target, and the parameters of each product (protocol, section 5)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field

from ukssdc.errors import InvalidRequest
from ukssdc.request import parameters
from ukssdc.request.form_schema import section_schema
from ukssdc.request.lists import read_targets
from ukssdc.request.parameter_values import TextFormat, param, read_flag
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
from ukssdc.request.redact import NO_PRODUCT, USER_HINT, USER_ID, USER_PROBLEM, redact
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
from ukssdc.request.value_texts import format_name, format_value
from ukssdc.request.wire_reading import NO_PARAMETERS, lower_keys, read_parameters
from ukssdc.service import API
from ukssdc.status import Product
from ukssdc.warning import warn_once

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
    text = MODELS[product].FORM_TEXT
    return Field(default=None, title=product.value, description=text, json_schema_extra=section_schema)


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

    FORM_TEXT = (
        "In the names of the service's documentation. What is left alone is not sent: the service's default applies."
    )
    FORM_NEEDS = ("name", "centroid", "products")

    # The target
    name: str = param("name", "name", "Name of the target; always needed", format=NAME, example="GRB 200416A")
    get_coords: bool | None = param(
        "getCoords", "getCoords", "Let the service find the position by the name; otherwise give RA and Dec", False
    )
    ra: float | None = param(
        "RA", "RA", "Right ascension, J2000; or set getCoords", unit="deg", ge=0, le=360, example=335.6985
    )
    dec: float | None = param(
        "Dec", "Dec", "Declination, J2000; or set getCoords", unit="deg", ge=-90, le=90, example=-7.5179
    )
    get_targs: bool | None = param(
        "getTargs", "getTargs", "Let the service find the target IDs by name and position; otherwise give targ", False
    )
    targ: str | None = param(
        "targ",
        "targ",
        "Target IDs, 8 digits each, comma-separated; or set getTargs",
        format=TARGET_IDS,
        multiple=True,
        example="00966554",
    )
    centroid: bool | None = param(
        "centroid",
        "cent",
        "Look for the source near the position; true needs posErr. Needed, but for source detection alone",
    )
    pos_err: float | None = param(
        "posErr", "poserr", "How far off the source may be", unit="arcmin", ge=1, le=6, example=1
    )
    get_t0: bool | None = param(
        "getT0", "getT0", "Let the service find T0: of a GRB, the trigger; else the first observation's start", False
    )
    t0: float | None = param(
        "T0", "Tstart", "Reference time, Swift MET; sets getT0 to false", unit="s", example=608713541.952
    )

    # What to build
    light_curve: LightCurve | None = _product_field(Product.LightCurve)
    spectrum: Spectrum | None = _product_field(Product.Spectrum)
    standard_pos: StandardPos | None = _product_field(Product.StandardPos)
    enhanced_pos: EnhancedPos | None = _product_field(Product.EnhancedPos)
    astrom_pos: AstromPos | None = _product_field(Product.AstromPos)
    image: Image | None = _product_field(Product.Image)
    source_det: SourceDet | None = _product_field(Product.SourceDet)

    # How
    since_t0: bool | None = param("SinceT0", "SinceT0", "All other times are relative to T0", False)
    cent_meth: parameters.Centroiding | None = param("centMeth", "centMeth", "How to centroid", "simple")
    max_cent_tries: int | None = param("maxCentTries", "maxCentTries", "ObsIDs to try to centroid in", 10, ge=1)
    sss: bool | None = param("sss", "sss", "A super-soft source: grade 0 only, lower pile-up rates", False)
    use_sxps: bool | None = param("useSXPS", "useSXPS", "Take source lists from the SXPS catalogues", False)
    wt_pup_rate: float | None = param("wtPupRate", "wtpuprate", "Test WT data above it for pile-up", 150.0, **RATE)
    pc_pup_rate: float | None = param("pcPupRate", "pcpuprate", "Test PC data above it for pile-up", 0.6, **RATE)
    notify: bool | None = param("notify", "notify", "Let the service e-mail you at the end", False)

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
    def from_file(cls, path: str | os.PathLike[str], *, quote: bool = True) -> Self:
        """Read a request from a YAML or JSON file; the reference client's `getJSON` writes one as well.

        Parameters
        ----------
        path : path-like
        quote : bool
            Whether an error may quote from the file.

        Raises
        ------
        InvalidRequest
            Where the file cannot be read, or the request in it is wrong.
        """
        from ukssdc.request.request_file import read_request_file  # noqa: PLC0415 - brings in yaml

        content = read_request_file(Path(path), quote=quote)
        return cls._from_content(content, source=str(path), quote=quote)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a request from the text of such a file; errors as for `from_file`."""
        from ukssdc.request.request_file import PASTED, read_request_text  # noqa: PLC0415 - brings in yaml

        return cls._from_content(read_request_text(text), source=PASTED)

    @classmethod
    def read_file(cls, path: str | os.PathLike[str]) -> tuple[Self, str | None]:
        """Read a request from a file that may hold the account as well; errors as for `from_file`.

        Returns
        -------
        ProductRequest
        str or None
            The `UserID`, which is no part of a request: see that it is the account's.
        """
        from ukssdc.request.request_file import read_request_file  # noqa: PLC0415 - brings in yaml

        content = dict(read_request_file(Path(path)))
        user = content.pop(USER_ID, None)
        return cls._from_content(content, source=str(path)), None if user is None else str(user)

    @classmethod
    def _from_content(cls, content: Mapping[Any, Any], source: str, *, quote: bool = True) -> Self:
        try:
            return cls._from_body(content) if API.keys() & content.keys() else cls.model_validate(content)
        except InvalidRequest as error:
            problems = error.problems
        raise InvalidRequest(problems if quote else redact(problems, cls, MODELS), source=source)

    @classmethod
    def _from_body(cls, body: Mapping[str, Any]) -> Self:
        """Read a body in full, or not at all."""
        request, missing, unread = cls._read_wire(body)
        if problems := [*([USER_PROBLEM] if USER_ID.lower() in lower_keys(body) else []), *missing, *unread]:
            raise InvalidRequest(problems)
        return cls.revalidate(request)

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Self:
        """Read a body, or the `jobPars` with which the service answers, back.

        What cannot be read is left out and named in a warning of the log; `read_wire` returns it. Parameters of which
        the service makes its own use are ignored; so is the account.

        Raises
        ------
        InvalidRequest
            Where a required parameter is missing.
        """
        request, missing, unread = cls._read_wire(body)
        if missing:
            raise InvalidRequest([*missing, *unread])
        if unread:
            warn_once(f"not everything in the request could be read: {'; '.join(unread)}")
        return request

    @classmethod
    def read_wire(cls, body: Mapping[str, Any]) -> tuple[Self, tuple[str, ...]]:
        """Read a body, or the `jobPars` with which the service answers, back, however old the job is.

        Returns
        -------
        ProductRequest
            With all that could be read, and nothing that was not there; `Client.submit` checks whether it is complete.
        tuple of str
            What could not be read or is missing, each in the names of the service's users.
        """
        request, missing, unread = cls._read_wire(body)
        return request, (*missing, *unread)

    @classmethod
    def revalidate(cls, request: Self | Mapping[str, Any]) -> Self:
        """Validate a request as `model_validate` does, and one that is a `ProductRequest` already as well.

        One that was read from an old job may be incomplete, and a copy with changes has never been checked.
        """
        return cls.model_validate(request.model_dump(warnings=False) if isinstance(request, cls) else request)

    @classmethod
    def _read_wire(cls, body: Mapping[str, Any]) -> tuple[Self, list[str], list[str]]:
        """Return a request as far as it could be read, what is missing, and what could not be read."""
        body = lower_keys(body)
        unread: dict[str, str] = {}
        products = [p for p in Product if _is_requested(p, body, unread)]
        parts = {p: read_parameters(MODELS[p].ROWS, MODELS[p].RULES, body, f"{p}.") for p in products}
        general = read_parameters(cls.ROWS, cls._rules(products), body)
        missing = list(general.missing)
        if not products:
            missing.append(NO_PRODUCT)
        for part in parts.values():
            missing += part.missing
            unread = part.unread | unread  # products share parameters: each is named once
        unread |= general.unread
        unread |= {key: f"{format_name(key)} is not known here" for key in body.keys() - KNOWN_KEYS}
        models: dict[str, Any] = {FIELDS[p]: MODELS[p].model_construct(**part.values) for p, part in parts.items()}
        request = cast("Self", cls.model_construct(**general.values, **models))
        return request, missing, list(unread.values())

    @property
    def products(self) -> tuple[Product, ...]:
        """The requested products, in the service's order."""
        return tuple(p for p, field in FIELDS.items() if getattr(self, field) is not None)

    def to_wire(self, email: str) -> dict[str, Any]:
        """Return the body of the submission by the account with this address; otherwise as `body`."""
        return {**API, "UserID": email, **self.body}

    @property
    def body(self) -> dict[str, Any]:
        """What is asked for, whoever asks: in wire names, only what is set; booleans are 1 and 0."""
        body = self.wire_values()
        for product in self.products:
            model: Parameters = getattr(self, FIELDS[product])
            body |= {product.flag: 1, **model.wire_values()}
        return body

    def to_yaml(self) -> str:
        """Return the request as a request file holds it, in the service's own names; `from_file` reads it back."""
        from ukssdc.request.yaml_text import request_to_yaml  # noqa: PLC0415 - brings in yaml

        return request_to_yaml(self, {product: getattr(self, FIELDS[product]) for product in self.products})

    @classmethod
    def _rules(cls, products: Iterable[Product]) -> tuple[Rule, ...]:
        return cls.RULES if set(products) == {Product.SourceDet} else (*cls.RULES, *POSITION_RULES)

    @classmethod
    def _validated(cls, data: Any) -> dict[str, Any]:
        if isinstance(data, (str, os.PathLike)):
            return cls.from_file(data).model_dump(warnings=False)
        if not isinstance(data, Mapping):
            raise InvalidRequest(
                [f"it is of type {type(data).__name__}: give names with values, or the name of a file"]
            )
        given, products, problems = split_sections(data)
        general = ParameterSet(cls.ROWS).read(given, hints=GENERAL_HINTS, other_names=Product)
        params_by_product = {p: read_product(p, settings, PRODUCT_HINTS) for p, settings in products.items()}
        if not products and not problems and not any(isinstance(value, Mapping) for _, value in given):
            general.add_problem(NO_PRODUCT)
        general.apply_rules(cls._rules(products))
        problems += apply_product_rules(params_by_product)
        problems = [
            *general.problems,
            *problems,
            *(problem for params in params_by_product.values() for problem in params.problems),
        ]
        if problems:
            raise InvalidRequest([str(problem) for problem in problems])
        return general.values | {FIELDS[p]: MODELS[p].model_construct(**s.values) for p, s in params_by_product.items()}


GENERAL_HINTS = {name: f"it belongs under {products}" for name, products in products_by_parameter().items()} | {
    USER_ID: USER_HINT
}
PRODUCT_HINTS = {
    name: "it is about the whole request and belongs beside its name"
    for row in ProductRequest.ROWS.values()
    for name in row.names
}

ProductRequest.FIELD_NAMES |= {name: FIELDS[product] for name, product in PRODUCTS_BY_NAME.items()}
WIRE_MODELS: tuple[type[Parameters], ...] = (ProductRequest, *MODELS.values())
KNOWN_KEYS = NO_PARAMETERS.union(
    (p.flag.lower() for p in Product),
    (row.wire_name.lower() for model in WIRE_MODELS for row in model.ROWS.values()),
)


def _is_requested(product: Product, body: Mapping[str, Any], unread: dict[str, str]) -> bool:
    flag = product.flag.lower()
    try:
        return flag in body and read_flag(body[flag])
    except ValueError:
        unread[flag] = f"{product} is {format_value(body[flag])}: give true or false"
        return False

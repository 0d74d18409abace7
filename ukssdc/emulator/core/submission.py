"""Submitted requests: their problems, and a valid one completed to `jobPars`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ukssdc.emulator.core.wire_parameters import (
    GLOBAL_PARAMETERS,
    INTERNAL_PARAMETERS,
    LOOKUPS,
    PRODUCT_PARAMETERS,
    as_number,
    is_set,
    requested_products,
)
from ukssdc.emulator.data.targets import resolve_target
from ukssdc.status import Product

Body = Mapping[str, Any]
# product: required parameters
REQUIRED: Final[Mapping[Product, tuple[str, ...]]] = {
    Product.LightCurve: ("binMeth",),
    Product.Spectrum: ("specz",),
    Product.SourceDet: ("detobs",),
}
# product: (parameter, its value, parameters then required)
REQUIRED_WHEN: Final[Mapping[Product, tuple[tuple[str, str, tuple[str, ...]], ...]]] = {
    Product.LightCurve: (
        ("binMeth", "counts", ("pccounts", "wtcounts", "dynamic")),
        ("binMeth", "time", ("pcbin", "wtbin")),
        ("hrbin", "0", ("pchrbin", "wthrbin")),
        ("lcobs", "user", ("uselcobs",)),
    ),
    Product.Spectrum: (
        ("specz", "1", ("zval",)),
        ("specobs", "user", ("usespecobs",)),
        ("timeslice", "user", ("rname1", "gti1")),
    ),
    Product.StandardPos: (("posobs", "user", ("useposobs",)),),
    Product.EnhancedPos: (("posobs", "user", ("useposobs",)),),
    Product.AstromPos: (("posobs", "user", ("useposobs",)),),
    Product.Image: (("imobs", "user", ("useimobs",)),),
    Product.SourceDet: (("detobs", "user", ("usedetobs",)),),
}


def problems(body: Body, unresolvable: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return all problems of a request, as the service lists them.

    Parameters
    ----------
    body : mapping
        The request, in wire names.
    unresolvable : iterable of str
        Names that the name resolver does not know.

    Returns
    -------
    list of {"label": str, "list": [str, ...]}
        `listErr` of the answer; empty for a valid request. Parameters have their wire names, each a separate word.
    """
    products = requested_products(body)
    found = [("General problems:", _global_problems(body, products, unresolvable))]
    if not products:
        found.append(("Products:", ["No products have been requested."]))
    asked_for = [p for p in products if is_set(body, p.flag)]
    found += [(f"Problems with the {p.label}:", _product_problems(body, p)) for p in asked_for]
    return [{"label": label, "list": texts} for label, texts in found if texts]


def complete(body: Body) -> dict[str, Any]:
    """Return `jobPars`: the request with the service's defaults, the values it looked up, and its changes of type.

    Parameters that the service does not know are dropped.
    """
    products = requested_products(body)
    known = {
        **GLOBAL_PARAMETERS,
        **{name: parameter for p in products for name, parameter in PRODUCT_PARAMETERS[p].items()},
    }
    flags = {p.flag for p in Product if is_set(body, p.flag)}
    skipped = {p.flag for p in Product} | {"api_name", "api_version", "UserID", *LOOKUPS}
    pars: dict[str, Any] = {name: body.get(name) for name in ("api_name", "api_version", "UserID")}
    pars |= {name: 1 if name in flags else value for name, value in body.items() if name in flags or name in known}
    pars = {name: value for name, value in pars.items() if value is not None and name not in LOOKUPS}
    pars |= {p.flag: 1 for p in products}
    pars.setdefault("image", 0)
    found = resolve_target(str(body.get("name", "")))
    if is_set(body, "getCoords"):
        pars |= {"RA": found.ra, "Dec": found.dec}
    if is_set(body, "getT0"):
        pars["Tstart"] = found.t0
    for name, parameter in known.items():
        if parameter.default is not None and name not in skipped:
            pars.setdefault(name, parameter.default)
    if Product.LightCurve in products:
        pars.setdefault("hrbin", 1 if body.get("binMeth") == "time" else 0)
        pars |= {"pcmaxbin": 100000000, "wtmaxbin": 100000000}
    pars |= {**INTERNAL_PARAMETERS, "sinceT0": 1 if is_set(body, "SinceT0") else 0}
    if is_set(body, "getTargs") or "targ" not in pars:
        pars["targ"] = found.targ
    return {name: _as_text(value) if name in known and known[name].as_text else value for name, value in pars.items()}


def _global_problems(body: Body, products: tuple[Product, ...], unresolvable: Iterable[str]) -> list[str]:
    texts = [_missing("name")] if not body.get("name") else []
    if not body.get("targ") and not is_set(body, "getTargs"):
        texts.append("The parameter targ is missing, and getTargs is not set.")
    if products != (Product.SourceDet,):
        if not is_set(body, "getCoords"):
            texts += [
                f"The parameter {n} is missing, and getCoords is not set." for n in ("RA", "Dec") if n not in body
            ]
        texts += [_missing("cent")] if "cent" not in body else []
    if is_set(body, "cent") and "poserr" not in body:
        texts.append("The parameter poserr is missing; it is needed when cent is 1.")
    if isinstance(body.get("targ"), str) and not re.fullmatch(
        r"\s*\d{8}\s*(,\s*\d{8}\s*)*", body["targ"] or "00000000"
    ):
        texts.append("The parameter targ must be one or more target IDs of 8 digits, separated by commas.")
    if str(body.get("name")) in set(unresolvable) and (is_set(body, "getCoords") or is_set(body, "getTargs")):
        texts.append("The name could not be resolved; please give RA and Dec and targ yourself.")
    return texts + _bad_values(body, GLOBAL_PARAMETERS)


def _product_problems(body: Body, product: Product) -> list[str]:
    texts = [_missing(name) for name in REQUIRED.get(product, ()) if name not in body]
    for name, value, needed in REQUIRED_WHEN.get(product, ()):
        if name == "hrbin" and body.get("binMeth") != "time":  # only for time bins
            continue
        if _flag_as_number(body.get(name)) == value:
            texts += [
                f"The parameter {n} is missing; it is needed when {name} is {value}." for n in needed if n not in body
            ]
    texts += _bad_values(body, PRODUCT_PARAMETERS[product])
    if product is Product.LightCurve:
        texts += _energy_problems(body)
    if product is Product.Spectrum:
        texts += _slice_problems(body)
    return texts


def _energy_problems(body: Body) -> list[str]:
    defaults = {"minen": 0.3, "maxen": 10.0, "soft1": 0.3, "soft2": 1.5, "hard1": 1.5, "hard2": 10.0}
    energies = {name: as_number(body.get(name, default)) for name, default in defaults.items()}
    low, high = energies["minen"], energies["maxen"]
    if low is None or high is None:
        return []
    if low >= high:
        return ["The parameter minen must be less than maxen ."]
    given = [(n, e) for n, e in energies.items() if n in body and n not in ("minen", "maxen") and e is not None]
    return [f"The parameter {n} must be within minen and maxen ." for n, e in given if not low <= e <= high]


def _slice_problems(body: Body) -> list[str]:
    texts = []
    for number in range(1, 5):
        name, interval = f"rname{number}", f"gti{number}"
        if (name in body) != (interval in body) and number > 1:
            texts.append(f"The parameters {name} and {interval} must be given together.")
        if isinstance(body.get(name), str) and not re.fullmatch(r"[A-Za-z0-9]+", body[name]):
            texts.append(f"The parameter {name} may only contain letters and digits.")
    return texts


def _bad_values(body: Body, known: Mapping[str, Any]) -> list[str]:
    given = ((name, body[name], known[name].check) for name in body if name in known and body[name] not in (None, ""))
    return [f"The parameter {name} {problem}." for name, value, check in given if (problem := check(value))]


def _missing(name: str) -> str:
    return f"The parameter {name} is missing."


def _flag_as_number(value: Any) -> str:
    """Return a value as text, with booleans as 1 and 0."""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _flag_as_number(value)

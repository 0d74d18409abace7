"""Requests drawn at random, in the names of the service's users, from the table of parameters."""

from __future__ import annotations

import os
from typing import Any, get_origin

from hypothesis import strategies as st

from ukssdc.request import ProductRequest
from ukssdc.request.parameter_values import Parameter
from ukssdc.request.parameters import PositionParameters
from ukssdc.request.request_sections import MODELS
from ukssdc.status import POSITION_PRODUCTS, Product

EXAMPLES = int(os.environ.get("XRT_EXAMPLES", "60"))  # `make test-long` draws more

TEXTS = {
    "targ": st.lists(st.from_regex(r"\A[0-9]{8}\Z"), min_size=1, max_size=3).map(",".join),
    "energies": st.sampled_from(["0.3-10", "0.3-10,1-4", "0.3-1.5,1.51-10"]),
    "useObs": st.sampled_from(["00966554000", "00091489001,00091489002", "100-2000"]),
}
LABEL = st.from_regex(r"\A[A-Za-z0-9]{1,8}\Z")
SHARED = set(PositionParameters.model_fields)
# Drawn together, so that they do not contradict each other; the rest is drawn freely.
BANDS = {"min_energy", "max_energy", "soft_lo", "soft_hi", "hard_lo", "hard_hi"}
SLICES = {f"{part}{n}" for n in (1, 2, 3, 4) for part in ("rname", "gti")}
BINNING = {"bin_meth", "pc_counts", "wt_counts", "dynamic", "pc_bin_time", "wt_bin_time", "match_hr"}
REDSHIFT = {"has_redshift", "redshift", "galactic", "do_not_fit"}
DATA = {"which_data", "use_obs", "inc_hours"}
PLACED = {"name", "targ", "get_targs", "t0", "get_t0", "ra", "dec", "get_coords", "centroid", "pos_err", "use_sxps"}


def value_of(row: Parameter) -> st.SearchStrategy[Any]:
    """Draw a permitted value of a parameter."""
    if get_origin(row.type) is tuple:
        return st.lists(st.sampled_from(row.choices), min_size=1, max_size=3, unique=True)
    if row.choices:
        return st.sampled_from(row.choices)
    if row.type is bool:
        return st.booleans()
    low = row.ge if row.ge is not None else (row.gt if row.gt is not None else -1e6)
    if row.type is int:
        return st.integers(int(low), int(row.le or 10_000))
    if row.type is float:
        return st.floats(low, row.le or 1e6, allow_nan=False, exclude_min=row.gt is not None)
    return TEXTS.get(row.name, st.text("abcXYZ0123456789+-. ", min_size=1, max_size=12).filter(str.strip))


@st.composite
def some(draw: st.DrawFn, rows: dict[str, Parameter], without: set[str]) -> dict[str, Any]:
    """Draw values for some of the parameters."""
    chosen = draw(st.sets(st.sampled_from(sorted(set(rows) - without) or [""])))
    return {rows[field].name: draw(value_of(rows[field])) for field in rows if field in chosen}


@st.composite
def which_data(draw: st.DrawFn, words: tuple[str, ...]) -> dict[str, Any]:
    """Draw which observations to use, in one of the ways to say so."""
    word = draw(st.sampled_from(["", *words]))
    if word == "user":
        return {"useObs": draw(TEXTS["useObs"])} | draw(st.sampled_from([{}, {"whichData": "user"}]))
    if word == "hours":
        return {"whichData": "hours", "incHours": draw(st.floats(0.1, 100))}
    return {"whichData": "all"} if word else {}


@st.composite
def light_curve(draw: st.DrawFn) -> dict[str, Any]:
    binning = draw(st.sampled_from(["counts", "time", "snapshot", "obsid"]))
    made: dict[str, Any] = {"binMeth": binning}
    if binning == "counts":
        made |= {
            "pcCounts": draw(st.integers(1, 99)),
            "wtCounts": draw(st.integers(1, 99)),
            "dynamic": draw(st.booleans()),
        }
    if binning == "time":
        made |= {"pcBinTime": draw(st.floats(1, 1e4)), "wtBinTime": draw(st.floats(0.5, 1e4))}
        made |= draw(st.sampled_from([{}, {"matchHR": True}]))
    edges = sorted(draw(st.lists(st.floats(0.3, 10), min_size=6, max_size=6, unique=True)))
    if draw(st.booleans()):
        made |= dict(zip(["minEnergy", "softLo", "softHi", "hardLo", "hardHi", "maxEnergy"], edges, strict=True))
    without = BANDS | BINNING | DATA
    return made | draw(some(MODELS[Product.LightCurve].ROWS, without)) | draw(which_data(("all", "user")))


@st.composite
def spectrum(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = draw(
        st.one_of(
            st.booleans().map(lambda galactic: {"hasRedshift": False, "galactic": galactic}),
            st.just({"hasRedshift": False}),
            st.just({"hasRedshift": False, "doNotFit": True}),
            st.floats(0, 10).map(lambda z: {"redshift": z}),
            st.floats(0, 10).map(lambda z: {"hasRedshift": True, "redshift": z, "galactic": True}),
        )
    )
    number = draw(st.integers(0, 4))
    if number:
        made["timeslice"] = "user"
        for n in range(1, number + 1):
            made |= {f"rname{n}": draw(LABEL), f"gti{n}": draw(st.sampled_from(["0-1000", "5e3-2e4"]))}
    without = SLICES | REDSHIFT | DATA | {"timeslice"}
    return made | draw(some(MODELS[Product.Spectrum].ROWS, without)) | draw(which_data(("all", "user", "hours")))


@st.composite
def other(draw: st.DrawFn, product: Product) -> dict[str, Any]:
    made = draw(some(MODELS[product].ROWS, DATA))
    if product == Product.SourceDet:
        return made | draw(which_data(("all", "user")).filter(bool))
    return made | draw(which_data(("all", "user") if product == Product.Image else ("all", "user", "hours")))


@st.composite
def whole_request(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """Draw the parameters of the whole request."""
    made: dict[str, Any] = {"name": draw(st.sampled_from(["GRB 200416A", "M82", "1E 1740.7-2942"]))}
    made |= draw(st.sampled_from([{"getTargs": True}, {"targ": "00966554"}, {"targ": "00091489,00032503"}]))
    made |= draw(st.sampled_from([{}, {"getT0": True}, {"T0": 608713541.952}]))
    where = {"RA": draw(st.floats(0, 360)), "Dec": draw(st.floats(-90, 90))}
    made |= draw(st.sampled_from([{"getCoords": True}, where]))
    made |= draw(st.sampled_from([{"centroid": False}, {"centroid": True, "posErr": 1.5}]))
    made["useSXPS"] = draw(st.booleans())  # the reference client insists on it
    return made | draw(some(ProductRequest.ROWS, PLACED))


@st.composite
def requests(draw: st.DrawFn) -> dict[str, dict[Any, Any]]:
    """Draw a request that is right, in the nested form."""
    wanted = draw(st.sets(st.sampled_from(list(Product)), min_size=1))
    drawn = {Product.LightCurve: light_curve(), Product.Spectrum: spectrum()}
    products = {p: draw(drawn.get(p, other(p))) for p in Product if p in wanted}
    # What two products share is given once.
    first = next((p for p in POSITION_PRODUCTS if p in products), None)
    shared = {PositionParameters.ROWS[field].name for field in SHARED}
    for product in POSITION_PRODUCTS:
        if product in products and product != first:
            products[product] = {k: v for k, v in products[product].items() if k not in shared}
    if Product.LightCurve in products and Product.Spectrum in products:
        products[Product.Spectrum].pop("srcrad", None)
    return {"globals": draw(whole_request()), "products": products}

"""What a job's parameters select: observations, slices of the spectrum, energy bands of the source detection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ukssdc.status import Product

# product: the parameters that say which data, and which observations
SELECTION_PARAMETERS: Final[Mapping[Product, tuple[str, str]]] = {
    Product.LightCurve: ("lcobs", "uselcobs"),
    Product.Spectrum: ("specobs", "usespecobs"),
    Product.StandardPos: ("posobs", "useposobs"),
    Product.EnhancedPos: ("posobs", "useposobs"),
    Product.AstromPos: ("posobs", "useposobs"),
    Product.Image: ("imobs", "useimobs"),
    Product.SourceDet: ("detobs", "usedetobs"),
}


def observations(pars: Mapping[str, Any], product: Product) -> list[str]:
    """Return the observations (obsIDs, or the user's intervals) that go into a product, at least one.

    Three of each target ID where all data are used; otherwise the first one.
    """
    which, chosen = SELECTION_PARAMETERS[product]
    if str(pars.get(which)) == "user":
        return [name.strip() for name in str(pars.get(chosen, "")).split(",") if name.strip()] or ["user"]
    everything = pars.get(which) == "all" or (product is Product.AstromPos and str(pars.get("allxastrom")) == "1")
    targets = [name.strip() for name in str(pars.get("targ") or "00000000").split(",")]
    return [f"{name}{number:03d}" for name in targets for number in range(3)] if everything else [f"{targets[0]}000"]


SLICE_PREFIXES = {"obsid": "Obs", "snapshot": "snapshot"}


def slices(pars: Mapping[str, Any]) -> list[str]:
    """Return the names of the spectra that a job requests, at least one."""
    kind = str(pars.get("timeslice", "single"))
    if kind == "user":
        return [str(pars[key]) for key in ("rname1", "rname2", "rname3", "rname4") if pars.get(key)] or ["interval0"]
    if kind in SLICE_PREFIXES:
        return [f"{SLICE_PREFIXES[kind]}_{name}" for name in observations(pars, Product.Spectrum)]
    return [str(pars.get("specstem") or "interval0")]


def bands(pars: Mapping[str, Any]) -> list[str]:
    """Return the energy bands in which a job searches for sources."""
    return ["Total", "Soft", "Medium", "Hard"] if str(pars.get("detbands")).lower() == "all" else ["Total"]

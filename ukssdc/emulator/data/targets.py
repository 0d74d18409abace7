"""What the emulated archive holds: targets, positions, observations; and the slices and bands that a job asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ukssdc.status import Product


class Target(NamedTuple):
    """A target as the name resolver knows it.

    Attributes
    ----------
    targ : str
        Target IDs, comma-separated.
    ra, dec : float
        Degrees, J2000.
    t0 : float
        Trigger time or start of the first observation, Swift MET s.
    """

    targ: str
    ra: float
    dec: float
    t0: float


KNOWN: Final = {
    "GRB 200416A": Target("00966554", 335.6985, -7.5179, 608713541.952),
    "GRB 060729": Target("00221755", 95.3242, -62.3700, 175893150.592),
    "M82": Target("00091489,00032503", 148.9627, 69.6793, 188352002.0),
    "Holmberg II X-1": Target("00035475,00090012", 124.8709, 70.7050, 185155201.0),
}


def look_up(name: str) -> Target:
    """Return a target; one that the emulator does not know gets a place of its own, always the same."""
    if name in KNOWN:
        return KNOWN[name]
    digest = hashlib.sha256(name.encode()).digest()
    a, b, c, d = (int.from_bytes(digest[i : i + 4], "big") / 2**32 for i in (0, 4, 8, 12))
    return Target(f"{30000 + int(a * 60000):08d}", round(b * 360, 4), round(c * 160 - 80, 4), round(2e8 + d * 5e8, 3))


# product: the parameters that say which data, and which observations
DATA_PARS: Final[Mapping[Product, tuple[str, str]]] = {
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

    There are three of each target ID where all data are used, and one within the usual number of hours.
    """
    which, chosen = DATA_PARS[product]
    if str(pars.get(which)) == "user":
        return [name.strip() for name in str(pars.get(chosen, "")).split(",") if name.strip()] or ["user"]
    everything = pars.get(which) == "all" or (product is Product.AstromPos and str(pars.get("allxastrom")) == "1")
    targets = [name.strip() for name in str(pars.get("targ") or "00000000").split(",")]
    return [f"{name}{number:03d}" for name in targets for number in range(3)] if everything else [f"{targets[0]}000"]


def slices(pars: Mapping[str, Any]) -> list[str]:
    """Return the names of the spectra that a job asks for, at least one."""
    kind = str(pars.get("timeslice", "single"))
    if kind == "user":
        return [str(pars[key]) for key in ("rname1", "rname2", "rname3", "rname4") if pars.get(key)] or ["interval0"]
    if kind in ("obsid", "snapshot"):
        return [f"{kind}_{name}" for name in observations(pars, Product.Spectrum)]
    return [str(pars.get("specstem") or "interval0")]


def bands(pars: Mapping[str, Any]) -> list[str]:
    """Return the energy bands in which a job searches for sources."""
    return ["Total", "Soft", "Medium", "Hard"] if str(pars.get("detbands")).lower() == "all" else ["Total"]

"""The request's parameters by wire name: which there are, which values they may have, and the service's defaults.

See protocol, section 5; the types that the service returns are from the reference client's ReturnData page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ukssdc.status import Product


def _number(value: Any) -> str | None:
    return None if as_number(value) is not None else "must be a number"


def _integer(value: Any) -> str | None:
    number = as_number(value)
    return None if number is not None and number.is_integer() else "must be a whole number"


def _flag(value: Any) -> str | None:
    return None if str(value) in ("0", "1", "True", "False") else "must be 0 or 1"


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be a text"


def _models(value: Any) -> str | None:
    names = [value] if isinstance(value, str) else value
    known = ("powerlaw", "apec", "blackbody")
    good = isinstance(names, list) and names and all(str(n).lower() in known for n in names)
    return None if good else f"must be among {', '.join(known)}"


def _one_of(*choice: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        return None if str(value).lower() in choice else f"must be one of {', '.join(choice)}"

    return check


def _in_range(low: float, high: float) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        number = as_number(value)
        return None if number is not None and low <= number <= high else f"must be between {low:g} and {high:g}"

    return check


def as_number(value: Any) -> float | None:
    """Return a number, also from a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


class WireParameter(NamedTuple):
    """A parameter.

    Attributes
    ----------
    check : callable
        From a value to its problem, or None.
    default : Any
        The value if it is not given; None: no default.
    as_text : bool
        Whether the service returns the number as a string.
    """

    check: Callable[[Any], str | None]
    default: Any = None
    as_text: bool = False


GLOBAL_PARAMETERS: Final[Mapping[str, WireParameter]] = {
    "name": WireParameter(_text),
    "targ": WireParameter(_text),
    "Tstart": WireParameter(_number),
    "SinceT0": WireParameter(_flag),
    "RA": WireParameter(_in_range(0, 360), as_text=True),
    "Dec": WireParameter(_in_range(-90, 90), as_text=True),
    "cent": WireParameter(_flag),
    "centMeth": WireParameter(_one_of("simple", "iterative"), "simple"),
    "maxCentTries": WireParameter(_integer, 10, as_text=True),
    "poserr": WireParameter(_in_range(1, 6), 1),
    "sss": WireParameter(_flag, 0, as_text=True),
    "useSXPS": WireParameter(_flag, 0),
    "wtpuprate": WireParameter(_number, 150),
    "pcpuprate": WireParameter(_number, 0.6),
    "notify": WireParameter(_flag),
    "getTargs": WireParameter(_flag),
    "getT0": WireParameter(_flag),
    "getCoords": WireParameter(_flag),
}
_LIGHT_CURVE: Final[Mapping[str, WireParameter]] = {
    "binMeth": WireParameter(_one_of("counts", "time", "snapshot", "obsid")),
    "lcobs": WireParameter(_one_of("all", "user"), "all"),
    "uselcobs": WireParameter(_text),
    "hrbin": WireParameter(_flag),
    "soft1": WireParameter(_number, 0.3, as_text=True),
    "soft2": WireParameter(_number, 1.5, as_text=True),
    "hard1": WireParameter(_number, 1.5, as_text=True),
    "hard2": WireParameter(_number, 10, as_text=True),
    "minen": WireParameter(_number, 0.3, as_text=True),
    "maxen": WireParameter(_number, 10, as_text=True),
    "grades": WireParameter(_one_of("all", "0", "4"), "all"),
    "sigmin": WireParameter(_number, 3, as_text=True),
    "allowUL": WireParameter(_one_of("no", "pc", "wt", "both"), "both"),
    "allowB": WireParameter(_one_of("no", "pc", "wt", "both"), "both"),
    "bayesCounts": WireParameter(_number, 15),
    "bayesSNR": WireParameter(_number, 2.4),
    "lctimetype": WireParameter(_one_of("s", "m", "sec", "mjd"), "s"),
    "pccounts": WireParameter(_integer, as_text=True),
    "wtcounts": WireParameter(_integer, as_text=True),
    "dynamic": WireParameter(_flag),
    "pcbin": WireParameter(_number, 2.51, as_text=True),
    "wtbin": WireParameter(_number, 0.5, as_text=True),
    "pchrbin": WireParameter(_number),
    "wthrbin": WireParameter(_number),
    "ratefact": WireParameter(_number, 10, as_text=True),
    "binfact": WireParameter(_number, 1.5, as_text=True),
    "mincmin": WireParameter(_integer, 15, as_text=True),
    "minsnr": WireParameter(_number, 2.4),
    "pcmaxgap": WireParameter(_number, 100000000),
    "wtmaxgap": WireParameter(_number, 100000000),
    "femin": WireParameter(_in_range(0, 1), 0, as_text=True),
    "srcrad": WireParameter(_integer),
}
_SPECTRUM: Final[Mapping[str, WireParameter]] = {
    "specz": WireParameter(_flag),
    "zval": WireParameter(_number),
    "timeslice": WireParameter(_one_of("single", "user", "snapshot", "obsid"), "single"),
    **{f"{stem}{number}": WireParameter(_text) for number in range(1, 5) for stem in ("rname", "gti")},
    "specobs": WireParameter(_one_of("all", "user", "hours"), "hours"),
    "usespecobs": WireParameter(_text),
    "specobstime": WireParameter(_number, 12),
    "specstem": WireParameter(_text, "interval0"),
    "specgrades": WireParameter(_one_of("all", "0", "4"), "all"),
    "doNotFit": WireParameter(_flag, 0),
    "galactic": WireParameter(_flag, 0),
    "models": WireParameter(_models, ["powerlaw"]),
    "dchi": WireParameter(_number, 2.706),
    "srcrad": WireParameter(_integer),
}
_POSITION: Final[Mapping[str, WireParameter]] = {
    "posRadius": WireParameter(_number, 20, as_text=True),
    "posobs": WireParameter(_one_of("all", "user", "hours"), "hours"),
    "useposobs": WireParameter(_text),
    "posobstime": WireParameter(_number, 12),
    "detornot": WireParameter(_one_of("detect", "centroid"), "detect"),
    "detMeth": WireParameter(_one_of("simple", "iterative"), "simple"),
}
PRODUCT_PARAMETERS: Final[Mapping[Product, Mapping[str, WireParameter]]] = {
    Product.LightCurve: _LIGHT_CURVE,
    Product.Spectrum: _SPECTRUM,
    Product.StandardPos: _POSITION,
    Product.EnhancedPos: _POSITION,
    Product.AstromPos: {"allxastrom": WireParameter(_flag, 0), **_POSITION},
    Product.Image: {
        "imen": WireParameter(_text, "0.3-10,0.3-1.5,1.51-10"),
        "imobs": WireParameter(_one_of("all", "user"), "all"),
        "useimobs": WireParameter(_text),
    },
    Product.SourceDet: {
        "detobs": WireParameter(_one_of("all", "user")),
        "usedetobs": WireParameter(_text),
        "detbands": WireParameter(_one_of("total", "all"), "total"),
        "fitStrayLight": WireParameter(_flag, 1),
    },
}
# What the service is to look up itself; `jobPars` has the values found instead.
LOOKUPS: Final = ("getTargs", "getT0", "getCoords")
# Internal to the service, but in `jobPars`.
INTERNAL_PARAMETERS: Final[Mapping[str, Any]] = {"whatSXPS": "2SXPS", "do3col": 0, "enh": 0}


def is_set(body: Mapping[str, Any], name: str) -> bool:
    """Return whether a flag is set, whatever its type."""
    return str(body.get(name)).lower() in ("1", "true", "yes")


def requested_products(body: Mapping[str, Any]) -> tuple[Product, ...]:
    """Return the products of a request; an astrometric position includes the standard one."""
    wanted = {p for p in Product if is_set(body, p.flag)}
    if Product.AstromPos in wanted:
        wanted.add(Product.StandardPos)
    return Product.in_order(wanted)

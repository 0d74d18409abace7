"""The request's parameters under their wire names: which there are, what they may be, and the service's defaults.

Source: protocol, section 5; the types in which the service returns them: the reference client's ReturnData page.
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


def _among(*choice: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        return None if str(value).lower() in choice else f"must be one of {', '.join(choice)}"

    return check


def _between(low: float, high: float) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        number = as_number(value)
        return None if number is not None and low <= number <= high else f"must be between {low:g} and {high:g}"

    return check


def as_number(value: Any) -> float | None:
    """Return a number that may come as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


class Par(NamedTuple):
    """A parameter.

    Attributes
    ----------
    check : callable
        From a value to what is wrong with it, None where nothing is.
    default : Any
        The value where it is not given; None: there is none.
    as_text : bool
        Whether the service returns it as a text, although it is a number.
    """

    check: Callable[[Any], str | None]
    default: Any = None
    as_text: bool = False


GLOBAL: Final[Mapping[str, Par]] = {
    "name": Par(_text),
    "targ": Par(_text),
    "Tstart": Par(_number),
    "SinceT0": Par(_flag),
    "RA": Par(_between(0, 360), as_text=True),
    "Dec": Par(_between(-90, 90), as_text=True),
    "cent": Par(_flag),
    "centMeth": Par(_among("simple", "iterative"), "simple"),
    "maxCentTries": Par(_integer, 10, as_text=True),
    "poserr": Par(_between(1, 6), 1),
    "sss": Par(_flag, 0, as_text=True),
    "useSXPS": Par(_flag, 0),
    "wtpuprate": Par(_number, 150),
    "pcpuprate": Par(_number, 0.6),
    "notify": Par(_flag),
    "getTargs": Par(_flag),
    "getT0": Par(_flag),
    "getCoords": Par(_flag),
}
_LIGHT_CURVE: Final[Mapping[str, Par]] = {
    "binMeth": Par(_among("counts", "time", "snapshot", "obsid")),
    "lcobs": Par(_among("all", "user"), "all"),
    "uselcobs": Par(_text),
    "hrbin": Par(_flag),
    "soft1": Par(_number, 0.3, as_text=True),
    "soft2": Par(_number, 1.5, as_text=True),
    "hard1": Par(_number, 1.5, as_text=True),
    "hard2": Par(_number, 10, as_text=True),
    "minen": Par(_number, 0.3, as_text=True),
    "maxen": Par(_number, 10, as_text=True),
    "grades": Par(_among("all", "0", "4"), "all"),
    "sigmin": Par(_number, 3, as_text=True),
    "allowUL": Par(_among("no", "pc", "wt", "both"), "both"),
    "allowB": Par(_among("no", "pc", "wt", "both"), "both"),
    "bayesCounts": Par(_number, 15),
    "bayesSNR": Par(_number, 2.4),
    "lctimetype": Par(_among("s", "m", "sec", "mjd"), "s"),
    "pccounts": Par(_integer, as_text=True),
    "wtcounts": Par(_integer, as_text=True),
    "dynamic": Par(_flag),
    "pcbin": Par(_number, 2.51, as_text=True),
    "wtbin": Par(_number, 0.5, as_text=True),
    "pchrbin": Par(_number),
    "wthrbin": Par(_number),
    "ratefact": Par(_number, 10, as_text=True),
    "binfact": Par(_number, 1.5, as_text=True),
    "mincmin": Par(_integer, 15, as_text=True),
    "minsnr": Par(_number, 2.4),
    "pcmaxgap": Par(_number, 100000000),
    "wtmaxgap": Par(_number, 100000000),
    "femin": Par(_between(0, 1), 0, as_text=True),
    "srcrad": Par(_integer),
}
_SPECTRUM: Final[Mapping[str, Par]] = {
    "specz": Par(_flag),
    "zval": Par(_number),
    "timeslice": Par(_among("single", "user", "snapshot", "obsid"), "single"),
    **{f"{stem}{number}": Par(_text) for number in range(1, 5) for stem in ("rname", "gti")},
    "specobs": Par(_among("all", "user", "hours"), "hours"),
    "usespecobs": Par(_text),
    "specobstime": Par(_number, 12),
    "specstem": Par(_text, "interval0"),
    "specgrades": Par(_among("all", "0", "4"), "all"),
    "doNotFit": Par(_flag, 0),
    "galactic": Par(_flag, 0),
    "models": Par(_models, ["powerlaw"]),
    "dchi": Par(_number, 2.706),
    "srcrad": Par(_integer),
}
_POSITION: Final[Mapping[str, Par]] = {
    "posRadius": Par(_number, 20, as_text=True),
    "posobs": Par(_among("all", "user", "hours"), "hours"),
    "useposobs": Par(_text),
    "posobstime": Par(_number, 12),
    "detornot": Par(_among("detect", "centroid"), "detect"),
    "detMeth": Par(_among("simple", "iterative"), "simple"),
}
PRODUCT: Final[Mapping[Product, Mapping[str, Par]]] = {
    Product.LightCurve: _LIGHT_CURVE,
    Product.Spectrum: _SPECTRUM,
    Product.StandardPos: _POSITION,
    Product.EnhancedPos: _POSITION,
    Product.AstromPos: {"allxastrom": Par(_flag, 0), **_POSITION},
    Product.Image: {
        "imen": Par(_text, "0.3-10,0.3-1.5,1.51-10"),
        "imobs": Par(_among("all", "user"), "all"),
        "useimobs": Par(_text),
    },
    Product.SourceDet: {
        "detobs": Par(_among("all", "user")),
        "usedetobs": Par(_text),
        "detbands": Par(_among("total", "all"), "total"),
        "fitStrayLight": Par(_flag, 1),
    },
}
# What the service asks itself to find; not returned (the values found are).
LOOKUPS: Final = ("getTargs", "getT0", "getCoords")
# Of no meaning to anybody outside, but the service returns them.
INTERNAL: Final[Mapping[str, Any]] = {"whatSXPS": "2SXPS", "do3col": 0, "enh": 0}


def flag(body: Mapping[str, Any], name: str) -> bool:
    """Return whether a switch is on, in whatever type it came."""
    return str(body.get(name)).lower() in ("1", "true", "yes")


def requested_products(body: Mapping[str, Any]) -> tuple[Product, ...]:
    """Return the products that a request asks for; an astrometric position brings the standard one along."""
    wanted = {p for p in Product if flag(body, p.flag)}
    if Product.AstromPos in wanted:
        wanted.add(Product.StandardPos)
    return Product.in_order(wanted)

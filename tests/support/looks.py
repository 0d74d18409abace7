"""Quick looks made of fixed answers of the service: what the pictures and pages are tested on."""

from __future__ import annotations

from typing import Any

from ukssdc import Job, Product
from ukssdc.quicklook import QuickLook
from ukssdc.results import LightCurveData, Position, SourceList, SpectralFits

TIMES = ("Time", "TimePos", "TimeNeg")
RATES = (*TIMES, "Rate", "RatePos", "RateNeg")
RATIOS = (*TIMES, "HR", "HRErr")
REQUESTED = {"RA": "335.6985", "Dec": "-7.5179", "minen": "0.3", "maxen": "10"}


def job(*products: Product, name: str = "GRB 200416A", **parameters: Any) -> Job:
    """Return a job with these products, or all."""
    return Job(
        job_id=951,
        url="https://www.swift.ac.uk/user_objects/tprods/USERPROD_951",
        name=name,
        products=products or tuple(Product),
        parameters=REQUESTED | parameters,
    )


def look(**parts: Any) -> QuickLook:
    """Return a quick look with these parts."""
    return QuickLook(**({"job": job()} | parts))


def dataset(columns: tuple[str, ...], *rows: tuple[float, ...]) -> dict[str, Any]:
    """Return a dataset as it comes over the wire, where all numbers are texts."""
    return {"columns": list(columns), "data": [[str(cell) for cell in row] for row in rows]}


def light_curve(time_format: str | None = "MET", **datasets: dict[str, Any]) -> LightCurveData:
    """Return a light curve of these datasets."""
    answer = {
        "Datasets": list(datasets),
        "Binning": "Counts",
        "TimeFormat": time_format,
        "T0": 608713541.952,
        **{f"{name}Data": data for name, data in datasets.items()},
    }
    return LightCurveData.from_wire(answer)


def afterglow() -> LightCurveData:
    """Return the light curve of a burst: WT, PC, one upper limit, hardness ratios."""
    wt = [(t, 5.0, -5.0, 50 * (t / 100) ** -3, 4.0, -4.0) for t in (100.0, 120.0, 150.0, 200.0)]
    pc = [(t, t / 10, -t / 10, (t / 300) ** -1.2, 0.2 * (t / 300) ** -1.2, -0.15 * (t / 300) ** -1.2)
          for t in (300.0, 1000.0, 7000.0, 30000.0)]  # fmt: skip
    return light_curve(
        WT=dataset(RATES, *wt),
        WTHR=dataset(RATIOS, *((t, 5.0, -5.0, 1.2, 0.3) for t in (100.0, 150.0))),
        PC=dataset(RATES, *pc),
        PCHR=dataset(RATIOS, *((t, t / 10, -t / 10, 0.8, 0.2) for t in (300.0, 7000.0))),
        PCUL=dataset(RATES, (200000.0, 20000.0, -20000.0, 0.001, 0.0, 0.0)),
    )


def persistent() -> LightCurveData:
    """Return the light curve of a source that is always there, in MJD."""
    rows = ((57400.0 + 3 * n, 0.01, -0.01, 0.4 + 0.05 * (n % 4), 0.05, -0.04) for n in range(12))
    return light_curve("MJD", PC=dataset(RATES, *rows))


def positions() -> dict[Product, Position]:
    """Return the three positions."""
    places = {
        Product.StandardPos: ("335.69910", "-7.51800", "3.5"),
        Product.EnhancedPos: ("335.69830", "-7.51770", "1.7"),
        Product.AstromPos: ("335.69840", "-7.51820", "2.4"),
    }
    return {
        product: Position.from_wire({"GotPos": 1, "RA": ra, "Dec": dec, "Err90": radius})
        for product, (ra, dec, radius) in places.items()
    }


FIT = {
    "GalacticNH": "3.3e20", "NH": "1.23e21", "NHPos": "1.2e20", "NHNeg": "-1.1e20",
    "Gamma": "1.857", "GammaPos": "0.123", "GammaNeg": "-0.112",
    "ObsFlux": "3.10e-12", "ObsFluxPos": "2.2e-13", "ObsFluxNeg": "-2.0e-13",
    "UnabsFlux": "4.0e-12", "UnabsFluxPos": "3.0e-13", "UnabsFluxNeg": "-2.8e-13",
    "Cstat": "403.1", "Dof": "420", "FitChi": "410.2",
}  # fmt: skip


def fits(slices: int = 1, modes: tuple[str, ...] = ("PC",), fit: Any = None, **more: Any) -> SpectralFits:
    """Return spectral fits: so many slices, each with these modes and one fit."""
    names = [f"interval{number}" for number in range(slices)]
    mode = {"MeanTime": "5000", "Exposure": "2500", "Models": ["PowerLaw"], "PowerLaw": FIT if fit is None else fit}
    each = {"Start": "300", "Stop": "9000", "Modes": list(modes), **dict.fromkeys(modes, mode)}
    return SpectralFits.from_wire(
        {"T0": "608713541.952", "DeltaFitStat": "2.706", "rnames": names, **dict.fromkeys(names, each), **more}
    )


def sources(count: int) -> SourceList:
    """Return a list of sources in one band."""
    found = [
        {"sno": f"{n}", "ra": "335.7", "dec": "-7.5", "err90": "3.6", "C": f"{1000 // n}"} for n in range(1, count + 1)
    ]
    return SourceList.from_wire({"Total": found})


def full_look(**parts: Any) -> QuickLook:
    """Return a quick look that has everything."""
    whole = {"light_curve": afterglow(), "positions": positions(), "spectral_fits": fits(), "source_list": sources(3)}
    return look(**(whole | parts))

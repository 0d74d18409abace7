"""Progress: the steps that the service reports while a product is being built (protocol, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ukssdc.emulator.data.selection import bands, observations, slices
from ukssdc.status import Product

Pars = Mapping[str, Any]
NOT_REACHED, ACTIVE, DONE = 0, 1, 2


@dataclass(frozen=True)
class Step:
    """One step of a build.

    Attributes
    ----------
    label : str
        In the service's words.
    share : float
        Share of the time, relative to its neighbours.
    iterations : callable, optional
        From the job's parameters to one `StepExtra` per iteration; all take equally long.
    substeps : tuple of Step
        The steps of each iteration.
    """

    label: str
    share: float = 1.0
    iterations: Callable[[Pars], list[str]] | None = None
    substeps: tuple[Step, ...] = ()


def _each_observation(product: Product) -> Callable[[Pars], list[str]]:
    def texts(pars: Pars) -> list[str]:
        total = len(observations(pars, product))
        return [f"Working on observation {number} / {total}" for number in range(1, total + 1)]

    return texts


def _each_slice(pars: Pars) -> list[str]:
    names = slices(pars)
    return [f"Working on spectrum: {name} ({number}/{len(names)})" for number, name in enumerate(names, 1)]


def _each_image(pars: Pars) -> list[str]:
    names = [name.strip() for name in str(pars.get("imen", "0.3-10")).split(",")]
    return [f"Working on image: {name} keV ({number}/{len(names)})" for number, name in enumerate(names, 1)]


def _each_band(pars: Pars) -> list[str]:
    names = bands(pars)
    return [f"Working on band: {name} ({number}/{len(names)})" for number, name in enumerate(names, 1)]


def _single_overlap(_: Pars) -> list[str]:
    return ["Working on overlap 1 / 1"]


FILTERS: Final = "Trying using the <em>v,b,white</em> filters:"
# The labels are the service's own, as far as its pages show them; with these shares, a build of the default length
# has the progress of those pages 8 s after its start.
STEPS: Final[Mapping[Product, tuple[Step, ...]]] = {
    Product.LightCurve: (
        Step("Prepare data and centroid (if selected).", 10),
        Step("Extract data.", 50, _each_observation(Product.LightCurve)),
        Step("Binning light curve.", 30),
        Step("Plotting light curve as image.", 10),
    ),
    Product.Spectrum: (
        Step("Prepare data.", 2),
        Step(
            "Build spectra.",
            98,
            _each_slice,
            (Step("Extract data.", 60, _each_observation(Product.Spectrum)), Step("Fit spectrum.", 40)),
        ),
    ),
    Product.StandardPos: (
        Step("Collect data.", 15),
        Step("Sum images and exposure maps.", 20),
        Step("Perform detection with locally-estimated background", 30),
        Step("Perform PSF fit.", 35),
    ),
    Product.EnhancedPos: (
        Step("Identify XRT-UVOT overlaps.", 15),
        Step("Determine position.", 65, _single_overlap),
        Step("Build Images.", 20),
    ),
    Product.AstromPos: (
        Step("Prepare data.", 15),
        Step("Searching for sources.", 50, _each_observation(Product.AstromPos)),
        Step("Calculate astrometric correction.", 35),
    ),
    Product.Image: (
        Step("Prepare data.", 20),
        Step("Build images.", 80, _each_image),
    ),
    Product.SourceDet: (
        Step("Prepare data.", 10),
        Step("Sum images and exposure maps.", 15),
        Step("Searching for sources.", 75, _each_band),
    ),
}


def progress(product: Product, pars: Pars, elapsed: float, duration: float) -> dict[str, Any]:
    """Return the progress of a running build.

    Parameters
    ----------
    product : Product
        What is being built.
    pars : mapping
        The job's parameters: they say how many observations, slices, images there are.
    elapsed, duration : float
        Seconds since the build began, and that it will take.
    """
    fraction = min(elapsed / duration, 1.0) if duration > 0 else 1.0
    answer: dict[str, Any] = {"GotProgress": 1}
    if product is Product.EnhancedPos:
        answer["PreProgress"] = FILTERS
    answer["ProgressSteps"] = _report(STEPS[product], pars, fraction)
    answer["TimeRunning"] = clock_time(elapsed)
    return answer


def clock_time(seconds: float) -> str:
    """Return seconds as HH:MM:SS, cut to full seconds; within 1 ms of the next one, that."""
    whole = int(seconds + 1e-3)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _report(steps: tuple[Step, ...], pars: Pars, fraction: float) -> list[dict[str, Any]]:
    """Report steps of which `fraction` is done; only the active step shows its sub-steps."""
    if any(s.label == "Fit spectrum." for s in steps) and str(pars.get("doNotFit")) == "1":
        steps = tuple(s for s in steps if s.label != "Fit spectrum.")
    total, begin, report = sum(s.share for s in steps), 0.0, []
    for number, step in enumerate(steps, 1):
        end = 1.0 if number == len(steps) else begin + step.share / total
        if fraction >= end and number < len(steps):
            report.append({"StepLabel": step.label, "StepStatus": DONE})
        elif fraction < begin:
            report.append({"StepLabel": step.label, "StepStatus": NOT_REACHED})
        else:
            report.append(_active(step, pars, (fraction - begin) / (end - begin)))
        begin = end
    return report


def _active(step: Step, pars: Pars, fraction: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"StepLabel": step.label, "StepStatus": ACTIVE}
    iterations = step.iterations(pars) if step.iterations else [""]
    current = min(int(fraction * len(iterations)), len(iterations) - 1)
    if step.iterations:
        entry["StepExtra"] = iterations[current]
    if step.substeps:
        entry["SubStep"] = _report(step.substeps, pars, fraction * len(iterations) - current)
    return entry

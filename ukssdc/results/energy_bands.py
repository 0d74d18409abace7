"""The energy bands of a light curve and of its hardness ratio, as the job's parameters give them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

from ukssdc.results.job_result import Result

Band = tuple[float, float]


class EnergyBands(Result):
    """The bands of a light curve, each from ... to, keV; the service's defaults where a job's parameters lack them.

    Attributes
    ----------
    total : tuple of float
        Band of the rates and upper limits.
    soft, hard : tuple of float
        Bands whose ratio, hard to soft, the hardness ratio is.
    """

    total: Band = (0.3, 10.0)
    soft: Band = (0.3, 1.5)
    hard: Band = (1.5, 10.0)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Read the bands out of a job's parameters, in wire names (protocol, section 5)."""
        fields = cls.model_fields
        wire = {"total": ("minen", "maxen"), "soft": ("soft1", "soft2"), "hard": ("hard1", "hard2")}
        return cls(
            **{
                band: tuple(
                    _energy(parameters.get(key), default)
                    for key, default in zip(keys, fields[band].default, strict=True)
                )
                for band, keys in wire.items()
            }
        )


def band_text(band: Band) -> str:
    """Return a band in words: "0.3-10 keV"."""
    return f"{band[0]:g}-{band[1]:g} keV"


def _energy(value: Any, default: float) -> float:
    try:
        energy = float(value)
    except (TypeError, ValueError):
        return default
    return energy if math.isfinite(energy) else default

"""The results of a job as typed models: positions, light curves, spectral fits, source lists.

Each is read from the service's answer with `from_wire`, which raises `ProtocolError` for what cannot be read. Tables go
to pandas (`to_pandas`) and, with units, to astropy (`to_table`); both are optional dependencies. Source: protocol,
sections 2 and 6.
"""

from ukssdc.results.dataset import Dataset, DatasetKind
from ukssdc.results.energy_bands import EnergyBands
from ukssdc.results.fit_parameter import FitParameter
from ukssdc.results.light_curves import LightCurveData
from ukssdc.results.positions import Position
from ukssdc.results.source_lists import DetectedSource, SourceList
from ukssdc.results.spectra import ModeSpectrum, SpectralFit, SpectrumSlice
from ukssdc.results.spectral_fits import SpectralFits
from ukssdc.results.time_formats import TimeFormat

__all__ = [
    "Dataset",
    "DatasetKind",
    "DetectedSource",
    "EnergyBands",
    "FitParameter",
    "LightCurveData",
    "ModeSpectrum",
    "Position",
    "SourceList",
    "SpectralFit",
    "SpectralFits",
    "SpectrumSlice",
    "TimeFormat",
]

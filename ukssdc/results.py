"""The results of a job as typed models: positions, light curves, spectral fits, source lists.

Each is read from the service's answer with `from_wire`, which raises `ProtocolError` for what cannot be read. Tables go
to pandas (`to_pandas`) and, with units, to astropy (`to_table`); both are optional dependencies. Source: protocol,
sections 2 and 6.
"""

from ukssdc._lightcurve import Dataset, Kind, LightCurveData
from ukssdc._position import Position
from ukssdc._sources import DetectedSource, SourceList
from ukssdc._spectra import ModeSpectrum, Parameter, SpectralFit, SpectralFits, SpectrumSlice

__all__ = [
    "Dataset",
    "DetectedSource",
    "Kind",
    "LightCurveData",
    "ModeSpectrum",
    "Parameter",
    "Position",
    "SourceList",
    "SpectralFit",
    "SpectralFits",
    "SpectrumSlice",
]

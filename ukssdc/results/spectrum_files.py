"""The spectra of an unpacked archive (protocol, section 6), as far as a table and a picture need; needs astropy."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

from ukssdc.results.table_export import import_optional

MIN_COUNTS = 20  # of a bin in a picture: its error is Gaussian then
MAX_ENERGY = 10.0  # keV: XRT is calibrated from 0.3 to 10
MAX_CHANNELS = 100_000  # the service's have 1024


class NetRate(NamedTuple):
    """A count rate and its 1-sigma error, ct/s, background subtracted."""

    rate: float
    error: float


def spectrum_path(folder: Path, slice_name: str, mode: str) -> Path | None:
    """Return where the spectrum of a slice and mode is in the folder of an unpacked archive; None where it is not."""
    name = f"{slice_name}{mode.lower()}.pi"
    if Path(name).name != name or not folder.is_dir():
        return None
    direct = folder / slice_name / name
    return direct if direct.is_file() else next((path for path in sorted(folder.rglob(name)) if path.is_file()), None)


def net_rate(path: Path) -> NetRate | None:
    """Return the rate in the channels that are not marked bad; None where the files cannot be read, or are no spectra.

    The header of the spectrum names its background's file, which is beside it.
    """
    try:
        source, background = _read(path), None
        name = str(source.header.get("BACKFILE", "NONE"))
        if name.upper() != "NONE" and Path(name).name == name:
            background = _read(path.parent / name)
        good = source.quality == 0
        counts = float(source.counts[good].sum())
        below, factor = 0.0, 0.0
        if background is not None:
            below = float(background.counts[good].sum())
            factor = source.scale / background.scale
        exposure = float(source.header["EXPOSURE"])
        return NetRate((counts - factor * below) / exposure, (counts + factor**2 * below) ** 0.5 / exposure)
    except ImportError:
        raise
    except Exception:  # noqa: BLE001 - a file from elsewhere can be anything; there is no rate then
        return None


class BinnedSpectrum(NamedTuple):
    """A spectrum in bins of enough counts, background subtracted.

    Attributes
    ----------
    energy, half_width : list of float
        keV.
    density, error : list of float
        ct/s/keV, and its 1-sigma error.
    """

    energy: list[float]
    half_width: list[float]
    density: list[float]
    error: list[float]


def binned_spectrum(path: Path, min_counts: int = MIN_COUNTS) -> BinnedSpectrum | None:
    """Return the good channels of a spectrum in bins of at least so many counts; None where that cannot be read.

    The header names the files of the background and of the response, which has the channels' energies.
    """
    try:
        source = _read(path)
        background = _read(_beside(path, source.header["BACKFILE"]))
        edges = _channel_edges(_beside(path, source.header["RESPFILE"]))
        exposure, factor = float(source.header["EXPOSURE"]), source.scale / background.scale
        bins = BinnedSpectrum([], [], [], [])
        total = below = 0.0
        low: float | None = None
        channels = zip(source.counts, background.counts, source.quality, edges, strict=True)
        for counts, behind, quality, (begin, end) in channels:
            if quality or begin >= MAX_ENERGY:
                continue
            low = begin if low is None else low
            total, below = total + counts, below + behind
            if total >= min_counts:
                width = end - low
                bins.energy.append((low + end) / 2)
                bins.half_width.append(width / 2)
                bins.density.append((total - factor * below) / exposure / width)
                bins.error.append((total + factor**2 * below) ** 0.5 / exposure / width)
                total, below, low = 0.0, 0.0, None
    except ImportError:
        raise
    except Exception:  # noqa: BLE001 - as above
        return None
    return bins if bins.energy else None


def _beside(path: Path, name: Any) -> Path:
    if Path(str(name)).name != str(name):
        raise ValueError("a file elsewhere")
    return path.parent / str(name)


def _channel_edges(path: Path) -> list[tuple[float, float]]:
    fits = import_optional("astropy.io.fits", needed_by="a spectrum's file", extra="tables")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path, memmap=False) as file:
            bounds = file["EBOUNDS"].data
            return list(zip(map(float, bounds["E_MIN"]), map(float, bounds["E_MAX"]), strict=True))


class _SpectrumFile(NamedTuple):
    header: Any
    counts: Any
    quality: Any
    scale: float


def _read(path: Path) -> _SpectrumFile:
    fits, numpy = (
        import_optional(name, needed_by="a spectrum's file", extra="tables") for name in ("astropy.io.fits", "numpy")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path, memmap=False) as file:
            table = file["SPECTRUM"]
            if not 0 < table.header["NAXIS2"] <= MAX_CHANNELS:
                raise ValueError("channels")
            counts = numpy.array(table.data["COUNTS"], float)
            has_quality = "QUALITY" in table.columns.names
            quality = numpy.array(table.data["QUALITY"]) if has_quality else numpy.zeros(len(counts), int)
            scale = float(table.header["EXPOSURE"]) * float(table.header.get("BACKSCAL", 1.0))
            return _SpectrumFile(table.header, counts, quality, scale)

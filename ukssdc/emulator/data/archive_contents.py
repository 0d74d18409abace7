"""The files in the archives: small, with the names and formats of the service's (protocol, section 6).

They hold the same numbers as the answers to the calls for results.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from ukssdc.emulator.data.datasets import light_curve, light_curve_qdp
from ukssdc.emulator.data.field_sources import source_list
from ukssdc.emulator.data.measured_positions import (
    astrometric_position_dat,
    enhanced_position_txt,
    standard_position_dat,
)
from ukssdc.emulator.data.selection import observations
from ukssdc.emulator.data.slice_archives import slice_archives
from ukssdc.emulator.data.spectrum_fits import spectral_fits
from ukssdc.emulator.data.tar_files import MTIME
from ukssdc.emulator.data.xray_source import ResultJob
from ukssdc.status import Product

ArchiveFiles = dict[str, bytes]
"""Name -> content."""
GIF: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


class ArchivedJob(ResultJob, Protocol):
    """What the archives need to know about a job, beyond its results."""

    @property
    def id(self) -> int:
        """The job's number."""

    def complete(self, product: Product) -> bool:
        """Return whether the product can be downloaded."""

    def revision(self, product: Product) -> int:
        """Return how often the product's archive has been rebuilt."""


def archive_files(job: ArchivedJob, product: Product) -> ArchiveFiles:
    """Return the files in a product's archive; a product cancelled while it ran leaves only its log."""
    made = _FILES[product](job) if job.complete(product) else {f"{product.wire}.log": _log(job, product)}
    if job.revision(product):
        made["revision.txt"] = f"{job.revision(product)}\n".encode()
    return made


def _light_curve(job: ArchivedJob) -> ArchiveFiles:
    curves = light_curve(job, {"nosys": "both", "incbad": "both"})
    made: ArchiveFiles = {"curve.qdp": light_curve_qdp(job).encode()}
    for name in curves["Datasets"]:
        table = curves[f"{name}Data"]
        lines = [f"! {name}", "!" + "\t".join(table["columns"]), *("\t".join(row) for row in table["data"])]
        file = _file_name(table["URL"])
        made[file] = made.get(file, b"") + ("\n".join(lines) + "\n").encode()
    return {**made, "curve.gif": GIF, "lc.log": _log(job, Product.LightCurve)}


def _spectrum(job: ArchivedJob) -> ArchiveFiles:
    plots = {_file_name(address): GIF for address in _images(spectral_fits(job))}
    return {**slice_archives(job), **plots, "spec.log": _log(job, Product.Spectrum)}


def _images(entries: Any) -> Iterator[str]:
    """Yield the URLs of the images in the fits, at any depth."""
    if isinstance(entries, Mapping):
        for key, value in entries.items():
            yield from [value] if key == "Image" else _images(value)


def _standard_position(job: ArchivedJob) -> ArchiveFiles:
    return {"results.dat": standard_position_dat(job).encode(), "psf.log": _log(job, Product.StandardPos)}


def _enhanced_position(job: ArchivedJob) -> ArchiveFiles:
    return {
        "success.txt": enhanced_position_txt(job).encode(),
        "field.gif": GIF,
        "enh.log": _log(job, Product.EnhancedPos),
    }


def _astrometric_position(job: ArchivedJob) -> ArchiveFiles:
    return {"xastrom_corr.dat": astrometric_position_dat(job).encode(), "xastrom.log": _log(job, Product.AstromPos)}


def _image(job: ArchivedJob) -> ArchiveFiles:
    energies = [band.strip() for band in str(job.pars.get("imen", "0.3-10")).split(",")]
    made: ArchiveFiles = {
        "images.log": "".join(f"image{n} {band} keV\n" for n, band in enumerate(energies, 1)).encode()
    }
    for number, band in enumerate(energies, 1):
        made[f"image{number}.img.gz"] = gzip.compress(_fits(OBJECT=_one_line(job.name)[:60], BAND=band), mtime=MTIME)
        made[f"image{number}.gif"] = GIF
    return made


def _source_detection(job: ArchivedJob) -> ArchiveFiles:
    made: ArchiveFiles = {}
    for band, sources in source_list(job).items():
        head = "\t".join(sources[0]) if sources else ""
        lines = [head, *("\t".join(source.values()) for source in sources)]
        made[f"sources_{band}.txt"] = ("\n".join(lines) + "\n").encode()
    return {**made, "sourceDet.log": _log(job, Product.SourceDet)}


_FILES: Final[Mapping[Product, Callable[[ArchivedJob], ArchiveFiles]]] = {
    Product.LightCurve: _light_curve,
    Product.Spectrum: _spectrum,
    Product.StandardPos: _standard_position,
    Product.EnhancedPos: _enhanced_position,
    Product.AstromPos: _astrometric_position,
    Product.Image: _image,
    Product.SourceDet: _source_detection,
}


def _file_name(address: str) -> str:
    return address.rsplit("/", 1)[-1]


def _fits(**cards: Any) -> bytes:
    """Return a FITS file with only a header."""
    lines = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"]
    lines += [f"{key:8}= '{str(value).encode('ascii', 'replace').decode():8}'" for key, value in cards.items()]
    text = "".join(f"{line:80}" for line in [*lines, "END"])
    return text.encode("ascii").ljust(2880)


def _log(job: ArchivedJob, product: Product) -> bytes:
    lines = [f"Job {job.id}: {product.label} of {_one_line(job.name)}"]
    lines += [f"Used observation {name}" for name in observations(job.pars, product)]
    return ("\n".join(lines) + "\n").encode()


def _one_line(name: str) -> str:
    return " ".join(name.split())

"""What is inside the archives: small files of the right names and shapes (protocol, section 6)."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from typing import Any, Final

from ukssdc.emulator.data import bands, look_up, observations, slices
from ukssdc.emulator.job import Job
from ukssdc.emulator.parameters import as_number
from ukssdc.status import Product

Files = dict[str, bytes]
MTIME: Final = 1587000000  # of every file: 16 April 2020, so that an archive is the same each time it is built
GIF: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


def files(job: Job, product: Product) -> Files:
    """Return the files of a product's archive by their names; of a product cancelled on its way just the log."""
    return _FILES[product](job) if job.complete(product) else {f"{product.wire}.log": _log(job, product)}


def tar_header(name: str, size: int) -> bytes:
    """Return the header of a file in a tar archive."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, MTIME, 0o644
    return info.tobuf(tarfile.GNU_FORMAT)


def _light_curve(job: Job) -> Files:
    curves = {"WT": _curve(100.0, 12.0, 8), "PC": _curve(300.0, 3.0, 20)}
    names = {"WT": "! WT data", "PC": "! PC data"}
    blocks = [f"{names[mode]}\n{rows}" for mode, rows in curves.items()]
    head = "READ TERR 1\nREAD SERR 2\n! Time (s)  T_+ve  T_-ve  Rate (ct/s)  Ratepos  Rateneg\n"
    title = f"! Light curve of {_one_line(job.name)}\n"
    return {
        "curve.qdp": (title + head + "NO NO NO NO NO NO\n".join(blocks)).encode(),
        **{f"{mode}CURVE.qdp": (title + head + block).encode() for mode, block in zip(curves, blocks, strict=True)},
        "curve.gif": GIF,
        "lc.log": _log(job, Product.LightCurve),
    }


def _spectrum(job: Job) -> Files:
    spectra = {f"{name}.tar.gz": _one_spectrum(name) for name in slices(job.pars)}
    return {**spectra, "spec.log": _log(job, Product.Spectrum)}


def _one_spectrum(name: str) -> bytes:
    inner = [
        (f"{name}{mode}.{suffix}", _fits(EXTNAME=kind, TELESCOP="SWIFT", INSTRUME="XRT", DATAMODE=mode.upper()))
        for mode in ("wt", "pc")
        for suffix, kind in (("pi", "SPECTRUM"), ("arf", "SPECRESP"), ("rmf", "MATRIX"))
    ]
    packed = io.BytesIO()
    for file, content in inner:
        packed.write(tar_header(file, len(content)) + content + bytes(-len(content) % 512))
    return gzip.compress(packed.getvalue() + bytes(1024), mtime=MTIME)


def _standard_position(job: Job) -> Files:
    ra, dec = place(job)
    row = (f"{ra:.5f}", f"{dec:.5f}", _hms(ra), _dms(dec), "3.5", "0", "1", "0")
    return {"results.dat": ("\t".join(row) + "\n").encode(), "psf.log": _log(job, Product.StandardPos)}


def _enhanced_position(job: Job) -> Files:
    ra, dec = place(job)
    text = f"{ra + 0.0008:.5f} {dec - 0.0003:.5f} 1.7\n"
    return {"success.txt": text.encode(), "field.gif": GIF, "enh.log": _log(job, Product.EnhancedPos)}


def _astrometric_position(job: Job) -> Files:
    ra, dec = place(job)
    row = (f"{ra + 0.0024:.5f}", f"{dec + 0.0005:.5f}", _hms(ra + 0.0024), _dms(dec + 0.0005), "2.4")
    return {"xastrom_corr.dat": ("\t".join(row) + "\n").encode(), "xastrom.log": _log(job, Product.AstromPos)}


def _image(job: Job) -> Files:
    energies = [band.strip() for band in str(job.pars.get("imen", "0.3-10")).split(",")]
    made: Files = {"images.log": "".join(f"image{n} {band} keV\n" for n, band in enumerate(energies, 1)).encode()}
    for number, band in enumerate(energies, 1):
        made[f"image{number}.img.gz"] = gzip.compress(_fits(OBJECT=_one_line(job.name)[:60], BAND=band), mtime=MTIME)
        made[f"image{number}.gif"] = GIF
    return made


def _source_detection(job: Job) -> Files:
    ra, dec = place(job)
    head = "sno\tra\tdec\terr90\tC\trate\n"
    rows = "".join(
        f"{n}\t{ra + 0.01 * n:.7f}\t{dec - 0.008 * n:.7f}\t{3.5 + n / 5:.4f}\t{1236 // n}\t{0.2 / n:.6f}\n"
        for n in (1, 2, 3)
    )
    lists = {f"sources_{band}.txt": (head + rows).encode() for band in bands(job.pars)}
    return {**lists, "sourceDet.log": _log(job, Product.SourceDet)}


_FILES: Final[Mapping[Product, Callable[[Job], Files]]] = {
    Product.LightCurve: _light_curve,
    Product.Spectrum: _spectrum,
    Product.StandardPos: _standard_position,
    Product.EnhancedPos: _enhanced_position,
    Product.AstromPos: _astrometric_position,
    Product.Image: _image,
    Product.SourceDet: _source_detection,
}


def place(job: Job) -> tuple[float, float]:
    """Return the position that the job started from, degrees J2000."""
    known = look_up(job.name)
    ra, dec = as_number(job.pars.get("RA")), as_number(job.pars.get("Dec"))
    return (known.ra if ra is None else ra), (known.dec if dec is None else dec)


def _curve(start: float, rate: float, bins: int) -> str:
    """Return the lines of a decaying curve: time, its errors (s), rate, its errors (ct/s)."""
    rows = []
    for number in range(bins):
        time, half = start * 1.3**number, start * 1.3**number * 0.1
        flux = rate * (time / start) ** -1.2
        rows.append(f"{time:.3f}\t{half:.3f}\t{-half:.3f}\t{flux:.5e}\t{flux / 5:.5e}\t{-flux / 5:.5e}\n")
    return "".join(rows)


def _fits(**cards: Any) -> bytes:
    """Return a FITS file that is a header alone."""
    lines = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0"]
    lines += [f"{key:8}= '{str(value).encode('ascii', 'replace').decode():8}'" for key, value in cards.items()]
    text = "".join(f"{line:80}" for line in [*lines, "END"])
    return text.encode("ascii").ljust(2880)


def _log(job: Job, product: Product) -> bytes:
    lines = [f"Job {job.id}: {product.prose} of {_one_line(job.name)}"]
    lines += [f"Used observation {name}" for name in observations(job.pars, product)]
    return ("\n".join(lines) + "\n").encode()


def _one_line(name: str) -> str:
    return " ".join(name.split())


def _hms(degrees: float) -> str:
    """Return a right ascension as hours, minutes and seconds."""
    seconds = round(degrees % 360 / 15 * 3600, 2)
    return f"{int(seconds // 3600):02d} {int(seconds // 60 % 60):02d} {seconds % 60:05.2f}"


def _dms(degrees: float) -> str:
    """Return a declination as degrees, minutes and seconds."""
    seconds = round(abs(degrees) * 3600, 1)
    sign = "-" if degrees < 0 else "+"
    return f"{sign}{int(seconds // 3600):02d} {int(seconds // 60 % 60):02d} {seconds % 60:04.1f}"

"""The archive of one time slice of a spectrum: per mode spectra, background and responses (protocol, section 6)."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Any, Final

from ukssdc.emulator.data.ogip_files import (
    BACKGROUND_AREA,
    SOURCE_AREA,
    RegionCounts,
    arf_file,
    draw_counts,
    expected_counts,
    rmf_file,
    spectrum_file,
)
from ukssdc.emulator.data.spectrum_fits import APERTURE_CORRECTION, MODELS, slice_exposures, spectral_fits
from ukssdc.emulator.data.tar_files import MTIME, tar_header
from ukssdc.emulator.data.xray_source import ResultJob, XraySource, number, rng_for

BACKGROUND_RATE: Final = 4e-3  # ct/s in the background's region
TYPICAL_COLUMN: Final = 1.2e21  # cm^-2, where there is no fit


def slice_archives(job: ResultJob) -> dict[str, bytes]:
    """Return the archive of each slice, by name: `interval0.tar.gz`."""
    fits = spectral_fits(job)
    made = {}
    for name, exposures in slice_exposures(job).items():
        files: dict[str, bytes] = {}
        for exposure in exposures:
            fit = fits[name][exposure.mode]
            files |= _mode_files(job, name, exposure.mode, exposure.exposure, exposure.counts, fit)
        files[f"{name}.areas"] = _areas(job, exposures[0].mode if exposures else "PC")
        made[f"{name}.tar.gz"] = _packed(files)
    return made


def _mode_files(
    job: ResultJob, name: str, mode: str, exposure: float, counts: float, fits: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return the files of one mode, whose names begin with the slice's and the mode's."""
    stem, rng = f"{name}{mode.lower()}", rng_for(job, f"{name} {mode} counts")
    fit: Mapping[str, Any] = next((fits[model] for model in fits.get("Models", ()) if "Gamma" in fits[model]), {})
    gamma = fit.get("Gamma", MODELS["powerlaw"].typical[mode])
    column = fit.get("NH", TYPICAL_COLUMN) + fit.get("GalacticNH", 0.0)
    background = BACKGROUND_RATE * exposure
    flat = [background / 1024] * 1024
    expected = expected_counts(gamma, column, counts / APERTURE_CORRECTION)
    below = [level * SOURCE_AREA / BACKGROUND_AREA for level in flat]
    seen = draw_counts([a + b for a, b in zip(expected, below, strict=True)], rng)
    source = RegionCounts(exposure, seen, SOURCE_AREA)
    behind = RegionCounts(exposure, draw_counts(flat, rng), BACKGROUND_AREA)
    about = (("OBJECT", " ".join(job.name.split())[:60]), ("DATAMODE", "WINDOWED" if mode == "WT" else "PHOTON"))
    names = {"BACKFILE": f"{stem}back.pi", "RESPFILE": f"{stem}.rmf", "ANCRFILE": f"{stem}.arf"}
    responses = {key: value for key, value in names.items() if key != "BACKFILE"}
    return {
        f"{stem}.pi": spectrum_file(source, "TOTAL", names, *about, grouped=True),
        f"{stem}source.pi": spectrum_file(source, "TOTAL", responses, *about, grouped=False),
        f"{stem}back.pi": spectrum_file(behind, "BKG", {}, *about, grouped=False),
        f"{stem}.arf": arf_file(("DATAMODE", about[1][1])),
        f"{stem}.rmf": rmf_file(about[1][1]),
        f"models/{stem}.xcm": _model(stem, fit, gamma, column, number(job.pars, "zval", 0.0)),
    }


def _model(stem: str, fit: Mapping[str, Any], gamma: float, column: float, redshift: float) -> bytes:
    """Return the fit as a script for XSPEC."""
    galactic = fit.get("GalacticNH", 0.0) / 1e22
    own = fit.get("NH", column) / 1e22
    lines = [
        *(f"data 1:1 {stem}.pi", "ignore bad", "statistic cstat", "abund wilm", "xsect vern"),
        "model TBabs*zTBabs*powerlaw",
        *(f"{galactic:.6g} -1", f"{own:.6g}", f"{redshift:.6g} -1", f"{gamma:.6g}", "1e-3"),
    ]
    return ("\n".join(lines) + "\n").encode()


def _areas(job: ResultJob, mode: str) -> bytes:
    source = XraySource(job)
    place = f"{source.ra:.5f},{source.dec:.5f}"
    shapes = (
        [f'circle({place},47.2")', f'-annulus({place},141.6",259.6")']
        if mode == "PC"
        else [f'box({place},94.4",94.4")']
    )
    return ("fk5\n" + "\n".join(shapes) + "\n").encode()


def _packed(files: Mapping[str, bytes]) -> bytes:
    content = b"".join(tar_header(n, len(c)) + c + bytes(-len(c) % 512) for n, c in files.items())
    return gzip.compress(content + bytes(1024), 1, mtime=MTIME)

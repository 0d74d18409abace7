"""The spectra of an unpacked archive, drawn into axes."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from ukssdc.plotting.style import COLOURS, OTHER_COLOUR, grid, own_axes, plain_text
from ukssdc.results.formatting import format_fit_parameter
from ukssdc.results.spectrum_files import binned_spectrum

if TYPE_CHECKING:
    from ukssdc.results import ModeSpectrum, SpectralFits

MAX_SPECTRA = 8  # in a picture; more hide each other
MARKERS = "os^vD*"  # a slice each


def draw_spectra(fits: SpectralFits, folder: Path, axes: Axes | None) -> Axes:
    """Draw the spectra whose files there are; see `SpectralFits.plot`.

    Raises
    ------
    ValueError
        Where there is none that can be read.
    """
    found = [
        (number, time_slice.name, spectrum, binned)
        for number, time_slice in enumerate(fits.with_files(folder).slices.values())
        for spectrum in time_slice.modes.values()
        if spectrum.file and (binned := binned_spectrum(folder / spectrum.file))
    ]
    if not found:
        raise ValueError(f"there is no spectrum that can be read in {folder}: unpack the archive with extract=True")
    panel = own_axes(axes)
    for number, name, spectrum, binned in itertools.islice(found, MAX_SPECTRA):
        panel.errorbar(
            *(binned.energy, binned.density),
            xerr=binned.half_width,
            yerr=binned.error,
            color=COLOURS.get(spectrum.mode, OTHER_COLOUR),
            linestyle="none",
            linewidth=0.9,
            marker=MARKERS[number % len(MARKERS)],
            markersize=2.5,
            label=f"{plain_text(name)}, {plain_text(spectrum.mode)}{_index_text(spectrum)}",
        )
    if len(found) > MAX_SPECTRA:
        panel.plot([], [], linestyle="none", label=f"{len(found) - MAX_SPECTRA} more not shown")
    panel.set_xscale("log")
    panel.set_yscale("log", nonpositive="clip")
    ticks = (0.3, 0.5, 1, 2, 5, 10)
    panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    panel.minorticks_off()
    panel.set_xlim(0.28, 10.5)
    panel.set_xlabel("Energy (keV)")
    panel.set_ylabel("Count rate (ct/s/keV)")
    grid(panel)
    level = f"Photon index: {100 * fits.confidence:.0f} % errors" if fits.confidence else None
    panel.legend(loc="best", framealpha=0.9, fontsize=9, title=level, title_fontsize=9)
    return panel


def _index_text(spectrum: ModeSpectrum) -> str:
    gamma = next((fit.gamma for fit in spectrum.models.values() if fit.gamma), None)
    return f", photon index {format_fit_parameter(gamma)}" if gamma else ""

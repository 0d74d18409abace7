"""The parts of the page: what was found, in a line each; positions, fits and sources as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ukssdc.quicklook.formatting import NONE, cell, count, measured, plain, table
from ukssdc.quicklook.quick_look import QuickLook
from ukssdc.quicklook.sky import offset, sexagesimal
from ukssdc.results import ModeSpectrum, Position, SpectralFit, SpectralFits, SpectrumSlice
from ukssdc.status import Product

NAMED = 5  # how many failed fits are named before they are only counted
SHORTLIST = 20  # how many sources the page lists where nothing else was asked for
FLUX_SCALE, NH_SCALE = 1e-12, 1e22
Fit = tuple[SpectrumSlice, ModeSpectrum, SpectralFit]


def findings(look: QuickLook) -> list[str]:
    """Say in Markdown, in a line per product, what was found, or why nothing was."""
    lines = []
    for product in look.job.products:
        problem = look.problems.get(product)
        said = f"**{cell(problem)}**" if problem else "; ".join(_finding(look, product))
        lines.append(f"{product.label.capitalize()}: {said}")
    return lines


def _finding(look: QuickLook, product: Product) -> list[str]:
    if product in look.positions:
        return [_position_words(look.positions[product])]
    match product:
        case Product.LightCurve:
            return [_light_curve_words(look)]
        case Product.Spectrum if look.spectral_fits is not None:
            return list(_fit_words(look.spectral_fits))
        case Product.SourceDet if look.source_list is not None:
            bands = look.source_list.bands.items()
            return [", ".join(f"{count(len(found), 'source')} in the band {cell(band)}" for band, found in bands)]
        case _:
            return ["in its archive"]


def _position_words(position: Position) -> str:
    if position.ra is None or position.dec is None:
        return f"**no position: {cell(position.reason or 'the service does not say why')}**"
    ra, dec = sexagesimal(position.ra, position.dec)
    return f"RA {ra}, Dec {dec} (J2000), error radius {plain(position.err90, '.1f')} arcsec (90 %)"


def _light_curve_words(look: QuickLook) -> str:
    curve = look.light_curve
    if curve is None:
        return "in its archive"
    if not any(len(dataset) for dataset in (*curve.detections, *curve.upper_limits)):
        return "**empty: the service could not make a single bin**"
    detected = [f"{count(len(d), 'bin')} in {cell(d.mode)}" for d in curve.detections if len(d)]
    limits = [f"{count(len(d), 'upper limit')} in {cell(d.mode)}" for d in curve.upper_limits if len(d)]
    return ", ".join([*(detected or ["no detection"]), *limits])


def _fit_words(fits: SpectralFits) -> Iterator[str]:
    if not fits.slices:
        yield "**there is no spectrum**"
        return
    best = next((fit for fit in fits.fits if fit[2].gamma), None)
    if best:
        name = _fit_name(best)
        yield f"photon index {measured(best[2].gamma)} ({name})"
    fitted = sum(fit.fitted for _, _, fit in fits.fits)
    yield f"{count(fitted, 'fit')} in {count(len(fits.slices), 'time slice')}"
    empty = [cell(time_slice.name) for time_slice in fits.slices.values() if not time_slice.modes]
    unfitted = [
        f"{cell(spectrum.mode)}, {cell(time_slice.name)}"
        for time_slice in fits.slices.values()
        for spectrum in time_slice.modes.values()
        if not spectrum.models
    ]
    failed = [_fit_name(fit) for fit in fits.fits if not fit[2].fitted]
    yield from _listed("no spectrum could be made in", empty)
    yield from _listed("no fit (NOFIT, or none asked for) to", unfitted)
    yield from _listed("the automatic fit failed (NOFIT) for", failed)


def _listed(what: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"**{what} {'; '.join(names[:NAMED])}{rest}**"


def _fit_name(fit: Fit) -> str:
    return f"{cell(fit[2].model)}, {cell(fit[1].mode)}, {cell(fit[0].name)}"


def position_section(look: QuickLook) -> str:
    """Return the table of positions; empty where there is none."""
    if not look.positions:
        return ""
    head = ("Position", "RA (deg)", "Dec (deg)", "RA, Dec (J2000)", "Radius (arcsec)", "Offset (arcsec)", "Remark")
    rows = [[product.label, *_position_cells(look, position)] for product, position in look.positions.items()]
    found = any(position.found for position in look.positions.values())
    note = "\nRadius: 90 % confidence. Offset: from the requested position.\n" if found else ""
    return f"## Table of positions\n\n{table(*_with_values(head, rows))}{note}"


def _position_cells(look: QuickLook, position: Position) -> list[str]:
    if position.ra is None or position.dec is None:
        return [NONE] * 5 + [f"no position: {cell(position.reason or '')}"]
    away = NONE
    if look.requested:
        east, north = offset(position.ra, position.dec, look.requested)
        away = f"{(east**2 + north**2) ** 0.5:.1f}"
    remark = f"from {cell(position.which_sxps or 'SXPS')}" if position.from_sxps else ""
    place = ", ".join(sexagesimal(position.ra, position.dec))
    return [f"{position.ra:.5f}", f"{position.dec:+.5f}", place, plain(position.err90, ".1f"), away, remark]


def fit_section(look: QuickLook, rows: int | None) -> str:
    """Return the table of fits, `rows` long at most; empty where there is none."""
    fits = look.spectral_fits
    if fits is None or not fits.fits:
        return ""
    shown = fits.fits[:rows]
    confidence = f"{fits.confidence:.0%}" if fits.confidence else "those of the request's deltaFitStat"
    notes = [
        f"Errors: {confidence.replace('%', ' %')} confidence.",
        "Fluxes: 10⁻¹² erg cm⁻² s⁻¹, 0.3 to 10 keV. Times: s since T0.",
        f"Galactic NH not fitted: {fits.galactic_nh_unfitted:.3g} cm⁻²." if fits.galactic_nh_unfitted else "",
        _cut(len(shown), len(fits.fits), "fits", "results.json"),
    ]
    # What is looked for comes first: the UI has room for seven columns.
    head = ["Slice", "Mode", "Model", "Photon index", "kT (keV)", "NH (10²² cm⁻²)", "Observed flux", "Unabsorbed flux"]
    head += ["C-stat / dof", "χ²", "Galactic NH (10²² cm⁻²)", "Mean time (s)", "Exposure (s)"]
    body = [_fit_cells(fit) for fit in shown]
    return f"## Spectral fits\n\n{table(*_with_values(head, body))}\n{' '.join(note for note in notes if note)}\n"


def _fit_cells(fit: Fit) -> list[str]:
    time_slice, spectrum, model = fit
    names = [cell(time_slice.name), cell(spectrum.mode), cell(model.model)]
    times = [plain(spectrum.mean_time), plain(spectrum.exposure)]
    if not model.fitted:
        return [*names, "no fit (NOFIT)", *[NONE] * 7, *times]
    galactic = None if model.galactic_nh is None else model.galactic_nh / NH_SCALE
    return [
        *names,
        measured(model.gamma),
        measured(model.kt),
        measured(model.nh, NH_SCALE),
        measured(model.observed_flux, FLUX_SCALE),
        measured(model.unabsorbed_flux, FLUX_SCALE),
        NONE if model.cstat is None else f"{plain(model.cstat)} / {plain(model.dof)}",
        plain(model.fit_chi),
        plain(galactic, ".3g"),
        *times,
    ]


def _with_values(head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Leave out the columns that hold nothing in any row."""
    kept = [n for n in range(len(head)) if any(row[n] not in {"", NONE} for row in rows)]
    return [head[n] for n in kept], [[row[n] for n in kept] for row in rows]


def source_section(look: QuickLook, rows: int | None) -> str:
    """Return the table of detected sources, `rows` long at most; empty where there is none."""
    if look.source_list is None or not len(look.source_list):
        return ""
    found = [(band, source) for band, sources in look.source_list.bands.items() for source in sources]
    shown = found[: min(rows or SHORTLIST, SHORTLIST)]
    head = ("Band", "No.", "RA (deg)", "Dec (deg)", "90 % radius (arcsec)", "Counts")
    body = [
        [
            cell(band),
            NONE if source.number is None else f"{source.number}",
            f"{source.ra:.5f}",
            f"{source.dec:+.5f}",
            plain(source.err90, ".1f"),
            cell(str(source.values.get("C", NONE))),
        ]
        for band, source in shown
    ]
    return f"## Sources\n\n{table(head, body)}\n{_cut(len(shown), len(found), 'sources', 'results.json')}\n"


def _cut(shown: int, there: int, things: str, file: str) -> str:
    return "" if shown == there else f"**Only the first {shown} of {there} {things} are shown; `{file}` has them all.**"

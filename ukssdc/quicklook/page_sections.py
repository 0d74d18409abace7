"""The parts of the page: what was found, in a line each; positions, fits and sources as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ukssdc.markdown import escape, table
from ukssdc.quicklook.quick_look import QuickLook
from ukssdc.results import ModeSpectrum, Position, SpectralFit, SpectralFits, SpectrumSlice
from ukssdc.results.formatting import NO_VALUE, format_count, format_fit_parameter, format_number
from ukssdc.sexagesimal import sexagesimal
from ukssdc.sky import offset
from ukssdc.status import Product

MAX_TEXT_LENGTH = 300  # characters of a text of the service's
MAX_NAMED_FITS = 5  # failed fits that are named; more are counted
MAX_SOURCES = 20  # sources that are listed
FLUX_SCALE, NH_SCALE = 1e-12, 1e22
Fit = tuple[SpectrumSlice, ModeSpectrum, SpectralFit]
Rows = Sequence[Sequence[str]]


def safe(text: str) -> str:
    """Return a text of the service's as a line of Markdown, not too long."""
    return escape(text, MAX_TEXT_LENGTH)


def findings(look: QuickLook) -> list[str]:
    """Return a line of Markdown per product: what was found, or why nothing was."""
    lines = []
    for product in look.job.products:
        problem = look.problems.get(product)
        text = f"**{safe(problem)}**" if problem else "; ".join(_finding(look, product))
        lines.append(f"{product.label.capitalize()}: {text}")
    return lines


def _finding(look: QuickLook, product: Product) -> list[str]:
    if product in look.positions:
        return [_position_text(look.positions[product])]
    match product:
        case Product.LightCurve:
            return [_light_curve_text(look)]
        case Product.Spectrum if look.spectral_fits is not None:
            return list(_fit_texts(look.spectral_fits))
        case Product.SourceDet if look.source_list is not None:
            bands = look.source_list.bands.items()
            return [", ".join(f"{format_count(len(s), 'source')} in the band {safe(band)}" for band, s in bands)]
        case _:
            return ["in its archive"]


def _position_text(position: Position) -> str:
    if position.ra is None or position.dec is None:
        return f"**no position: {safe(position.reason or 'the service does not say why')}**"
    ra, dec = sexagesimal(position.ra, position.dec)
    return f"RA {ra}, Dec {dec} (J2000), error radius {format_number(position.err90, '.1f')} arcsec (90 %)"


def _light_curve_text(look: QuickLook) -> str:
    curve = look.light_curve
    if curve is None:
        return "in its archive"
    if not any(len(dataset) for dataset in (*curve.detections, *curve.upper_limits)):
        return "**empty: the service could not make a single bin**"
    detected = [f"{format_count(len(d), 'bin')} in {safe(d.mode)}" for d in curve.detections if len(d)]
    limits = [f"{format_count(len(d), 'upper limit')} in {safe(d.mode)}" for d in curve.upper_limits if len(d)]
    return ", ".join([*(detected or ["no detection"]), *limits])


def _fit_texts(fits: SpectralFits) -> Iterator[str]:
    if not fits.slices:
        yield "**there is no spectrum**"
        return
    best = next((fit for fit in fits.fits if fit[2].gamma), None)
    if best:
        yield f"photon index {format_fit_parameter(best[2].gamma)} ({_fit_name(best)})"
    fitted = sum(fit.fitted for _, _, fit in fits.fits)
    yield f"{format_count(fitted, 'fit')} in {format_count(len(fits.slices), 'time slice')}"
    empty = [safe(time_slice.name) for time_slice in fits.slices.values() if not time_slice.modes]
    unfitted = [
        f"{safe(spectrum.mode)}, {safe(time_slice.name)}"
        for time_slice in fits.slices.values()
        for spectrum in time_slice.modes.values()
        if not spectrum.models
    ]
    failed = [_fit_name(fit) for fit in fits.fits if not fit[2].fitted]
    yield from _listed("no spectrum could be made in", empty)
    yield from _listed("no fit (NOFIT, or none asked for) to", unfitted)
    yield from _listed("the automatic fit failed (NOFIT) for", failed)


def _listed(problem: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        rest = f" and {len(names) - MAX_NAMED_FITS} more" if len(names) > MAX_NAMED_FITS else ""
        yield f"**{problem} {'; '.join(names[:MAX_NAMED_FITS])}{rest}**"


def _fit_name(fit: Fit) -> str:
    return f"{safe(fit[2].model)}, {safe(fit[1].mode)}, {safe(fit[0].name)}"


def position_section(look: QuickLook) -> str:
    """Return the table of positions; empty where there is none."""
    if not look.positions:
        return ""
    head = ("Position", "RA (deg)", "Dec (deg)", "RA, Dec (J2000)", "Radius (arcsec)", "Offset (arcsec)", "Remark")
    rows = [[product.label, *_position_cells(look, position)] for product, position in look.positions.items()]
    found = any(position.found for position in look.positions.values())
    note = "\nRadius: 90 % confidence. Offset: from the requested position.\n" if found else ""
    return f"## Table of positions\n\n{_table_of_values(head, rows)}{note}"


def _position_cells(look: QuickLook, position: Position) -> list[str]:
    if position.ra is None or position.dec is None:
        return [NO_VALUE] * 5 + [f"no position: {position.reason or ''}"]
    distance = NO_VALUE
    if look.requested:
        east, north = offset(position.ra, position.dec, look.requested)
        distance = f"{(east**2 + north**2) ** 0.5:.1f}"
    remark = f"from {position.which_sxps or 'SXPS'}" if position.from_sxps else ""
    place = ", ".join(sexagesimal(position.ra, position.dec))
    radius = format_number(position.err90, ".1f")
    return [f"{position.ra:.5f}", f"{position.dec:+.5f}", place, radius, distance, remark]


def fit_section(look: QuickLook, max_rows: int | None) -> str:
    """Return the table of fits; empty where there is none."""
    fits = look.spectral_fits
    if fits is None or not fits.fits:
        return ""
    shown = fits.fits[:max_rows]
    level = fits.confidence
    confidence = f"{100 * level:.0f} % confidence" if level else "as the request's deltaFitStat says"
    notes = [
        f"Errors: {confidence}.",
        "Fluxes: 10⁻¹² erg cm⁻² s⁻¹, 0.3 to 10 keV. Times: s since T0.",
        f"Galactic NH, not fitted: {fits.galactic_nh_unfitted / NH_SCALE:.3g} · 10²² cm⁻²."
        if fits.galactic_nh_unfitted
        else "",
        _rows_left_out(len(shown), len(fits.fits), "fits"),
    ]
    # The UI has room for seven columns: the most important ones come first.
    head = ["Slice", "Mode", "Model", "Photon index", "kT (keV)", "NH (10²² cm⁻²)", "Observed flux", "Unabsorbed flux"]
    head += ["C-stat / dof", "χ²", "Galactic NH (10²² cm⁻²)", "Mean time (s)", "Exposure (s)"]
    rows = [_fit_cells(fit) for fit in shown]
    return f"## Spectral fits\n\n{_table_of_values(head, rows)}\n{' '.join(note for note in notes if note)}\n"


def _fit_cells(fit: Fit) -> list[str]:
    time_slice, spectrum, model = fit
    names = [time_slice.name, spectrum.mode, model.model]
    times = [format_number(spectrum.mean_time), format_number(spectrum.exposure)]
    if not model.fitted:
        return [*names, "no fit (NOFIT)", *[NO_VALUE] * 7, *times]
    galactic = None if model.galactic_nh is None else model.galactic_nh / NH_SCALE
    return [
        *names,
        format_fit_parameter(model.gamma),
        format_fit_parameter(model.kt),
        format_fit_parameter(model.nh, NH_SCALE),
        format_fit_parameter(model.observed_flux, FLUX_SCALE),
        format_fit_parameter(model.unabsorbed_flux, FLUX_SCALE),
        NO_VALUE if model.cstat is None else f"{format_number(model.cstat)} / {format_number(model.dof)}",
        format_number(model.fit_chi),
        format_number(galactic, ".3g"),
        *times,
    ]


def source_section(look: QuickLook, max_rows: int | None) -> str:
    """Return the table of detected sources; empty where there is none."""
    if look.source_list is None or not len(look.source_list):
        return ""
    found = [(band, source) for band, sources in look.source_list.bands.items() for source in sources]
    shown = found[: min(max_rows or MAX_SOURCES, MAX_SOURCES)]
    head = ("Band", "No.", "RA (deg)", "Dec (deg)", "90 % radius (arcsec)", "Counts")
    rows = [
        [
            band,
            NO_VALUE if source.number is None else f"{source.number}",
            f"{source.ra:.5f}",
            f"{source.dec:+.5f}",
            format_number(source.err90, ".1f"),
            str(source.values.get("C", NO_VALUE)),
        ]
        for band, source in shown
    ]
    return f"## Sources\n\n{table(head, rows, MAX_TEXT_LENGTH)}\n{_rows_left_out(len(shown), len(found), 'sources')}\n"


def _table_of_values(head: Sequence[str], rows: Rows) -> str:
    """Return a table without the columns that hold nothing in any row."""
    kept = [n for n in range(len(head)) if any(row[n] not in {"", NO_VALUE} for row in rows)]
    return table([head[n] for n in kept], [[row[n] for n in kept] for row in rows], MAX_TEXT_LENGTH)


def _rows_left_out(shown: int, total: int, noun: str) -> str:
    if shown == total:
        return ""
    return f"**Only the first {shown} of {total} {noun} are shown; `results.json` has them all.**"

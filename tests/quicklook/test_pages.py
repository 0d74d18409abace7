"""The page: findings in words, tables with errors and units, and a size that the UI can take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from looks import FIT, RATES, dataset, fits, full_look, job, light_curve, look, positions, sources
from markdown_it import MarkdownIt

from ukssdc import Product
from ukssdc.quicklook import QuickLook, artifact_page, page, write_files
from ukssdc.results import FitParameter, Position, SourceList, SpectralFits
from ukssdc.results.formatting import format_fit_parameter
from ukssdc.sexagesimal import sexagesimal
from ukssdc.sky import offset

PICTURE = {"lightcurve.png": b"\x89PNG" + bytes(60_000), "position.png": b"\x89PNG" + bytes(60_000)}


def finding(shown: QuickLook, product: Product) -> str:
    """Return the line of the page that says what there is of a product."""
    (line,) = [line for line in page(shown, {}).splitlines() if line.startswith(f"- {product.label.capitalize()}: ")]
    return line.partition(": ")[2]


def artifact(shown: QuickLook, pictures: dict[str, bytes] | None = None) -> str:
    return artifact_page(shown, PICTURE if pictures is None else pictures, (), "/data/951")


@pytest.mark.parametrize(
    ("parameter", "scale", "text"),
    [
        (FitParameter(value=1.857, pos=0.123, neg=-0.112), 1.0, "1.86 (+0.12, -0.11)"),
        (FitParameter(value=1.23e21, pos=1.2e20, neg=-1.1e20), 1e22, "0.123 (+0.012, -0.011)"),
        (FitParameter(value=453.0, pos=122.0, neg=-119.0), 1.0, "453 (+122, -119)"),
        (FitParameter(value=2.0, pos=0.5), 1.0, "2.00 (+0.50, -?)"),
        (FitParameter(value=2.0), 1.0, "2 (no errors)"),
        (FitParameter(value=2.0, pos=0.0, neg=0.0), 1.0, "2 (no errors)"),
        (FitParameter(value=1e-9, pos=1e-10, neg=-1e-10), 1.0, "1e-09 (+1e-10, -1e-10)"),
        (FitParameter(value=1e300, pos=1.0, neg=-1.0), 1.0, "1e+300 (+1, -1)"),
    ],
)
def test_fitted_value_is_written_with_its_errors(parameter: FitParameter, scale: float, text: str) -> None:
    assert format_fit_parameter(parameter, scale) == text


@pytest.mark.parametrize(
    ("ra", "dec", "text"),
    [
        (335.6985, -7.5179, ("22 22 47.64", "-07 31 04.4")),
        (359.9999999, -0.0000001, ("00 00 00.00", "-00 00 00.0")),
        (0.0, 89.9999999, ("00 00 00.00", "+90 00 00.0")),
    ],
)
def test_coordinates_are_written_as_astronomers_do(ra: float, dec: float, text: tuple[str, str]) -> None:
    assert sexagesimal(ra, dec) == text


def test_offset_across_the_meridian_is_small() -> None:
    assert offset(0.0005, 0.0, (359.9995, 0.0)) == pytest.approx((3.6, 0.0), abs=1e-6)


def test_text_of_the_service_cannot_become_a_picture_or_a_tag() -> None:
    hostile = "a|b\n<img src=x> ![x](https://evil.example.org) `c` &copy;"
    unplaced = positions() | {Product.EnhancedPos: Position(reason=hostile)}
    time_slice = {"Modes": ["PC"], "PC": {"Models": ["PowerLaw"], "PowerLaw": FIT}}
    named = SpectralFits.from_wire({"rnames": [hostile], hostile: time_slice})
    shown = full_look(
        job=job(name=hostile),
        positions=unplaced,
        spectral_fits=named,
        source_list=SourceList.from_wire({hostile: [{"ra": "1", "dec": "2", "C": hostile}]}),
        problems={Product.LightCurve: hostile},
    )

    parsed = MarkdownIt("commonmark").enable("table").parse(page(shown, {}, [hostile]))

    tokens = [token for block in parsed for token in (block, *(block.children or ()))]
    assert {token.type for token in tokens} & {"html_block", "html_inline", "image"} == set()
    assert [token.attrs["href"] for token in tokens if token.type == "link_open"] == [shown.job.url]
    assert [token.content for token in tokens if token.type == "code_inline"] == []
    shown_text = "".join(token.content for token in tokens if token.type == "text")
    assert shown_text.count("a|b <img src=x> ![x](https://evil.example.org) `c` &copy;") == 10


def test_fit_table_has_errors_and_units() -> None:
    text = page(full_look(), {})

    assert "NH (10²² cm⁻²)" in text
    assert "| 1.86 (+0.12, -0.11) | 0.123 (+0.012, -0.011) | 3.10 (+0.22, -0.20) | 4.00 (+0.30, -0.28) |" in text
    assert "Errors: 90 % confidence. Fluxes: 10⁻¹² erg cm⁻² s⁻¹, 0.3 to 10 keV." in text


def test_temperature_has_a_column_where_there_is_one() -> None:
    hot = fits(fit=FIT | {"KT": "1.5", "KTPos": "0.2", "KTNeg": "-0.2"})

    assert "kT (keV)" in page(full_look(spectral_fits=hot), {})
    assert "kT (keV)" not in page(full_look(), {})


def test_column_without_a_value_is_left_out() -> None:
    free = {key: value for key, value in FIT.items() if key != "GalacticNH"}

    assert "Galactic NH (10²² cm⁻²)" in page(full_look(), {})
    assert "Galactic NH (10²² cm⁻²)" not in page(full_look(spectral_fits=fits(fit=free)), {})


def test_offset_is_left_out_where_no_position_was_requested() -> None:
    assert "| Offset (arcsec) |" in page(full_look(), {})
    assert "| Offset (arcsec) |" not in page(full_look(job=job(RA=None)), {})


def test_table_of_positions_not_found_holds_the_reasons_alone() -> None:
    shown = full_look(positions={Product.EnhancedPos: Position(reason="No UVOT data")})

    section = page(shown, {}).split("## Table of positions\n\n")[1].split("\n\n")[0]
    assert section.splitlines() == [
        "| Position | Remark |",
        "| --- | --- |",
        "| enhanced position | no position: No UVOT data |",
    ]


@pytest.mark.parametrize("model", [FIT, FIT | {"KT": "1.5"}, "NOFIT"], ids=["power law", "hot", "NOFIT"])
def test_rows_are_as_long_as_the_head(model: Any) -> None:
    shown = full_look(spectral_fits=fits(2, ("WT", "PC"), model), source_list=sources(30))

    section = page(shown, {}).split("## Spectral fits")[1].split("## Sources")[0]
    widths = [line.count(" | ") for line in section.splitlines() if line.startswith("|")]
    assert len(widths) == 6  # head, rule, two slices in two modes
    assert len(set(widths)) == 1


def test_best_photon_index_is_at_the_top() -> None:
    assert finding(full_look(), Product.Spectrum).startswith(
        "photon index 1.86 (+0.12, -0.11) (PowerLaw, PC, interval0)"
    )


def test_light_curve_is_counted_by_mode() -> None:
    assert finding(full_look(), Product.LightCurve) == "4 bins in WT, 4 bins in PC, 1 upper limit in PC"


def test_position_has_its_radius() -> None:
    assert finding(full_look(), Product.EnhancedPos) == (
        "RA 22 22 47.59, Dec -07 31 03.7 (J2000), error radius 1.7 arcsec (90 %)"
    )


def test_position_that_was_not_found_is_said_with_its_reason() -> None:
    shown = full_look(positions=positions() | {Product.EnhancedPos: Position(reason="No UVOT <b>data</b>")})

    assert finding(shown, Product.EnhancedPos) == "**no position: No UVOT &lt;b>data&lt;/b>**"


def test_empty_light_curve_is_said() -> None:
    shown = look(job=job(Product.LightCurve), light_curve=light_curve(PC=dataset(RATES)))

    assert finding(shown, Product.LightCurve) == "**empty: the service could not make a single bin**"


def test_light_curve_of_upper_limits_alone_is_said() -> None:
    curve = light_curve(PCUL=dataset(RATES, (1000.0, 10.0, -10.0, 0.5, 0.0, 0.0)))

    assert finding(look(light_curve=curve), Product.LightCurve) == "no detection, 1 upper limit in PC"


def test_failed_fit_is_said_at_the_top_and_in_the_table() -> None:
    shown = full_look(spectral_fits=fits(fit="NOFIT"))

    assert "**the automatic fit failed (NOFIT) for PowerLaw, PC, interval0**" in finding(shown, Product.Spectrum)
    assert "| interval0 | PC | PowerLaw | no fit (NOFIT) | 5000 | 2500 |" in page(shown, {})


def test_many_failed_fits_are_counted() -> None:
    line = finding(full_look(spectral_fits=fits(300, fit="NOFIT")), Product.Spectrum)

    assert "interval4 and 295 more" in line
    assert len(line) < 500


def test_slice_without_spectrum_is_said() -> None:
    shown = full_look(spectral_fits=fits(2, interval1={"NOSPEC": 1}))

    assert "**no spectrum could be made in interval1**" in finding(shown, Product.Spectrum)


def test_spectrum_without_a_fit_is_said() -> None:
    unfitted = {"Start": "1", "Stop": "2", "Modes": ["WT"], "WT": {"NOFIT": 1}}

    line = finding(full_look(spectral_fits=fits(1, interval0=unfitted)), Product.Spectrum)

    assert "to WT, interval0**" in line


def test_no_spectrum_at_all_is_said() -> None:
    shown = full_look(spectral_fits=SpectralFits.from_wire({"NoSpectrum": 1}))

    assert finding(shown, Product.Spectrum) == "**there is no spectrum**"


def test_product_that_failed_is_said_in_its_own_words() -> None:
    shown = full_look(light_curve=None, problems={Product.LightCurve: "failed: no data (code -3)"})

    assert finding(shown, Product.LightCurve) == "**failed: no data (code -3)**"


def test_every_product_has_its_line() -> None:
    lines = page(look(), {}).splitlines()

    assert [line for line in lines if line.startswith("- Image: ")] == ["- Image: in its archive"]
    assert sum(line.startswith("- ") for line in lines) == len(Product)


def test_pictures_are_inside_the_artifact() -> None:
    text = artifact(full_look())

    assert text.count("](data:image/png;base64,iVBOR") == 2


def test_artifact_says_where_the_files_are() -> None:
    assert "Files: `/data/951`" in artifact(full_look())


def test_long_table_is_cut_in_the_artifact_and_that_is_said() -> None:
    text = artifact(full_look(spectral_fits=fits(300)))

    assert "Only the first 100 of 300 fits are shown; `results.json` has them all." in text
    assert "interval99 |" in text
    assert "interval100 |" not in text


def test_table_on_disk_is_not_cut() -> None:
    assert "interval299 |" in page(full_look(spectral_fits=fits(300)), {})


def test_sources_beyond_the_brightest_are_cut_and_that_is_said() -> None:
    assert "Only the first 20 of 30 sources are shown" in page(full_look(source_list=sources(30)), {})


def test_three_hundred_spectra_fit_into_an_artifact(tmp_path: Path) -> None:
    shown = full_look(spectral_fits=fits(300, ("WT", "PC")))

    files = write_files(shown, tmp_path)
    text = artifact_page(shown, files.pictures, files.notes, str(tmp_path))

    assert len(text.encode()) < 1_000_000
    assert text.count("data:image/png") == 2


def test_pictures_go_where_the_artifact_would_be_too_large() -> None:
    text = artifact(full_look(), {"lightcurve.png": bytes(900_000)})

    assert len(text.encode()) < 1_000_000
    assert "the page was too large" in text


def test_endless_text_of_the_service_does_not_make_an_endless_page() -> None:
    shown = full_look(problems=dict.fromkeys(Product, "no " * 1_000_000))

    assert len(artifact(shown, {}).encode()) < 20_000

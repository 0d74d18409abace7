"""Results draw themselves into axes that are given, and into new ones otherwise; the quick look uses them."""

from __future__ import annotations

from pathlib import Path

import emulated_results
import matplotlib as mpl
import pytest
from emulated_slices import unpack_slices
from looks import RATES, RATIOS, afterglow, dataset, full_look, job, light_curve, look, persistent, positions
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ukssdc import Product
from ukssdc.quicklook import write_files
from ukssdc.quicklook.plots import light_curve_figure
from ukssdc.results import LightCurveData, Position, SpectralFits

BURST_LIKE = ["GRB 200416A", "grb200416A", " GRB 200416A", "XRF 060218"]
OTHERS = ["M82", "Holmberg II X-1", "AGN GRB-like"]


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


def in_seconds(*rates: float) -> LightCurveData:
    rows = [(100.0 * 30.0**n, 50.0, -50.0, rate, 0.1 * rate, -0.1 * rate) for n, rate in enumerate(rates)]
    return light_curve(PC=dataset(RATES, *rows))


def panel(curve: LightCurveData, name: str) -> Axes:
    figure = light_curve_figure(look(job=job(name=name), light_curve=curve))
    assert figure is not None
    return figure.axes[0]


def test_a_light_curve_draws_into_the_axes_that_it_is_given(axes: Axes) -> None:
    assert afterglow().plot(axes) is axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["WT", "PC", "PC upper limit (3 sigma)"]  # type: ignore[union-attr]


def test_a_hardness_ratio_draws_itself(axes: Axes) -> None:
    curve = afterglow().of_job({})

    assert curve.plot_hardness_ratio(axes) is axes
    assert axes.get_xscale() == "log"
    assert axes.get_ylabel() == "Hardness ratio\n(1.5-10 keV\n/ 0.3-1.5 keV)"
    assert afterglow().plot_hardness_ratio(Figure().subplots()).get_ylabel() == "Hardness ratio\n(hard/soft)"


def test_positions_share_axes_by_a_common_centre(axes: Axes) -> None:
    for product, position in positions().items():
        assert position.plot(axes, centre=(335.6985, -7.5179), label=product.label) is axes

    left, right = axes.get_xlim()
    assert left > right
    assert axes.get_legend_handles_labels()[1] == [
        "standard position, 3.5 arcsec (90 %)",
        "enhanced position, 1.7 arcsec (90 %)",
        "astrometric position, 2.4 arcsec (90 %)",
    ]


def test_a_position_alone_is_the_origin(axes: Axes) -> None:
    positions()[Product.StandardPos].plot(axes)

    assert axes.patches[0].center == (0.0, 0.0)  # type: ignore[attr-defined]


def test_spectra_are_drawn_in_ct_per_s_and_kev_in_the_colours_of_their_modes(axes: Axes, tmp_path: Path) -> None:
    fits = emulated_results.fits()

    assert fits.plot(unpack_slices(tmp_path), axes) is axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Energy (keV)", "Count rate (ct/s/keV)")
    colours = {str(bar.get_label()).split(", ")[1]: bar[0].get_color() for bar in axes.containers}
    assert colours == {"WT": "#1f5fbf", "PC": "#c62828"}


def test_the_drawn_counts_are_those_of_the_file_without_the_background(axes: Axes, tmp_path: Path) -> None:
    fits = emulated_results.fits().with_files(unpack_slices(tmp_path))
    expected = fits["interval0"].modes["PC"].rate

    (bar,) = [bar for bar in fits.plot(tmp_path, axes).containers if ", PC" in str(bar.get_label())]
    (low, high) = zip(*[segment[:, 0] for segment in bar[2][0].get_segments()], strict=True)
    rate = sum(density * (b - a) for density, a, b in zip(bar[0].get_ydata(), low, high, strict=True))
    assert rate == pytest.approx(expected, rel=0.05)  # the last bin may have too few counts


@pytest.mark.parametrize("content", [None, b"no FITS"])
def test_spectra_without_files_are_an_error_that_says_what_to_do(content: bytes | None, tmp_path: Path) -> None:
    if content:
        (tmp_path / "interval0pc.pi").write_bytes(content)

    with pytest.raises(ValueError, match="extract=True"):
        emulated_results.fits().plot(tmp_path)


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="no bin"):
        light_curve(PC=dataset(RATES)).plot()
    with pytest.raises(ValueError, match="no hardness ratio"):
        persistent().plot_hardness_ratio()
    with pytest.raises(ValueError, match="too faint"):
        Position(reason="too faint").plot()


def test_without_axes_a_new_figure_of_pyplot_is_made() -> None:
    mpl.use("agg")

    axes = afterglow().plot()

    assert plt.gcf() is axes.figure
    plt.close("all")


@pytest.mark.parametrize("name", BURST_LIKE)
def test_a_burst_is_drawn_against_the_time_since_the_trigger(name: str) -> None:
    axes = panel(in_seconds(5.0, 1.0, 0.1), name)

    assert axes.get_xscale() == "log"
    assert "T0 = MET" in axes.get_xlabel()


@pytest.mark.parametrize("name", OTHERS)
def test_anything_else_is_drawn_against_a_linear_mjd(name: str) -> None:
    axes = panel(in_seconds(0.5, 0.4, 0.6, 0.5), name)

    assert (axes.get_xscale(), axes.get_yscale(), axes.get_xlabel()) == ("linear", "linear", "MJD (UTC)")
    assert axes.containers[0][0].get_xdata()[0] == pytest.approx(58955.2956 + 100 / 86400, abs=1e-4)


def test_three_bins_get_no_logarithmic_axis_however_different() -> None:
    axes = panel(in_seconds(0.5, 50.0, 0.05), "M82")

    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "linear")


def test_a_few_bins_that_stand_out_of_many_make_no_logarithmic_axis() -> None:
    rows = [(57400.0 + n, 0.01, -0.01, 0.5, 0.1, -0.1) for n in range(40)]
    rows[7] = (57407.0, 0.01, -0.01, 50.0, 5.0, -5.0)

    assert panel(light_curve("MJD", PC=dataset(RATES, *rows)), "M82").get_yscale() == "linear"


def test_times_in_mjd_keep_their_errors_in_days() -> None:
    curve = light_curve(
        PC=dataset(RATES, (86400.0, 864.0, -8640.0, 1.0, 0.1, -0.1)),
        PCHR=dataset(RATIOS, (86400.0, 1.0, -1.0, 1.0, 0.1)),
    ).in_mjd()

    assert curve["PC"].time[0] == pytest.approx(58955.2955666 + 1, abs=1e-6)
    assert (curve["PC"].time_pos, curve["PC"].time_neg) == ((0.01,), (-0.1,))
    assert (curve.time_unit, curve["PCHR"].time_unit) == ("d", "d")
    with pytest.raises(ValueError, match="no seconds"):
        curve.in_mjd()


def test_the_quick_look_shows_spectra_whose_archive_is_unpacked(tmp_path: Path) -> None:
    unpack_slices(tmp_path / "spec")

    files = write_files(full_look(spectral_fits=emulated_results.fits()), tmp_path)

    assert files.notes == ()
    assert (tmp_path / "spectrum.png").read_bytes() == files.pictures["spectrum.png"]
    assert "![Spectra](spectrum.png)" in (tmp_path / "quicklook.md").read_text()


def test_no_spectrum_no_picture(tmp_path: Path) -> None:
    (tmp_path / "spec").mkdir()

    assert "spectrum.png" not in write_files(look(spectral_fits=SpectralFits(slices={})), tmp_path).pictures
    assert "spectrum.png" not in write_files(full_look(), tmp_path).pictures

"""The pictures, on fixed data: as a whole against reference images, and part by part.

Tolerance: root mean square of the differences of all pixels, in grey levels of 256. Two runs with the pinned matplotlib
differ by 0; one arrow less makes 1. With another matplotlib, make new references, and look at them:
`pytest tests/quicklook/test_plots.py --mpl-generate-path=tests/quicklook/baseline`.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import emulated_results
import numpy as np
import pytest
from emulated_slices import unpack_slices
from looks import RATES, RATIOS, afterglow, dataset, job, light_curve, look, persistent, positions
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.markers import CARETDOWNBASE
from matplotlib.patches import Circle

from ukssdc import Product
from ukssdc.quicklook.plots import MAX_SIZE, as_png, light_curve_figure, position_figure, spectrum_figure
from ukssdc.results import LightCurveData, Position

TOLERANCE = 0.5
T0_LABEL = "Time since T0 (s); T0 = MET 608713541.952 s (≈ 2020-04-16 07:05 UTC)"
compared = pytest.mark.mpl_image_compare(
    tolerance=TOLERANCE, baseline_dir="baseline", style="default", savefig_kwargs={"dpi": 80}
)


@compared
def test_afterglow_looks_as_it_did() -> Figure:
    return drawn(afterglow())


@compared
def test_persistent_source_looks_as_it_did() -> Figure:
    return drawn(persistent())


@compared
def test_positions_look_as_they_did() -> Figure:
    return position_picture(positions())


@compared
def test_persistent_source_in_seconds_looks_as_it_did() -> Figure:
    return persistent_in_seconds()


@compared
def test_spectra_look_as_they_did(tmp_path: Path) -> Figure:
    figure = spectrum_figure(look(spectral_fits=emulated_results.fits()), unpack_slices(tmp_path))
    assert figure is not None
    return figure


def drawn(curve: LightCurveData) -> Figure:
    figure = light_curve_figure(look(light_curve=curve))
    assert figure is not None
    return figure


def position_picture(found: dict[Product, Position]) -> Figure:
    figure = position_figure(look(positions=found))
    assert figure is not None
    return figure


def persistent_in_seconds() -> Figure:
    """Draw a source that is no burst, whose times came in s since T0."""
    rows = [(100.0 + 40_000 * n, 500.0, -500.0, 0.4 + 0.05 * (n % 4), 0.05, -0.04) for n in range(9)]
    ratios = [(100.0 + 40_000 * n, 500.0, -500.0, 0.8, 0.2) for n in range(9)]
    curve = light_curve(PC=dataset(RATES, *rows), PCHR=dataset(RATIOS, *ratios))
    figure = light_curve_figure(look(job=job(name="M82"), light_curve=curve))
    assert figure is not None
    return figure


def main_panel(figure: Figure) -> Axes:
    return figure.axes[0]


def legend(axes: Axes) -> list[str]:
    shown = axes.get_legend()
    return [text.get_text() for text in shown.get_texts()] if shown else axes.get_legend_handles_labels()[1]


def test_seconds_are_drawn_with_two_logarithmic_axes() -> None:
    panel = main_panel(drawn(afterglow()))

    assert (panel.get_xscale(), panel.get_yscale()) == ("log", "log")


def test_mjd_is_drawn_with_a_linear_time_axis() -> None:
    panel = main_panel(drawn(persistent()))

    assert panel.get_xscale() == "linear"


def test_bin_that_begins_before_t0_makes_the_time_axis_linear() -> None:
    curve = light_curve(PC=dataset(RATES, (10.0, 20.0, -20.0, 1.0, 0.1, -0.1)))

    assert main_panel(drawn(curve)).get_xscale() == "linear"


def since_2001(step: float) -> LightCurveData:
    """Return a light curve without T0: its times are MET."""
    rows = [(6.087e8 + step * n, step / 10, -step / 10, 0.5, 0.1, -0.1) for n in range(5)]
    curve = light_curve(PC=dataset(RATES, *rows))
    return curve.model_copy(update={"t0": None})


def test_times_that_hardly_differ_in_size_are_drawn_with_a_linear_axis() -> None:
    assert main_panel(drawn(since_2001(1e5))).get_xscale() == "linear"


@pytest.mark.parametrize("step", [0.25, 12.0, 1e5, 3e6])
def test_labels_of_a_linear_time_axis_are_whole_times_that_do_not_overlap(step: float) -> None:
    figure = drawn(since_2001(step))

    figure.canvas.draw()
    axis = main_panel(figure).xaxis
    left, right = main_panel(figure).get_xlim()
    labels = {label.get_position()[0]: label for label in axis.get_ticklabels()}
    shown = {place: label for place, label in labels.items() if left <= place <= right}
    assert axis.get_offset_text().get_text() == ""
    assert [float(label.get_text()) for label in shown.values()] == pytest.approx(list(shown), rel=0, abs=1e-3)
    boxes = [label.get_window_extent() for label in shown.values()]
    assert len(boxes) >= 3
    assert all(one.x1 + 3 < next_one.x0 for one, next_one in pairwise(boxes))


def test_rates_below_zero_make_the_rate_axis_linear_where_they_are_many() -> None:
    rows = [(1000.0 * n, 2.0, -2.0, 0.01 * (-1) ** n, 0.02, -0.02) for n in range(1, 9)]
    panel = main_panel(drawn(light_curve(PC=dataset(RATES, *rows))))

    assert panel.get_yscale() == "linear"
    assert [rate for _, rate in panel.containers[0][0].get_xydata()] == [row[3] for row in rows]


def faded(*late: tuple[float, ...], **more: Any) -> LightCurveData:
    """Return an afterglow that falls from 100 to 0.01 ct/s, and bins after that."""
    rows = [(10.0**n, 1.0, -1.0, 10.0 ** (4 - n), 10.0 ** (3 - n), -(10.0 ** (3 - n))) for n in range(2, 7)]
    return light_curve(PC=dataset(RATES, *rows, *late), **more)


@pytest.mark.parametrize("rate", [0.0, -0.001])
def test_one_rate_that_is_not_positive_leaves_the_rate_axis_logarithmic_and_is_counted(rate: float) -> None:
    panel = main_panel(drawn(faded((2e6, 1.0, -1.0, rate, 0.002, -0.002))))

    times = [time for time, _ in panel.containers[0][0].get_xydata()]
    assert panel.get_yscale() == "log"
    assert times == [1e2, 1e3, 1e4, 1e5, 1e6]
    assert "1 bin at or below 0 not shown" in legend(panel)


def test_upper_limit_of_0_leaves_the_rate_axis_logarithmic_and_is_counted() -> None:
    limits = dataset(RATES, (2e6, 1.0, -1.0, 0.0, 0.0, 0.0), (3e6, 1.0, -1.0, 0.0, 0.0, 0.0))
    panel = main_panel(drawn(faded(PCUL=limits)))

    assert panel.get_yscale() == "log"
    assert "2 bins at or below 0 not shown" in legend(panel)


def test_error_bar_that_reaches_nearly_zero_does_not_stretch_a_logarithmic_rate_axis() -> None:
    low, high = main_panel(drawn(faded((2e6, 1.0, -1.0, 0.01, 0.001, -0.0099999999)))).get_ylim()

    assert low > 0.001  # the faintest bin is at 0.01 ct/s, the brightest at 100 +- 10
    assert high < 300


def test_outburst_in_mjd_keeps_its_logarithmic_rate_axis_with_one_rate_below_zero() -> None:
    rows = [(57400.0 + n, 0.01, -0.01, 10.0**-n, 0.1 * 10.0**-n, -0.1 * 10.0**-n) for n in range(4)]
    curve = light_curve("MJD", PC=dataset(RATES, *rows, (57405.0, 0.01, -0.01, -0.001, 0.002, -0.002)))

    assert main_panel(drawn(curve)).get_yscale() == "log"


def test_axes_carry_units_and_zero_point() -> None:
    figure = drawn(afterglow())

    assert main_panel(figure).get_ylabel() == "Count rate (ct/s, 0.3-10 keV)"
    assert figure.axes[-1].get_xlabel() == T0_LABEL


def test_time_axis_in_days_says_mjd() -> None:
    assert main_panel(drawn(persistent())).get_xlabel() == "MJD (UTC)"


def test_times_are_what_was_requested_where_the_answer_does_not_say() -> None:
    rows = ((57400.0 + 30 * n, 0.01, -0.01, 0.4, 0.05, -0.04) for n in range(12))
    curve = light_curve(None, PC=dataset(RATES, *rows))
    days = light_curve_figure(look(job=job(lctimetype="m"), light_curve=curve))
    seconds = light_curve_figure(look(job=job(lctimetype="s"), light_curve=curve))

    assert days is not None
    assert seconds is not None
    assert (main_panel(days).get_xlabel(), main_panel(days).get_yscale()) == ("MJD (UTC)", "linear")
    assert main_panel(seconds).get_xlabel() == T0_LABEL


def test_energy_band_is_that_of_the_request() -> None:
    figure = light_curve_figure(look(job=job(minen="0.5", maxen="2"), light_curve=afterglow()))

    assert figure is not None
    assert "0.5-2 keV" in main_panel(figure).get_ylabel()


def test_modes_have_different_colours() -> None:
    containers = main_panel(drawn(afterglow())).containers

    colours = {str(bar.get_label()): bar[0].get_color() for bar in containers[:2]}
    assert set(colours) == {"WT", "PC"}
    assert colours["WT"] != colours["PC"]


def test_upper_limits_are_apart_from_detections() -> None:
    assert legend(main_panel(drawn(afterglow()))) == ["WT", "PC", "PC upper limit (3 sigma)"]


def test_upper_limit_is_an_arrow_that_points_down() -> None:
    curve = light_curve(PCUL=dataset(RATES, (1000.0, 10.0, -10.0, 0.5, 0.0, 0.0)))

    heads = [line for line in main_panel(drawn(curve)).lines if line.get_marker() == CARETDOWNBASE]
    assert [np.asarray(head.get_xydata()).tolist() for head in heads] == [[[1000.0, 0.3]]]  # 40 % below the limit


def test_hardness_ratio_has_its_own_panel_and_names_its_bands() -> None:
    figure = light_curve_figure(look(job=job(soft1="0.5", soft2="2", hard1="2", hard2="8"), light_curve=afterglow()))

    assert figure is not None
    assert [axes.get_ylabel() for axes in figure.axes][1:] == ["Hardness ratio\n(2-8 keV\n/ 0.5-2 keV)"]


def test_no_hardness_ratio_no_panel() -> None:
    assert len(drawn(persistent()).axes) == 1


def test_hardness_ratio_alone_is_no_light_curve() -> None:
    curve = light_curve(PCHR=dataset(RATIOS, (100.0, 1.0, -1.0, 1.0, 0.1)))

    assert light_curve_figure(look(light_curve=curve)) is None


@pytest.mark.parametrize("curve", [light_curve(), light_curve(PC=dataset(RATES))], ids=["no dataset", "no bin"])
def test_empty_light_curve_is_not_drawn(curve: LightCurveData) -> None:
    assert light_curve_figure(look(light_curve=curve)) is None


def test_bins_without_numbers_are_left_out() -> None:
    nan = float("nan")
    curve = light_curve(PC=dataset(RATES, (10.0, 1.0, -1.0, nan, nan, nan), (20.0, nan, nan, 0.5, nan, nan)))

    assert as_png(drawn(curve)).startswith(b"\x89PNG")


def test_bins_are_not_drawn_twice_where_two_kinds_of_errors_came() -> None:
    rows = [(100.0, 1.0, -1.0, 1.0, 0.1, -0.1)]
    curve = light_curve(WT=dataset(RATES, *rows), WT_nosys=dataset(RATES, *rows))

    assert legend(main_panel(drawn(curve))) == ["WT"]


def test_target_whose_name_looks_like_a_formula_is_drawn() -> None:
    figure = light_curve_figure(look(job=job(name=r"$\frac{1}$ _^ \n"), light_curve=afterglow()))

    assert figure is not None
    assert as_png(figure).startswith(b"\x89PNG")


def test_background_is_white() -> None:
    assert drawn(afterglow()).get_facecolor() == (1.0, 1.0, 1.0, 1.0)


def test_right_ascension_increases_to_the_left() -> None:
    left, right = position_picture(positions()).axes[0].get_xlim()

    assert left > right


def test_circles_have_the_radius_of_the_error() -> None:
    patches = position_picture(positions()).axes[0].patches

    assert [patch.radius for patch in patches if isinstance(patch, Circle)] == [3.5, 1.7, 2.4]


def test_offset_is_that_on_the_sky() -> None:
    # 0.0006 deg in RA at Dec -7.5179 are 0.0006 * 3600 * cos(7.5179 deg) = 2.141 arcsec to the east.
    (circle, *_) = position_picture(positions()).axes[0].patches

    assert isinstance(circle, Circle)
    assert circle.get_center() == pytest.approx((2.1414, -0.36), abs=1e-3)


def test_position_that_was_not_found_is_left_out() -> None:
    found = positions() | {Product.EnhancedPos: Position(reason="too faint")}

    assert len(position_picture(found).axes[0].patches) == 2


def test_no_position_no_picture() -> None:
    assert position_figure(look(positions={Product.EnhancedPos: Position(reason="too faint")})) is None


def test_far_requested_position_does_not_make_the_circles_small() -> None:
    figure = position_figure(look(job=job(RA="336.5"), positions=positions()))

    assert figure is not None
    left, right = figure.axes[0].get_xlim()
    assert left - right < 20.0


def test_cross_is_only_drawn_where_a_position_was_requested() -> None:
    figure = position_figure(look(job=job(RA=None), positions=positions()))

    assert figure is not None
    assert "requested position" not in legend(figure.axes[0])


def test_picture_that_is_too_large_gets_coarser() -> None:
    fine, coarse = (len(as_png(drawn(afterglow()), largest)) for largest in (MAX_SIZE, 30_000))

    assert coarse <= 30_000 < fine


def test_picture_that_stays_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than"):
        as_png(drawn(afterglow()), 1000)


def test_ten_thousand_bins_make_a_small_picture() -> None:
    rows = ((100.0 + n, 0.5, -0.5, 1.0 + (n * 37 % 100) / 50, 0.2, -0.2) for n in range(10_000))

    assert len(as_png(drawn(light_curve(PC=dataset(RATES, *rows))))) <= MAX_SIZE


def test_reference_images_are_small() -> None:
    sizes = [picture.stat().st_size for picture in (Path(__file__).parent / "baseline").glob("*.png")]

    assert len(sizes) == 5
    assert max(sizes) < 60_000


def test_drawing_twice_gives_the_same_picture() -> None:
    assert as_png(drawn(afterglow())) == as_png(drawn(afterglow()))

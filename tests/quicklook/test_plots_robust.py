"""Pictures of very many bins, and of names that look like formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from looks import RATES, afterglow, dataset, job, light_curve, look, positions
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ukssdc.quicklook.plots import MAX_SIZE, as_png, light_curve_figure, position_figure
from ukssdc.results import LightCurveData


def drawn(curve: LightCurveData) -> Figure:
    figure = light_curve_figure(look(light_curve=curve))
    assert figure is not None
    return figure


def main_panel(figure: Figure) -> Axes:
    return figure.axes[0]


def crowded(bins: int) -> LightCurveData:
    """Return a light curve whose bins hide each other, with one that is high, one that is low and one that is wide."""
    rows = [(100.0 + n, 0.5, -0.5, 1.0 + (n * 37 % 101) / 50, 0.2, -0.2) for n in range(bins)]
    rows[bins // 2] = (100.0 + bins // 2, 0.5, -0.5, 90.0, 20.0, -20.0)
    rows[bins // 3] = (100.0 + bins // 3, 0.5, -0.5, 0.1, 0.05, -0.05)
    rows[bins // 4] = (100.0 + bins // 4, bins / 5, -bins / 5, 50.0, 1.0, -1.0)
    return light_curve(PC=dataset(RATES, *rows))


def bars(panel: Axes) -> list[Any]:
    return [segment for group in panel.containers[0][2] for segment in group.get_segments()]


def test_two_hundred_thousand_bins_are_drawn_with_few_error_bars() -> None:
    figure = drawn(crowded(200_000))

    assert len(bars(main_panel(figure))) < 14_000  # a horizontal and a vertical one for each
    assert len(as_png(figure)) <= MAX_SIZE


def test_what_stands_out_among_very_many_bins_is_drawn() -> None:
    ends = np.array(bars(main_panel(drawn(crowded(20_000))))).reshape(-1, 4)

    for end in ([10_100, 70, 10_100, 110], [6766, 0.05, 6766, 0.15], [1100, 50, 9100, 50]):
        assert np.isclose(ends, end).all(axis=1).any(), end


def test_a_picture_with_few_error_bars_looks_as_one_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    few = grey(drawn(crowded(6000)))
    monkeypatch.setattr("ukssdc.plotting.light_curve_plot.MAX_DRAWN", 10_000)
    everything = grey(drawn(crowded(6000)))

    assert np.sqrt(np.mean((few - everything) ** 2)) < 10  # grey levels of 256; half of the bins make 40


def grey(figure: Figure) -> Any:
    figure.canvas.draw()
    pixels: np.ndarray = np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]
    return pixels[..., :3].astype(float).mean(axis=2)


@pytest.mark.parametrize("name", [r"PC$\frac$", "A$B$", "$", r"\$x$", "a_{b}^$c"])
def test_a_dollar_in_what_the_service_names_does_not_cost_the_picture(name: str) -> None:
    answer = light_curve(PC=dataset(RATES, (100.0, 1.0, -1.0, 1.0, 0.1, -0.1)))
    data = answer.datasets["PC"].model_copy(update={"mode": name})
    curve = answer.model_copy(update={"datasets": {"PC": data}, "time_format": name, "time_unit": "d"})

    assert as_png(drawn(curve)).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["M82 $X$", "$$", r"\$\alpha$", "$x", r"a\\$b$"])
def test_a_dollar_in_the_targets_name_does_not_cost_a_picture(name: str) -> None:
    shown = look(job=job(name=name), light_curve=afterglow(), positions=positions())

    for figure in (light_curve_figure(shown), position_figure(shown)):
        assert figure is not None
        assert as_png(figure).startswith(b"\x89PNG")

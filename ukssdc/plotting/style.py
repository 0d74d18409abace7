"""What all pictures have in common: colours, markers, and texts that are no formulas."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from ukssdc.texts import replace_controls

COLOURS = {"WT": "#1f5fbf", "PC": "#c62828"}
OTHER_COLOUR = "#444444"
MARKER: dict[str, Any] = {"marker": "o", "markersize": 3.5}


def own_axes(axes: Axes | None) -> Axes:
    """Return the axes, or new ones in a figure of pyplot, which a notebook shows."""
    if axes is not None:
        return axes
    from matplotlib import pyplot as plt  # noqa: PLC0415 - threads that draw into axes of their own must not touch it

    return plt.subplots(layout="constrained")[1]


def grid(axes: Axes) -> None:
    """Draw a faint grid."""
    axes.grid(visible=True, alpha=0.25)


def plain_text(text: str) -> str:
    """Return a text of the service's or the user's on one line, in which a dollar begins no formula."""
    return " ".join(replace_controls(text).split())[:60].replace("$", r"\$")

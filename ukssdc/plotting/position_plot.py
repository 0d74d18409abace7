"""A position with its error circle, drawn into axes as offsets on the sky."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import Circle

from ukssdc.plotting.style import grid, own_axes, plain_text
from ukssdc.sky import offset

if TYPE_CHECKING:
    from ukssdc.results import Position

LABELS = ("RA offset (arcsec, east to the left)", "Dec offset (arcsec)")


def draw_position(
    position: Position,
    axes: Axes | None,
    *,
    centre: tuple[float, float] | None = None,
    label: str = "",
    colour: str = "#c62828",
    line: str = "-",
) -> Axes:
    """Draw a position; see `Position.plot`.

    Raises
    ------
    ValueError
        Where there is no position.
    """
    if position.ra is None or position.dec is None or position.err90 is None:
        raise ValueError(f"there is no position to draw: {position.reason}")
    east, north = offset(position.ra, position.dec, centre or (position.ra, position.dec))
    panel = own_axes(axes)
    name = f"{plain_text(label)}, " if label else ""
    circle = Circle((east, north), position.err90, fill=False, edgecolor=colour, linestyle=line, linewidth=1.8)
    panel.add_patch(circle)
    panel.plot(
        [east], [north], marker="x", color=colour, linestyle=line, label=f"{name}{position.err90:.1f} arcsec (90 %)"
    )
    panel.set_aspect("equal")
    if not panel.xaxis_inverted():
        panel.invert_xaxis()  # east, where RA increases, is on the left
    panel.set_xlabel(LABELS[0])
    panel.set_ylabel(LABELS[1])
    grid(panel)
    panel.legend(loc="best")
    return panel

"""The paper of a picture: a figure of the usual width, axes, lines of text, the heading.

Places are in points from the left and from the top; a point is as long on every paper.
"""

from typing import TYPE_CHECKING, Any

from ledger.pictures.measures import wrap
from ledger.pictures.style import BODY, HEADING, SMALL, WIDTH, Palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(height: float, palette: Palette) -> "Figure":
    """An empty figure of the usual width; `height` in points."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH / 72, height / 72), facecolor=palette["paper"])


def add_axes(figure: "Figure", palette: Palette, box: tuple[float, float, float, float]) -> Any:  # noqa: ANN401
    """Axes with the margins `box` (left, top, right, bottom) in points, and quiet lines."""
    width, height = (size * 72 for size in figure.get_size_inches())
    left, top, right, bottom = box
    axes = figure.add_axes(
        (
            left / width,
            bottom / height,
            (width - left - right) / width,
            (height - top - bottom) / height,
        ),
        facecolor="none",
    )
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(palette["faint"])
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(colors=palette["faint"], labelsize=SMALL, length=3, width=0.8)
    axes.grid(axis="y", color=palette["grid"], linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def put_text(
    figure: "Figure",
    palette: Palette,
    at: tuple[float, float],
    text: str,
    **more: Any,  # noqa: ANN401 - properties of matplotlib's text
) -> None:
    """One line of text; `at` in points from the left and from the top, on its baseline."""
    width, height = (size * 72 for size in figure.get_size_inches())
    role = more.pop("role", "ink")
    figure.text(
        at[0] / width,
        1 - at[1] / height,
        text,
        color=palette[role],
        **{"fontsize": BODY, "va": "baseline", **more},
    )


def put_heading(figure: "Figure", palette: Palette, title: str, below: str | None = None) -> float:
    """Title and a quieter line, wrapped; the height that they take, in points."""
    y = 4.0
    for text, size, role in ((title, HEADING, "ink"), (below or "", SMALL, "faint")):
        for line in wrap(text, WIDTH - 20, size):
            y += size + 4
            put_text(figure, palette, (10, y), line, fontsize=size, role=role)
    return y + 6


def heading_height(title: str, below: str | None = None) -> float:
    """How high a heading is, in points, before there is a figure to put it on."""
    lines = len(wrap(title, WIDTH - 20, HEADING)) * (HEADING + 4)
    return 10 + lines + len(wrap(below or "", WIDTH - 20, SMALL)) * (SMALL + 4)

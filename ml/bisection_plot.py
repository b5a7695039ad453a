"""A bisection as a picture: inherited and local scores along the pass, with the limits.

The picture has no background of its own, and colours that can be read on a light and on a dark one.
The same bisection gives the same bytes: no date, fixed names inside, glyphs as outlines.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.bisection import Bisection, Stage
from ml.errors import BadOption

FORMATS = (".png", ".svg")
#: Contrast of at least three to one on white and on black.
INHERITED, LOCAL, LIMIT, TEXT = "#2f86d2", "#d9660b", "#7a7a7a", "#7a7a7a"
#: What a distance of zero and one without bound are drawn at.
FLOOR_OF_PLOT, CEILING = 1e-9, 1e1
_SETTINGS: Any = {"svg.hashsalt": "bisection", "svg.fonttype": "path", "font.family": "DejaVu Sans"}


def check_plot_path(path: Path) -> None:
    """Check that a plot can be written there; raise `BadOption`."""
    if path.suffix not in FORMATS:
        raise BadOption(
            f"{path} is no plot that can be made", hint=f"name it *{' or *'.join(FORMATS)}"
        )
    if not path.parent.is_dir():
        raise BadOption(f"there is no folder {path.parent}", hint="make it, or choose another")


def write_plot(path: Path, found: Bisection, title: str) -> None:
    """Draw a bisection into an .svg or .png file. Raises `BadOption` for another name."""
    check_plot_path(path)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()  # somebody's own style would be somebody's own bytes
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        axes = figure.add_subplot()
        _draw(axes, found)
        axes.set_title(title, loc="left", color=TEXT, fontsize=10)
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        try:
            figure.savefig(path, transparent=True, dpi=150, metadata=metadata)
        except OSError as error:
            raise BadOption(
                f"cannot write {path}: {error.strerror}", hint="choose another --plot"
            ) from error


def _draw(axes: Any, found: Bisection) -> None:  # noqa: ANN401 - matplotlib's own
    """Inherited as a line, for it is carried along; local as dots, each of which stands alone."""
    stages, places = found.stages, range(len(found.stages))
    inherited = [_drawn(stage.inherited.largest) for stage in stages]
    local = [_drawn(stage.local.largest) for stage in stages]
    limits = [_drawn(stage.limit_largest) for stage in stages]
    axes.set_yscale("log")
    axes.plot(places, limits, color=LIMIT, linestyle=(0, (4, 3)), linewidth=1.1)
    axes.plot(places, inherited, color=INHERITED, linewidth=1.6)
    small = 3.5 if len(stages) <= 100 else 2
    axes.plot(places, local, color=LOCAL, linestyle="none", marker="o", markersize=small)
    over = [at for at in places if stages[at].is_over]
    axes.plot(over, [local[at] for at in over], color=LOCAL, linestyle="none", marker="o")
    axes.set_ylim(FLOOR_OF_PLOT / 3, max(*inherited, *local, *limits) * 12)
    axes.set_xlim(-0.5 - len(stages) / 100, len(stages) * 1.12)
    ends = (("inherited", INHERITED, inherited), ("local", LOCAL, local), ("limit", LIMIT, limits))
    _label_ends(axes, [(name, color, heights[-1]) for name, color, heights in ends], places[-1])
    if found.culprit is not None:
        _mark(axes, found.culprit, stages.index(found.culprit), len(stages))
    _ticks(axes, stages)
    axes.set_ylabel("largest row distance", color=TEXT)
    axes.spines["bottom"].set_bounds(0, places[-1])


def _label_ends(axes: Any, ends: Sequence[tuple[str, str, float]], last: int) -> None:  # noqa: ANN401
    """Name each series where it ends, moved apart where two of them meet."""
    low, high = (math.log10(bound) for bound in axes.get_ylim())
    lowest = low
    for name, color, height in sorted(ends, key=lambda end: end[2]):
        at = max(math.log10(height), lowest)
        lowest = at + (high - low) / 16
        axes.annotate(
            name,
            (last, 10**at),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=color,
            fontsize=9,
        )


def _mark(axes: Any, culprit: Stage, at: int, count: int) -> None:  # noqa: ANN401
    """Point at the culprit, with its name on the side where there is room."""
    height = _drawn(culprit.local.largest)
    axes.plot([at], [height], marker="o", color=LOCAL, markersize=8)
    is_left = at > count / 2
    axes.annotate(
        f"{culprit.name}\n{culprit.local.largest:.2g}",
        (at, height),
        xytext=(-10 if is_left else 10, 4),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="bottom",
        color=LOCAL,
        fontsize=9,
        fontweight="bold",
    )


def _ticks(axes: Any, stages: Sequence[Stage]) -> None:  # noqa: ANN401
    """A tick where a layer begins, at most a dozen of them; every second power of ten."""
    from matplotlib.ticker import NullLocator

    begins: dict[int, int] = {}
    for index, stage in enumerate(stages):
        if stage.place[1] is not None:
            begins.setdefault(stage.place[1], index)
    step = -(-len(begins) // 12) if begins else 1
    shown = [layer for layer in begins if layer % step == 0]
    axes.set_xticks([begins[layer] for layer in shown], [f"{layer}" for layer in shown])
    axes.set_xlabel("layer", color=TEXT)
    powers = [power for power in range(-7, 2, 2) if 10.0**power <= axes.get_ylim()[1]]
    labels = ["∞" if 10.0**power == CEILING else f"$10^{{{power}}}$" for power in powers]
    axes.set_yticks([FLOOR_OF_PLOT, *(10.0**power for power in powers)], ["0", *labels])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(colors=TEXT, labelsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(TEXT)


def _drawn(distance: float) -> float:
    return min(max(distance, FLOOR_OF_PLOT), CEILING)

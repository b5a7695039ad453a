"""A comparison as ratios: the standard deviation of each point as a share of the reference's.

The band from 0.5 to 2 is the one that the seeds of this system judged by; distances judge better.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

from ledger.pictures.base import Picture, Row, Rows, Sketch, plural
from ledger.pictures.comparison import QUERIES, comparison, grid, heading, place
from ledger.pictures.comparison import lacking as lacking_points
from ledger.pictures.measures import spread, text_width
from ledger.pictures.paper import add_axes, heading_height, new_figure, put_heading
from ledger.pictures.style import SMALL, WIDTH, Palette

#: Ratios within these were accepted by the seeds.
BAND: Final = (0.5, 2.0)
_PLOT_HEIGHT: Final = 190
_NAMED: Final = 3
_LINE: Final = 11.0


def _finite(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["std_ratio"] and math.isfinite(row["std_ratio"])]


def lacking(rows: Rows, subject: str | None) -> str | None:
    """A picture needs points with a ratio."""
    missing = lacking_points(rows, subject)
    if missing is None and not _finite(rows["points"]):
        return f"no point of {subject} has a ratio of standard deviations"
    return missing


def draw(rows: Rows, subject: str | None, palette: Palette) -> Sketch:
    """Draw the ratios of a comparison along its pass."""
    found, points = comparison(rows, subject), list(rows["points"])
    title = f"Ratios of spread of {subject}"
    below = f"{heading(found)}; std of each point as a share of the reference's"
    height = heading_height(title, below) + _PLOT_HEIGHT + 34
    figure = new_figure(height, palette)
    top = put_heading(figure, palette, title, below)
    shown = _finite(points)
    far = sorted(shown, key=lambda row: (-abs(math.log(row["std_ratio"])), place(row)))[:_NAMED]
    words = [f"{place(row)} {row['std_ratio']:.3g}" for row in far]
    right = 16 + max(text_width(text, SMALL) for text in [*words, "upper band 2"])
    axes = add_axes(figure, palette, (40, top, min(right, WIDTH / 2), 34))
    _draw_points(axes, palette, points, far)
    _scale(axes, palette, shown)
    _name(axes, palette, far, words)
    _layers(axes, palette, points)
    return Sketch(figure, title, _describe(str(subject), found, rows))


def _draw_points(
    axes: Any,  # noqa: ANN401 - matplotlib's own
    palette: Palette,
    points: Sequence[Row],
    far: Sequence[Row],
) -> None:
    """The band, the line of equality, and a dot a point; those outside the band are squares."""
    axes.set_yscale("log")
    axes.axhspan(*BAND, facecolor=palette["card"], edgecolor="none")
    for bound in BAND:
        axes.axhline(bound, color=palette["faint"], linewidth=0.8, linestyle=(0, (4, 3)))
    axes.axhline(1, color=palette["faint"], linewidth=0.8)
    for inside, marker, role in ((True, "o", "first"), (False, "s", "second")):
        chosen = [
            (at, row["std_ratio"])
            for at, row in enumerate(points)
            if row in _finite([row]) and (BAND[0] <= row["std_ratio"] <= BAND[1]) is inside
        ]
        axes.plot(
            [at for at, _ in chosen], [ratio for _, ratio in chosen],
            linestyle="none", marker=marker, markersize=3.2, color=palette[role],
        )  # fmt: skip
    places = {place(row): at for at, row in enumerate(points)}
    for row in far:
        axes.plot(
            [places[place(row)]], [row["std_ratio"]], linestyle="none", marker="o", markersize=7,
            markerfacecolor="none", markeredgecolor=palette["ink"], markeredgewidth=0.9,
        )  # fmt: skip


def _scale(axes: Any, palette: Palette, shown: Sequence[Row]) -> None:  # noqa: ANN401
    """A ratio scale around one, with plain numbers."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    furthest = max(2.6, *(max(r["std_ratio"], 1 / r["std_ratio"]) * 1.25 for r in shown))
    axes.set_ylim(1 / furthest, furthest)
    steps = [2.0**n for n in range(-12, 13)]
    ticks = [tick for tick in steps if 1 / furthest <= tick <= furthest]
    if len(ticks) > 9:
        ticks = [tick for tick in steps[::2] if 1 / furthest <= tick <= furthest]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at:.3g}"))
    axes.tick_params(axis="y", colors=palette["faint"])


def _name(
    axes: Any,  # noqa: ANN401 - matplotlib's own
    palette: Palette,
    far: Sequence[Row],
    words: Sequence[str],
) -> None:
    """Name the points furthest from one, beside the plot at their heights."""
    low, high = (math.log(bound) for bound in axes.get_ylim())
    gap = (high - low) * _LINE / _PLOT_HEIGHT
    wanted = [*(math.log(row["std_ratio"]) for row in far), *map(math.log, BAND)]
    texts = [*words, "lower band 0.5", "upper band 2"]
    roles = ["ink"] * len(far) + ["faint", "faint"]
    for text, role, height in zip(texts, roles, spread(wanted, gap, low, high), strict=True):
        axes.annotate(
            text, (1, math.exp(height)), xycoords=("axes fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=SMALL, color=palette[role],
        )  # fmt: skip


def _layers(axes: Any, palette: Palette, points: Sequence[Row]) -> None:  # noqa: ANN401
    """A tick where a layer begins, at most ten of them."""
    begins: dict[int, int] = {}
    for at, row in enumerate(points):
        if row["layer"] is not None:
            begins.setdefault(int(row["layer"]), at)
    every = max(1, -(-len(begins) // 10))
    shown = [layer for layer in begins if layer % every == 0]
    axes.set_xticks([begins[layer] for layer in shown], [str(layer) for layer in shown])
    axes.set_xlim(-1, len(points))
    axes.set_xlabel(
        "layer, each in the order of computation", color=palette["faint"], fontsize=SMALL
    )


def _describe(run: str, found: Row, rows: Rows) -> str:
    """What is to be seen, in numbers."""
    points = grid(rows)
    shown = _finite(points.rows)
    outside = [row for row in shown if not BAND[0] <= row["std_ratio"] <= BAND[1]]
    least = min(shown, key=lambda row: (row["std_ratio"], place(row)))
    most = max(shown, key=lambda row: (row["std_ratio"], place(row)))
    text = (
        f"Standard deviation of each point of {run} as a share of the reference's, "
        f"{heading(found)}: {plural(len(shown), 'point')}, from {least['std_ratio']:.3g} at "
        f"{place(least)} to {most['std_ratio']:.3g} at {place(most)}. "
        f"{len(outside)} outside the band from {BAND[0]:g} to {BAND[1]:g}"
    )
    named = "; ".join(f"{place(row)} {row['std_ratio']:.3g}" for row in outside[:12])
    return text + (f": {named}." if named else ".")


PICTURE: Final = Picture(
    name="ratio",
    shows="The ratio of spread at each point of a comparison, with the band from 0.5 to 2.",
    takes="run",
    queries=QUERIES,
    subjects=({"query": "comparisons"}, "run"),
    lacking=lacking,
    hint="`ledger query comparisons` lists them with their answers",
    draw=draw,
)

"""A comparison as a heat map: layers down, capture points across, largest distances as colour."""

import math
from typing import Any, Final

from ledger.pictures.base import Picture, Row, Rows, Sketch, plural
from ledger.pictures.comparison import (
    QUERIES,
    Grid,
    comparison,
    grid,
    heading,
    lacking,
    number,
    place,
)
from ledger.pictures.measures import power, text_width, wrap
from ledger.pictures.paper import heading_height, new_figure, put_heading, put_text
from ledger.pictures.style import SMALL, WIDTH, Palette

#: Distances up to ten to this are in the first class; each class after it is ten times as far.
_FIRST_POWER: Final = -6
_CLASSES: Final = 8
_LEFT, _RIGHT, _ROW, _KEY = 34.0, 10.0, 11.0, 34.0
_LINE: Final = 12.0


def _class(distance: Any) -> int:  # noqa: ANN401 - a float or None
    """Which class of colour a distance has; what is not finite is in the last."""
    if distance is None or not math.isfinite(distance):
        return _CLASSES - 1
    if distance <= 10.0**_FIRST_POWER:
        return 0
    for number_, exponent in enumerate(range(_FIRST_POWER + 1, _FIRST_POWER + _CLASSES - 1), 1):
        if distance <= 10.0**exponent:
            return number_
    return _CLASSES - 1


def draw(rows: Rows, subject: str | None, palette: Palette) -> Sketch:
    """Draw the distances of a comparison."""
    found, points = comparison(rows, subject), grid(rows)
    title, below = f"Distances of {subject}", heading(found)
    notes = _notes(found, points)
    names = max((text_width(kind, SMALL) for kind in points.kinds), default=0) + 8
    top = heading_height(title, below) + _KEY
    height = top + names + len(points.layers) * _ROW + 14 + len(notes) * _LINE
    figure = new_figure(height, palette)
    put_heading(figure, palette, title, below)
    _key(figure, palette, top - _KEY)
    axes = figure.add_axes((0, 0, 1, 1), facecolor="none")
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    _cells(axes, palette, points, top + names, found)
    for line, text in enumerate(notes):
        y = top + names + len(points.layers) * _ROW + 14 + line * _LINE
        put_text(figure, palette, (10, y), text, fontsize=SMALL)
    return Sketch(figure, title, _describe(str(subject), found, points))


def _key(figure: Any, palette: Palette, top: float) -> None:  # noqa: ANN401 - matplotlib's own
    """The classes side by side, and the distance between each and the next."""
    from matplotlib.patches import Rectangle

    height = figure.get_size_inches()[1] * 72
    size = (WIDTH - 20) / _CLASSES
    for number_ in range(_CLASSES):
        figure.add_artist(
            Rectangle(
                ((10 + number_ * size) / WIDTH, 1 - (top + 10) / height),
                size / WIDTH,
                10 / height,
                facecolor=palette[f"heat{number_}"],
                edgecolor=palette["grid"],
                linewidth=0.5,
            )
        )
        if number_:
            label = power(_FIRST_POWER + number_ - 1)
            at = (10 + number_ * size, top + 20)
            put_text(figure, palette, at, label, fontsize=SMALL, role="faint", ha="center")


def _cells(
    axes: Any,  # noqa: ANN401 - matplotlib's own
    palette: Palette,
    points: Grid,
    top: float,
    found: Row,
) -> None:
    """The grid with its names, and a frame around the first divergence."""
    from matplotlib.patches import Rectangle

    size = min((WIDTH - _LEFT - _RIGHT) / max(len(points.kinds), 1), 40.0)
    for across, kind in enumerate(points.kinds):
        x = _LEFT + (across + 0.5) * size
        axes.text(
            x, top - 4, kind, rotation=90, ha="center", va="bottom", fontsize=SMALL,
            color=palette["ink"],
        )  # fmt: skip
    every = max(1, -(-len(points.layers) // 40))
    for down, layer in enumerate(points.layers):
        y = top + down * _ROW
        if down % every == 0:
            axes.text(
                _LEFT - 5, y + _ROW / 2, str(layer), ha="right", va="center", fontsize=SMALL,
                color=palette["faint"],
            )  # fmt: skip
        for across, kind in enumerate(points.kinds):
            row = points.cells.get((layer, kind))
            if row is None:
                continue
            is_first = (layer, kind) == (found["first_layer"], found["first_point"])
            axes.add_patch(
                Rectangle(
                    (_LEFT + across * size, y),
                    size,
                    _ROW,
                    facecolor=palette[f"heat{_class(row['max_distance'])}"],
                    edgecolor=palette["ink" if is_first else "grid"],
                    linewidth=1.6 if is_first else 0.4,
                    zorder=2 if is_first else 1,
                )
            )
    axes.text(10, top - 4, "layer", fontsize=SMALL, va="bottom", color=palette["faint"])


def _notes(found: Row, points: Grid) -> list[str]:
    """What stands below: the first divergence, the largest distance, the model's own points."""
    texts = [_first(found)]
    if points.rows:
        worst = max(points.rows, key=lambda row: (_order(row["max_distance"]), place(row)))
        texts.append(f"largest: {number(worst['max_distance'])} at {place(worst)}")
    if points.whole:
        own = (f"{row['point']} {number(row['max_distance'])}" for row in points.whole)
        texts.append("the model's own: " + ", ".join(own))
    return [line for text in texts for line in wrap(text, WIDTH - 20, SMALL)]


def _first(found: Row) -> str:
    threshold = f"{found['threshold']:.3g}"
    if found["first_point"] is None:
        return f"no point is further apart than {threshold}"
    first = {"layer": found["first_layer"], "point": found["first_point"]}
    framed = ", framed" if found["first_layer"] is not None else ""
    return f"first over {threshold}{framed}: {place(first)}, {number(found['first_distance'])}"


def _order(distance: Any) -> float:  # noqa: ANN401 - a float or None
    return math.inf if distance is None or not math.isfinite(distance) else float(distance)


def _describe(run: str, found: Row, points: Grid) -> str:
    """What is to be seen, in numbers."""
    whole = ", ".join(f"{row['point']} {number(row['max_distance'])}" for row in points.whole)
    counts = [0] * _CLASSES
    for row in points.rows:
        counts[_class(row["max_distance"])] += 1
    spans = [f"{count} {_span(number_)}" for number_, count in enumerate(counts) if count]
    worst = max(points.rows, key=lambda row: (_order(row["max_distance"]), place(row)))
    return (
        f"Largest row distance of each point of {run}, {heading(found)}: "
        f"{plural(len(points.rows), 'point')} in {plural(len(points.layers), 'layer')}. "
        f"{_first(found).capitalize()}. "
        f"Largest: {number(worst['max_distance'])} at {place(worst)}. "
        f"Points by distance: {', '.join(spans)}."
        + (f" The model's own: {whole}." if whole else "")
    )


def _span(number_: int) -> str:
    """What a class holds, in words."""
    if number_ == 0:
        return f"up to 1e{_FIRST_POWER}"
    upper = _FIRST_POWER + number_
    if number_ == _CLASSES - 1:
        return f"over 1e{upper - 1}" if upper != 1 else "over 1"
    return f"up to 1e{upper}" if upper else "up to 1"


PICTURE: Final = Picture(
    name="heat",
    shows="How far two traces are apart at each layer and capture point of a comparison.",
    takes="run",
    queries=QUERIES,
    subjects=({"query": "comparisons"}, "run"),
    lacking=lacking,
    hint="`ledger query comparisons` lists them with their answers",
    draw=draw,
)

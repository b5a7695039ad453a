"""The curve of a training run: losses by step or epoch, held-out beside training, and baselines."""

import math
from collections.abc import Sequence
from typing import Any, Final

import attrs

from ledger.pictures.base import Picture, Rows, Sketch, plural
from ledger.pictures.measures import spread, text_width
from ledger.pictures.paper import add_axes, heading_height, new_figure, put_heading
from ledger.pictures.style import SMALL, WIDTH, Palette

#: What the name of a held-out metric holds; every other loss is a training loss.
_HELD_OUT: Final = ("val", "held", "test", "eval")
#: Colour and kind of line of training losses and of held-out ones, first and further.
_LINES: Final = {
    False: (("first", "-"), ("fourth", "-.")),
    True: (("second", (0, (5, 1.5))), ("third", (0, (2, 1)))),
}
_PLOT_HEIGHT: Final = 190
#: Points of a line that are drawn at most: a picture has fewer columns.
_MOST_POINTS: Final = 4 * WIDTH
_LINE: Final = 11.0


@attrs.frozen(slots=True)
class _Series:
    """One loss along the run; what is not finite is left out, and counted."""

    name: str
    places: tuple[int, ...]
    values: tuple[float, ...]
    left_out: int

    @property
    def is_held_out(self) -> bool:
        """Whether it is measured on data that is not trained on."""
        return any(word in self.name.lower() for word in _HELD_OUT)


def _series(rows: Rows) -> tuple[str, list[_Series]]:
    """The losses, by step where there are steps, else by epoch."""
    points: dict[str, list[tuple[int, Any]]] = {}
    for row in rows["steps"]:
        if "loss" in str(row["metric"]).lower():
            points.setdefault(str(row["metric"]), []).append((row["step"], row["value"]))
    for row in rows.get("looks", ()) if points else ():
        step = row["key"].get("step")
        if isinstance(step, int):
            points.setdefault(str(row["metric"]), []).append((step, row["value"]))
    axis = "step"
    if not points:
        axis = "epoch"
        for row in rows["epochs"]:
            for name in ("train_loss", "val_loss"):
                if row[name] is not None:
                    points.setdefault(name, []).append((row["epoch"], row[name]))
    return axis, [_finite(name, points[name]) for name in sorted(points)]


def _finite(name: str, points: Sequence[tuple[int, Any]]) -> _Series:
    # A look that was taken again after a resume stands twice: the latest counts.
    latest = dict(points)
    kept = [(at, float(v)) for at, v in sorted(latest.items()) if _is_finite(v)]
    left_out = len(latest) - len(kept)
    kept = _thinned(kept)
    return _Series(name, tuple(at for at, _ in kept), tuple(v for _, v in kept), left_out)


def _is_finite(value: Any) -> bool:  # noqa: ANN401 - a number, or the name of what is none
    return isinstance(value, (int, float)) and math.isfinite(value)


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Of very many points the first and the last, and the lowest and the highest of each bucket."""
    if len(points) <= _MOST_POINTS:
        return points
    size = -(-len(points) // (_MOST_POINTS // 2 - 1))
    kept = {points[0], points[-1]}
    for begin in range(0, len(points), size):
        bucket = points[begin : begin + size]
        kept |= {min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])}
    return sorted(kept)


def lacking(rows: Rows, subject: str | None) -> str | None:
    """A curve needs a finite loss."""
    if any(series.values for series in _series(rows)[1]):
        return None
    metrics = sorted({str(row["metric"]) for row in rows["steps"]})
    if metrics:
        return f"the steps of {subject} have no finite loss, only {', '.join(metrics)}"
    return f"run {subject} has no steps and no epochs with a loss"


def draw(rows: Rows, subject: str | None, palette: Palette) -> Sketch:
    """Draw the curve of a run."""
    axis, found = _series(rows)
    shown = [series for series in found if series.values]
    levels = [(str(row["name"]), float(row["value"])) for row in rows["baselines"]]
    title = f"Losses of {subject}"
    below = f"nats a token by {axis}; lower is better"
    height = heading_height(title, below) + _PLOT_HEIGHT + 34
    figure = new_figure(height, palette)
    top = put_heading(figure, palette, title, below)
    labels = _labels(shown, levels)
    right = 14 + max(text_width(text, SMALL) for text, _, _ in labels)
    axes = add_axes(figure, palette, (40, top, min(right, WIDTH / 2), 34))
    drawn = {False: 0, True: 0}
    colours = {}
    for series in shown:
        role, line = _LINES[series.is_held_out][min(drawn[series.is_held_out], 1)]
        drawn[series.is_held_out] += 1
        colours[series.name] = role
        few = len(series.values) <= 40
        axes.plot(
            series.places,
            series.values,
            color=palette[role],
            linestyle=line,
            linewidth=1.5,
            marker="o" if few else None,
            markersize=2.6,
        )
    for _, level in levels:
        axes.axhline(level, color=palette["faint"], linewidth=1, linestyle=(0, (1, 2)))
    _label(axes, palette, labels, colours)
    _scale(axes, palette, axis, shown)
    return Sketch(figure, title, _describe(str(subject), axis, shown, found, levels))


def _labels(
    shown: Sequence[_Series], levels: Sequence[tuple[str, float]]
) -> list[tuple[str, float, str | None]]:
    """What stands right of the plot: name and last value, at its height, and whose colour."""
    lines = [
        (f"{series.name} {series.values[-1]:.4g}", series.values[-1], series.name)
        for series in shown
    ]
    return lines + [(f"{name} {level:.4g}", level, None) for name, level in levels]


def _label(
    axes: Any,  # noqa: ANN401 - matplotlib's own
    palette: Palette,
    labels: Sequence[tuple[str, float, str | None]],
    colours: dict[str, str],
) -> None:
    """Name each line where it ends, moved apart where two of them meet."""
    axes.margins(y=0.08)
    low, high = axes.get_ylim()
    gap = (high - low) * _LINE / _PLOT_HEIGHT
    heights = spread([height for _, height, _ in labels], gap, low, high)
    for (text, _, series), height in zip(labels, heights, strict=True):
        role = colours[series] if series is not None else "faint"
        axes.annotate(
            text,
            (1, height),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=palette[role],
        )
    axes.set_ylim(low, high)


def _scale(axes: Any, palette: Palette, axis: str, shown: Sequence[_Series]) -> None:  # noqa: ANN401
    """Whole numbers below, and the name of what they count."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at:,.0f}".replace(",", "\u202f")))
    places = [at for series in shown for at in series.places]
    if min(places) == max(places):
        axes.set_xlim(places[0] - 1, places[0] + 1)
    axes.set_xlabel(axis, color=palette["faint"], fontsize=SMALL)


def _describe(
    run: str,
    axis: str,
    shown: Sequence[_Series],
    found: Sequence[_Series],
    levels: Sequence[tuple[str, float]],
) -> str:
    """What is to be seen, in numbers."""
    parts = [f"Losses of run {run} by {axis}."]
    for series in shown:
        best = min(series.values)
        at = series.places[series.values.index(best)]
        kind = "held-out" if series.is_held_out else "training"
        parts.append(
            f"{series.name} ({kind}): {plural(len(series.values), 'value')}, "
            f"{series.values[0]:.4g} at {axis} {series.places[0]}, "
            f"{series.values[-1]:.4g} at {axis} {series.places[-1]}, "
            f"least {best:.4g} at {axis} {at}."
        )
    parts += [
        f"{plural(series.left_out, 'value')} of {series.name} not finite, and not drawn."
        for series in found
        if series.left_out
    ]
    parts += [f"Baseline {name}: {level:.4g}." for name, level in levels]
    return " ".join(parts)


PICTURE: Final = Picture(
    name="curve",
    shows="The losses of a training run by step or epoch, held-out ones and baselines beside them.",
    takes="run",
    queries={
        "steps": {"query": "curve", "run": "{subject}"},
        "epochs": {"query": "epochs", "run": "{subject}"},
        "looks": {"query": "measurements", "run": "{subject}", "metric": "val_loss"},
        "baselines": {"query": "run_baselines", "run": "{subject}"},
    },
    subjects=({"query": "runs"}, "run"),
    lacking=lacking,
    hint="`ledger runs` says which runs have steps or epochs",
    draw=draw,
)

"""The board over versions: how many rows stood in each status, one column a version, stacked."""

from collections.abc import Sequence
from typing import Any, Final

import attrs

from ledger.pictures.base import Picture, Rows, Sketch, plural
from ledger.pictures.measures import spread, text_width
from ledger.pictures.paper import add_axes, heading_height, new_figure, put_heading
from ledger.pictures.style import SMALL, WIDTH, Palette

#: Statuses from the bottom of a column up, with their colour; others stand above PARTIAL ones.
_ORDER: Final = {
    "DISCHARGED": "good",
    "PROVISIONAL": "third",
    "PARTIAL": "half",
    "PARTIAL_ALGORITHM_LEVEL": "half",
}
_TOP: Final = {
    "FALSIFIED": "bad",
    "DEMOTED": "bad",
    "STALE": "fourth",
    "BLOCKED": "gone",
    "SUPERSEDED": "missing",
    "RETIRED": "missing",
    "unbound": "open",
}
_HATCHES: Final = ("", "///", "...", "xxx")
_PLOT_HEIGHT: Final = 190
_LINE: Final = 11.0


@attrs.frozen(slots=True)
class _Column:
    """The board at the end of one version."""

    name: str
    counts: dict[str, int]


def _columns(rows: Rows) -> list[_Column]:
    """The columns in order: versions, or changes where no version was registered."""
    boards: dict[bool, dict[int, dict[str, int]]] = {}
    names: dict[int, str] = {}
    for row in rows["versions"]:
        at = int(row["as_of"])
        counts = boards.setdefault(bool(row["reported"]), {}).setdefault(at, {})
        counts[str(row["status"])] = int(row["row_count"])
        names[at] = str(names.get(at, at) if row["version"] is None else row["version"])
    names[max(names, default=0)] = "now"
    found: dict[int, dict[str, int]] = {at: {} for at in sorted(names) if boards}
    for counted in boards.values():  # ours and others', each as it stood until its next column
        counts = {}
        for at, column in found.items():
            counts = counted.get(at, counts)
            for status, count in counts.items():
                column[status] = column.get(status, 0) + count
    return [_Column(names[at], column) for at, column in found.items()]


def _statuses(columns: Sequence[_Column]) -> list[str]:
    """Every status that occurs, from the bottom up."""
    seen = {status for column in columns for status in column.counts}
    order = [*_ORDER, *sorted(seen - set(_ORDER) - set(_TOP)), *_TOP]
    return [status for status in order if status in seen]


def lacking(rows: Rows, subject: str | None) -> str | None:
    """A board needs rows."""
    whose = {"yes": " that others declared", "no": " of this ledger's own"}.get(subject or "", "")
    return None if _columns(rows) else f"there is no row{whose} on the board"


def draw(rows: Rows, subject: str | None, palette: Palette) -> Sketch:
    """Draw the board over the versions."""
    columns = _columns(rows)
    statuses = _statuses(columns)
    whose = {"yes": ", rows that others declared", "no": ", this ledger's own rows"}
    title = "The board over versions" + whose.get(subject or "", "")
    if not any(row["version"] is not None for row in rows["versions"]):
        title = title.replace("over versions", "by position")
    below = "how many rows stood in each status, main line"
    height = heading_height(title, below) + _PLOT_HEIGHT + 52
    figure = new_figure(height, palette)
    top = put_heading(figure, palette, title, below)
    last = columns[-1].counts
    labels = [f"{_words(status)} {last.get(status, 0)}" for status in statuses]
    right = 14 + max(text_width(label, SMALL) for label in labels)
    axes = add_axes(figure, palette, (32, top, min(right, WIDTH * 0.55), 52))
    middles = _stack(axes, palette, columns, statuses)
    _scale(axes, palette, columns)
    _label(axes, palette, list(zip(labels, statuses, middles, strict=True)))
    return Sketch(figure, title, _describe(title, columns, statuses))


def _words(status: str) -> str:
    """A status in the shape that fits beside a plot."""
    return status.replace("_", " ").lower() if len(status) > 12 else status


def _role(status: str) -> str:
    return _ORDER.get(status) or _TOP.get(status) or "other"


def _stack(
    axes: Any,  # noqa: ANN401 - matplotlib's own
    palette: Palette,
    columns: Sequence[_Column],
    statuses: Sequence[str],
) -> list[float]:
    """Draw the stacks as steps; the height of the middle of each status in the last column."""
    edges = list(range(len(columns) + 1))
    bottoms = [0] * len(columns)
    drawn: dict[str, int] = {}
    middles = []
    for status in statuses:
        counts = [column.counts.get(status, 0) for column in columns]
        tops = [low + count for low, count in zip(bottoms, counts, strict=True)]
        role = _role(status)
        hatch = _HATCHES[min(drawn.get(role, 0), len(_HATCHES) - 1)]
        drawn[role] = drawn.get(role, 0) + 1
        axes.fill_between(
            edges, [*bottoms, bottoms[-1]], [*tops, tops[-1]], step="post",
            facecolor=palette[role], edgecolor=palette["paper"], linewidth=0.5, hatch=hatch or None,
        )  # fmt: skip
        middles.append((bottoms[-1] + tops[-1]) / 2)
        bottoms = tops
    return middles


def _scale(axes: Any, palette: Palette, columns: Sequence[_Column]) -> None:  # noqa: ANN401
    """Names of columns below, at most eight, the first and the last among them."""
    from matplotlib.ticker import MaxNLocator

    last = len(columns) - 1
    every = max(1, -(-len(columns) // 7))
    shown = [at for at in range(0, last, every) if last - at >= every or at == 0] + [last]
    shown = sorted(set(shown))
    axes.set_xticks([at + 0.5 for at in shown], [columns[at].name for at in shown], rotation=90)
    axes.set_xlim(0, len(columns))
    axes.set_ylim(0, max(sum(column.counts.values()) for column in columns) * 1.04)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_axisbelow(False)
    axes.grid(axis="y", color=palette["faint"], linewidth=0.3)


def _label(
    axes: Any,  # noqa: ANN401 - matplotlib's own
    palette: Palette,
    labels: Sequence[tuple[str, str, float]],
) -> None:
    """Name each status beside the last column, with its count there and a patch of its colour."""
    low, high = axes.get_ylim()
    gap = (high - low) * _LINE / _PLOT_HEIGHT
    heights = spread([middle for _, _, middle in labels], gap, low + gap / 2, high - gap / 2)
    for (text, status, _), height in zip(labels, heights, strict=True):
        axes.annotate(
            text, (1, height), xycoords=("axes fraction", "data"), xytext=(11, 0),
            textcoords="offset points", va="center", fontsize=SMALL, color=palette["ink"],
        )  # fmt: skip
        axes.annotate(
            "■", (1, height), xycoords=("axes fraction", "data"), xytext=(3, 0),
            textcoords="offset points", va="center", fontsize=SMALL, color=palette[_role(status)],
        )  # fmt: skip


def _describe(title: str, columns: Sequence[_Column], statuses: Sequence[str]) -> str:
    """What is to be seen, in numbers: the first column, the last, and the most of each status."""
    parts = [f"{title}: {plural(len(columns), 'column')} from {columns[0].name} to "
             f"{columns[-1].name}."]  # fmt: skip
    for column in (columns[0], columns[-1]) if len(columns) > 1 else columns:
        counts = ", ".join(f"{s} {column.counts[s]}" for s in statuses if s in column.counts)
        parts.append(f"At {column.name}: {counts}.")
    return " ".join(parts)


PICTURE: Final = Picture(
    name="board",
    shows="How many rows of the board stood in each status at each version.",
    takes="reported",
    needs_subject=False,
    queries={"versions": {"query": "board_versions", "reported": "{subject}"}},
    lacking=lacking,
    hint="declare a criterion: ledger record criterion.declared",
    draw=draw,
)

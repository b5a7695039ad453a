"""What the pictures of a comparison share: its points in a grid of layers and capture points."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from ledger.pictures.base import Row, Rows

#: What the pictures of a comparison are drawn from.
QUERIES: Final[Mapping[str, Mapping[str, object]]] = {
    "points": {"query": "compare", "run": "{subject}"},
    "comparisons": {"query": "comparisons"},
}


@attrs.frozen(slots=True)
class Grid:
    """The points of a comparison: kinds of point across, layers down, and the model's own apart."""

    kinds: tuple[str, ...]
    layers: tuple[int, ...]
    cells: dict[tuple[int, str], Row]
    whole: tuple[Row, ...]

    @property
    def rows(self) -> list[Row]:
        """Every point, those of the layers first."""
        return [*self.cells.values(), *self.whole]


def grid(rows: Rows) -> Grid:
    """The points of a comparison as a grid, in the order of computation."""
    kinds: dict[str, None] = {}
    cells: dict[tuple[int, str], Row] = {}
    for row in rows["points"]:
        if row["layer"] is not None:
            kinds.setdefault(str(row["point"]))
            cells[int(row["layer"]), str(row["point"])] = row
    whole = tuple(row for row in rows["points"] if row["layer"] is None)
    return Grid(tuple(kinds), tuple(sorted({layer for layer, _ in cells})), cells, whole)


def comparison(rows: Rows, subject: str | None) -> Row:
    """The comparison itself."""
    return next(row for row in rows["comparisons"] if row["run"] == subject)


def lacking(rows: Rows, subject: str | None) -> str | None:
    """A picture needs points; a comparison that was not possible has none."""
    if not any(row["run"] == subject for row in rows["comparisons"]):
        return f"run {subject} is no comparison"
    if not rows["points"]:
        found = comparison(rows, subject)
        return f"{subject} compared no points: its answer is {found['result']}"
    return None


def place(row: Row) -> str:
    """Where a point is, in words."""
    return str(row["point"]) if row["layer"] is None else f"layer {row['layer']} {row['point']}"


def heading(found: Row) -> str:
    """What was compared, and the answer."""
    answer = str(found["result"]).replace("_", " ")
    return f"{found['run_b']} against {found['run_a']}: {answer}"


def number(value: Any) -> str:  # noqa: ANN401 - a float or None
    """A distance as text."""
    return "not finite" if value is None else f"{value:.3g}"

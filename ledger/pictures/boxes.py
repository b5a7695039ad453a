"""Boxes and arrows in ranks, from the top down: the layout of the diagrams.

Each box is placed one rank below the lowest of those that point at it. A rank holds at most three
boxes; what is over goes to a rank of its own below. An arrow that passes a rank has a lane there,
shared by all arrows of its box, so that no line runs behind a box. Lanes and boxes of a rank stand
in the order of what is above them. The same boxes give the same picture.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from ledger.pictures.measures import wrap
from ledger.pictures.style import BODY, SMALL, WIDTH, Palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST: Final = 3
_MARGIN, _BETWEEN, _LANE, _RANK_GAP, _PAD = 10.0, 8.0, 12.0, 20.0, 6.0
_LEAD: Final = 3.0


@attrs.frozen(slots=True, kw_only=True)
class Box:
    """One box: a line in bold, lines below it, and the colour of its edge."""

    key: int
    heading: str
    lines: tuple[str, ...]
    role: str
    points_at: tuple[int, ...]


@attrs.frozen(slots=True)
class _Place:
    """Where a box or a lane is: its left, its width, and the text of a box in lines."""

    left: float
    width: float
    box: Box | None
    text: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def middle(self) -> float:
        """Where arrows begin and end."""
        return self.left + self.width / 2

    @property
    def height(self) -> float:
        """How high a box is with its text; a lane has none."""
        if self.box is None:
            return 0.0
        heading, lines = self.text
        return 2 * _PAD + len(heading) * (BODY + _LEAD) + len(lines) * (SMALL + _LEAD)


@attrs.frozen(slots=True)
class Layout:
    """Ranks of places by key; a negative key is the lane of the box of that key, less one."""

    ranks: tuple[dict[int, _Place], ...]

    @property
    def height(self) -> float:
        """Height of it all, in points."""
        return sum(map(_rank_height, self.ranks)) + _RANK_GAP * (len(self.ranks) - 1) + _MARGIN


def _rank_height(rank: Mapping[int, _Place]) -> float:
    return max(place.height for place in rank.values())


def lay_out(boxes: Sequence[Box], most: int = _MOST) -> Layout:
    """Place boxes. What a box points at and is not there is left out; circles are not for this."""
    by_key = {box.key: box for box in boxes}
    depth = _depths(by_key)
    ranks: list[list[int]] = []
    row_of: dict[int, int] = {}
    for level in range(max(depth.values()) + 1):
        members = [key for key in by_key if depth[key] == level]
        members.sort(key=lambda key: (_pull(key, by_key, row_of, ranks), key))
        for start in range(0, len(members), most):
            row_of |= dict.fromkeys(members[start : start + most], len(ranks))
            ranks.append(_with_lanes(members[start : start + most], by_key, depth, row_of, ranks))
    return Layout(tuple(_place(rank, by_key) for rank in _drop_lanes(ranks, by_key, row_of)))


def _depths(by_key: Mapping[int, Box]) -> dict[int, int]:
    """The longest way from the top to each box."""
    depth = dict.fromkeys(by_key, 0)
    for _ in by_key:  # as often as the longest way could be
        moved = False
        for box in by_key.values():
            for below in box.points_at:
                if below in depth and depth[below] <= depth[box.key] < len(by_key):
                    depth[below] = depth[box.key] + 1
                    moved = True
        if not moved:
            break
    return depth


def _pull(
    key: int,
    by_key: Mapping[int, Box],
    row_of: Mapping[int, int],
    ranks: Sequence[Sequence[int]],
) -> float:
    """Where a box would like to stand across: the mean of those that point at it, from 0 to 1."""
    places = []
    for above in row_of:
        if key in by_key[above].points_at:
            row = ranks[-1]
            at = next((n for n, k in enumerate(row) if k in (above, -above - 1)), None)
            if at is not None:
                places.append((at + 0.5) / len(row))
    return sum(places) / len(places) if places else 0.5


def _with_lanes(
    members: Sequence[int],
    by_key: Mapping[int, Box],
    depth: Mapping[int, int],
    row_of: Mapping[int, int],
    ranks: Sequence[Sequence[int]],
) -> list[int]:
    """A rank: its boxes, and between them the lanes of boxes above that point further down."""
    level = depth[members[0]]
    passing = [
        key
        for key in row_of
        if key not in members
        and any(below in by_key and below not in row_of for below in by_key[key].points_at)
        and depth[key] <= level
    ]
    above = ranks[-1] if ranks else []
    order = {(-k - 1 if k < 0 else k): n for n, k in enumerate(above)}
    size = max(len(above), 1)
    wanted = [(_pull(key, by_key, row_of, ranks) if ranks else 0.5, key) for key in members]
    wanted += [((order.get(key, 0) + 0.5) / size, -key - 1) for key in passing]
    return [key for _, key in sorted(wanted, key=lambda one: (one[0], one[1] < 0, one[1]))]


def _drop_lanes(
    ranks: Sequence[Sequence[int]], by_key: Mapping[int, Box], row_of: Mapping[int, int]
) -> list[list[int]]:
    """The ranks without lanes that lead nowhere."""
    kept = []
    for row, rank in enumerate(ranks):
        kept.append([
            key
            for key in rank
            if key >= 0
            or any(row_of.get(below, -1) > row for below in by_key[-key - 1].points_at)
        ])  # fmt: skip
    return kept


def _place(rank: Sequence[int], by_key: Mapping[int, Box]) -> dict[int, _Place]:
    """Left and width of what stands in a rank; boxes share what lanes leave."""
    boxes = sum(key >= 0 for key in rank)
    lanes = len(rank) - boxes
    free = WIDTH - 2 * _MARGIN - lanes * _LANE - (len(rank) - 1) * _BETWEEN
    width = free / boxes
    if boxes == 1 and lanes == 0:
        width = min(width, 260.0)
    left = (WIDTH - boxes * width - lanes * _LANE - (len(rank) - 1) * _BETWEEN) / 2
    places = {}
    for key in rank:
        box = by_key.get(key)
        size = width if box is not None else _LANE
        places[key] = _Place(left, size, box, _text(box, size))
        left += size + _BETWEEN
    return places


def _text(box: Box | None, width: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if box is None:
        return (), ()
    inner = width - 2 * _PAD
    lines = [line for text in box.lines for line in wrap(text, inner, SMALL)]
    return tuple(wrap(box.heading, inner * 0.9, BODY)), tuple(lines)  # bold is wider


def draw_boxes(figure: "Figure", palette: Palette, layout: Layout, top: float) -> None:
    """Draw a layout, its first rank at `top` points from the top."""
    height = figure.get_size_inches()[1] * 72
    axes = figure.add_axes((0, 0, 1, 1), facecolor="none")
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    y = top
    tops = []
    for rank in layout.ranks:
        tops.append(y)
        for place in rank.values():
            if place.box is not None:
                _draw_box(axes, palette, place, y)
        y += _rank_height(rank) + _RANK_GAP
    _draw_arrows(axes, palette, layout, tops)


def _draw_box(axes: Any, palette: Palette, place: _Place, top: float) -> None:  # noqa: ANN401
    """A card with a thick edge at its left, and its text."""
    from matplotlib.patches import Rectangle

    assert place.box is not None
    colour = palette[place.box.role]
    axes.add_patch(
        Rectangle(
            (place.left, top),
            place.width,
            place.height,
            facecolor=palette["card"],
            edgecolor=colour,
            linewidth=0.8,
        )
    )
    axes.add_patch(Rectangle((place.left, top), 3, place.height, facecolor=colour, linewidth=0))
    y = top + _PAD
    heading, lines = place.text
    for text in heading:
        y += BODY + _LEAD
        axes.text(
            place.left + _PAD + 1, y - _LEAD, text, fontsize=BODY, fontweight="bold",
            color=palette["ink"],
        )  # fmt: skip
    for text in lines:
        y += SMALL + _LEAD
        axes.text(place.left + _PAD + 1, y - _LEAD, text, fontsize=SMALL, color=palette["ink"])


def _draw_arrows(
    axes: Any,  # noqa: ANN401 - matplotlib's own
    palette: Palette,
    layout: Layout,
    tops: Sequence[float],
) -> None:
    """Lines from rank to rank: from a box or its lane to what it points at, or to its next lane."""
    line = {"color": palette["faint"], "linewidth": 1.0, "solid_capstyle": "round"}
    for row, rank in enumerate(layout.ranks[:-1]):
        below = layout.ranks[row + 1]
        bottom = tops[row] + _rank_height(rank)
        for key, place in rank.items():
            source = key if key >= 0 else -key - 1
            start = tops[row] + place.height
            ends = [k for k in below if k == -source - 1 or _is_target(source, k, layout)]
            if ends:
                axes.plot([place.middle, place.middle], [start, bottom], **line)
            for end in ends:
                target = below[end]
                axes.plot(
                    [place.middle, target.middle],
                    [bottom, tops[row + 1] - (4 if end >= 0 else 0)],
                    **line,
                )
                if end >= 0:
                    axes.plot(
                        [target.middle], [tops[row + 1] - 3.5], marker="v", markersize=5,
                        color=palette["faint"], linestyle="none",
                    )  # fmt: skip


def _is_target(source: int, key: int, layout: Layout) -> bool:
    """Whether the box `source` points at the box `key`."""
    for places in layout.ranks:
        place = places.get(source)
        if place is not None and place.box is not None:
            return key in place.box.points_at
    return False

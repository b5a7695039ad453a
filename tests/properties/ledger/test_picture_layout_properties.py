"""Diagrams of any shape: boxes apart, arrows downwards, and no letter of their text lost."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.pictures.boxes import Box, lay_out
from ledger.pictures.measures import spread, text_width, wrap
from ledger.pictures.style import WIDTH

WORDS = st.text(
    st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=60
)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)


@st.composite
def graphs(draw):
    """Boxes that point at boxes after them: no circles."""
    count = draw(st.integers(1, 14))
    return [
        Box(
            key=key,
            heading=draw(WORDS),
            lines=(draw(TEXTS),),
            role="first",
            points_at=tuple(draw(st.sets(st.integers(key + 1, count), max_size=4))),
        )
        for key in range(count)
    ]


@settings(max_examples=60)
@given(graphs())
def test_boxes_lie_apart_and_below_what_points_at_them(boxes):
    """Each box is there once, on the paper, beside the others of its rank, below its callers."""
    ranks = lay_out(boxes).ranks
    row = {key: n for n, rank in enumerate(ranks) for key in rank if key >= 0}
    assert sorted(row) == [box.key for box in boxes]
    for rank in ranks:
        places = sorted(rank.values(), key=lambda place: place.left)
        assert places[0].left >= 0
        assert places[-1].left + places[-1].width <= WIDTH
        for one, other in itertools.pairwise(places):
            assert one.left + one.width < other.left
    for box in boxes:
        for below in box.points_at:
            assert below not in row or row[below] > row[box.key]


@settings(max_examples=60)
@given(graphs())
def test_an_arrow_has_a_lane_through_every_rank_that_it_passes(boxes):
    """Each rank between a box and what it points at has a lane of the box; no other has."""
    ranks = lay_out(boxes).ranks
    row = {key: n for n, rank in enumerate(ranks) for key in rank if key >= 0}
    needed = {
        (between, -box.key - 1)
        for box in boxes
        for below in box.points_at
        if below in row
        for between in range(row[box.key] + 1, row[below])
    }
    lanes = {(n, key) for n, rank in enumerate(ranks) for key in rank if key < 0}
    assert lanes == needed


@settings(max_examples=60)
@given(TEXTS, st.floats(30, 300))
def test_wrapping_keeps_every_letter(text, width):
    """Lines are no wider than asked for, and hold all letters in their order."""
    lines = wrap(text, width, 8)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(text_width(line, 8) <= width or len(line) == 1 for line in lines)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=9))
def test_labels_are_moved_apart(heights):
    """Labels that fit lie apart, within bounds, in their order; what lies apart stays put."""
    placed = spread(heights, 10, 0, 100)
    order = sorted(range(len(heights)), key=lambda n: (heights[n], n))
    gaps = [placed[b] - placed[a] for a, b in itertools.pairwise(order)]
    assert all(gap >= 10 - 1e-9 for gap in gaps)
    assert all(-1e-9 <= height <= 100 + 1e-9 for height in placed)
    wanted = [heights[b] - heights[a] for a, b in itertools.pairwise(order)]
    if all(gap >= 10 for gap in wanted):
        assert placed == heights

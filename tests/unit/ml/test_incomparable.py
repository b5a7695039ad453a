"""Where identities differ: each of the artefacts that were once taken for a fault, and the fix."""

import pytest

from ml.comparison import TraceData, compare
from ml.engines.forced import check_forced
from ml.errors import UnknownPoint
from ml.incomparable import SIDES
from ml.points import ALL_POINTS
from ml.tracing import trace

PROMPT = [319, 75, 75, 78]


@pytest.fixture
def traced(tiny4):
    """A trace through the reference with the options given."""

    def run(**options):
        return TraceData.of(trace(tiny4, PROMPT, engine="numpy", **options))

    return run


def test_the_set_of_rows(traced):
    """All tokens against the last one, in both orders: the field, both values, one line of fix."""
    whole, last = traced(), traced(rows="last")
    for one, other in ((whole, last), (last, whole)):
        found = compare(one, other)
        assert (found.result, found.points) == ("incomparable", ())
        (difference,) = found.identity_differences
        assert difference.name == "rows"
        assert difference.fix.startswith("trace both with the same rows (--rows all")
        assert "\n" not in difference.fix


@pytest.mark.parametrize(("one", "other"), [("q_matmul", "q_bias"), ("k_bias", "k_rope")])
def test_the_side_of_an_operation(traced, one, other):
    """Before against after the bias, or RoPE: told with its fix, before the list of points."""
    found = compare(traced(points=[one]), traced(points=[other]))
    assert (found.result, found.points) == ("incomparable", ())
    side = found.identity_differences[0]
    assert side.name == f"boundaries[{one} | {other}].boundary"
    assert side.a != side.b
    assert f"--points {one}" in side.fix
    assert f"--points {other}" in side.fix


def test_points_that_both_have_are_on_no_other_side(traced):
    """A point more on one side is a difference of points alone."""
    found = compare(traced(points=["q_*"]), traced(points=["q_matmul", "q_bias"]))
    assert [d.name for d in found.identity_differences] == ["points"]


def test_every_side_is_a_point():
    """The table names points that exist, each once."""
    names = [name for family in SIDES for name in family]
    assert len(names) == len(set(names))
    assert set(names) <= ALL_POINTS


def test_nothing_is_forced_where_there_is_nothing():
    """Places are checked against the model's layers before a pass."""
    import numpy as np

    value = np.zeros((4, 8), np.float32)
    check_forced({("output", 1): value, ("logits", None): value}, tokens=4, layers=2)
    with pytest.raises(UnknownPoint, match="layer 2 output"):
        check_forced({("output", 2): value}, tokens=4, layers=2)

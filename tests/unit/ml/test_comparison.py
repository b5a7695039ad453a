"""Comparing stored evidence: identity first, then the path, then the numbers."""

import json

import numpy as np
import pytest
from attrs import evolve

from ml.comparison import TraceData, compare
from ml.errors import BadOption, MalformedTrace
from ml.rows import from_blob, to_blob
from ml.sketch import LANES
from ml.tracing import trace

PROMPT = [319, 75, 75, 78, 220, 272, 68]


@pytest.fixture(scope="module")
def data():
    """Evidence of one trace."""
    from pathlib import Path

    model = Path(__file__).parents[2] / "data" / "reference" / "tiny4-f16.gguf"
    return TraceData.of(trace(model, PROMPT, engine="numpy"))


def changed(data, point, row, scale):
    """The same evidence with one row's activations scaled at one point."""
    rows = from_blob(data.blob, 43, 7).copy()
    rows[point, row, 1:] *= np.float32(scale)
    return evolve(data, blob=to_blob(rows))


def with_identity(data, **fields):
    """The same evidence under another identity."""
    return evolve(data, identity={**data.identity, **fields})


def test_a_trace_equals_itself(data):
    """No path difference, every row bit-equal, nothing resolved."""
    found = compare(data, data)
    assert found.result == "equal"
    assert found.first_divergence is None
    assert found.path_differences == found.identity_differences == ()
    assert all(p.bit_equal and p.largest == p.median == 0 and not p.resolved for p in found.points)
    assert all(p.std_ratio == 1 for p in found.points)


def test_one_scaled_row_is_found_where_it_is(data):
    """Point, layer, position and d_row; other points are untouched."""
    found = compare(data, changed(data, 13, 4, 1.01))
    assert found.result == "differs"
    first = found.first_divergence
    assert (first.point, first.layer) == (found.points[13].point, found.points[13].layer)
    assert first.position == 4
    assert first.d_row == pytest.approx(0.01, rel=0.35)
    assert [p.bit_equal for p in found.points].count(False) == 1
    assert found.points[13].median == 0


def test_the_threshold_decides_what_diverges(data):
    """And is recorded in the result."""
    other = changed(data, 13, 4, 1.0001)
    assert compare(data, other).first_divergence is None
    strict = compare(data, other, threshold=1e-6)
    assert strict.first_divergence is not None
    assert strict.threshold == strict.to_record()["threshold"] == 1e-6
    for threshold in (0, -1, float("nan"), float("inf")):
        with pytest.raises(BadOption):
            compare(data, other, threshold=threshold)


def test_below_the_resolution(data):
    """A row that differs by 1e-6 differs, and is not resolved."""
    found = compare(data, changed(data, 13, 4, 1.000001))
    assert (found.result, found.points[13].bit_equal) == ("differs", False)
    assert found.points[13].resolved is False


def test_distances_are_relative_to_the_first_side(data):
    """d_row = rms(a - b) / rms(a)."""
    double = changed(data, 13, 4, 2.0)
    forth = compare(data, double).first_divergence.d_row
    back = compare(double, data).first_divergence.d_row
    assert forth == pytest.approx(2 * back * np.sqrt(2), rel=0.5)
    assert forth > back


def test_a_missing_sketch_on_one_side_is_infinitely_far(data):
    """JSON says "Infinity"; on both sides alike it is no difference."""
    rows = from_blob(data.blob, 43, 7).copy()
    rows[5, 2, -LANES:] = np.nan
    broken = evolve(data, blob=to_blob(rows))
    found = compare(data, broken)
    assert found.first_divergence.d_row == float("inf")
    record = json.loads(json.dumps(found.to_record(), allow_nan=False))
    assert record["first_divergence"]["d_row"] == "Infinity"
    assert compare(broken, broken).result == "equal"
    assert compare(broken, broken).first_divergence is None


def test_rows_of_nothing(data):
    """All zero on one side: infinitely far; on both: equal."""
    rows = from_blob(data.blob, 43, 7).copy()
    rows[5, 2, 1:6] = 0
    rows[5, 2, -LANES:] = 0
    silent = evolve(data, blob=to_blob(rows))
    assert compare(silent, data).points[5].largest == float("inf")
    assert compare(data, silent).points[5].largest == pytest.approx(1, rel=0.35)
    assert compare(silent, silent).result == "equal"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"tokens_sha256": "0" * 64}, "tokens_sha256"),
        ({"positions": {"count": 7, "first": 1}}, "positions"),
        ({"rows": {"kept": [6], "selection": "last"}}, "rows"),
        ({"sketch_version": 2}, "sketch_version"),
        ({"format_version": 2}, "format_version"),
        ({"something_new": 1}, "something_new"),
    ],
)
def test_unequal_identities_are_incomparable(data, fields, name):
    """The field, both values and a one-line fix; no number is computed."""
    found = compare(data, with_identity(data, **fields))
    assert found.result == "incomparable"
    (difference,) = found.identity_differences
    assert difference.name == name
    assert difference.a != difference.b
    assert "\n" not in difference.fix
    assert found.points == ()
    assert found.first_divergence is None
    json.dumps(found.to_record(), allow_nan=False)


@pytest.mark.parametrize("part", ["boundary", "layout"])
def test_another_boundary_or_layout(data, part):
    """The week that was lost to a bias: named with its point."""
    boundaries = {name: dict(said) for name, said in data.identity["boundaries"].items()}
    boundaries["qkv"][part] = "before the bias"
    (difference,) = compare(data, with_identity(data, boundaries=boundaries)).identity_differences
    assert difference.name == f"boundaries[qkv].{part}"
    assert difference.b == "before the bias"


def test_another_width(data):
    """Models of two shapes: named with point and layer."""
    points = [list(point) for point in data.identity["points"]]
    points[2][2] = 1
    (difference,) = compare(data, with_identity(data, points=points)).identity_differences
    assert (difference.name, difference.b) == ("points[qkv, layer 0].width", 1)


def test_other_points_are_incomparable(data):
    """Both sides' own points are listed."""
    points = data.identity["points"][:-1]
    (difference,) = compare(data, with_identity(data, points=points)).identity_differences
    assert (difference.name, difference.a, difference.b) == ("points", ["logits"], [])


def test_all_differences_of_identity_are_told_at_once(data):
    """The most telling first."""
    other = with_identity(data, rows={"kept": [6], "selection": "last"}, tokens_sha256="0")
    names = [d.name for d in compare(data, other).identity_differences]
    assert names == ["tokens_sha256", "rows"]


def test_path_differences_are_listed(data):
    """Without a recorded floor there is no verdict on them."""
    other = {**data.path, "kv_dtype": "f16", "weight_formats": {"F16": "otherwise"}}
    found = compare(data, evolve(data, path=other))
    assert found.result == "no_floor"
    told = {d.name: (d.a, d.b) for d in found.path_differences}
    assert told["kv_dtype"] == ("f32", "f16")
    assert told["weight_formats.F16"][1] == "otherwise"
    assert told["weight_formats.F32"][1] is None


def test_evidence_that_does_not_fit(data):
    """A cut blob, and a garbled record."""
    with pytest.raises(MalformedTrace):
        compare(data, evolve(data, blob=data.blob[:-4]))
    garbled = with_identity(data, points=[{"layer": 1}])
    with pytest.raises(MalformedTrace):
        compare(garbled, garbled)

"""Which floor two traces are held against, and what comes of it."""

import pytest
from attrs import evolve

from ml.comparison import TraceData, compare
from ml.floor_measuring import FLOORS
from ml.floors import MOST_REASONS, Floor, PointFloor, choose_floor, free_limits
from ml.rows import from_blob, to_blob
from ml.tracing import trace

PROMPT = [319, 75, 75, 78]
CITE = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def sides():
    """The same prompt with caches of f32 and of f16."""
    from pathlib import Path

    model = Path(__file__).parents[2] / "data" / "reference" / "tiny4-f16.gguf"
    return tuple(TraceData.of(trace(model, PROMPT, engine="numpy", kv=kv)) for kv in ("f32", "f16"))


def floor(sides, height, **changes):
    """A floor of one height at every point, for the paths of two traces."""
    known = PointFloor(**dict.fromkeys(FLOORS, height))
    a, b = sides
    fields = {
        "cite": CITE,
        "run": "floor-0001",
        "path_a": a.path,
        "path_b": b.path,
        "points": {(name, layer): known for name, layer, _ in a.identity["points"]},
    }
    return Floor(**(fields | changes))


def test_without_a_floor_nothing_is_expected(sides):
    """Paths that differ and no floor on record: no_floor, and no reason to tell."""
    found = compare(*sides)
    assert (found.result, found.floor.reasons) == ("no_floor", ())


@pytest.mark.parametrize(("height", "result"), [(1e-2, "expected"), (1e-6, "over_floor")])
def test_a_floor_decides(sides, height, result):
    """Within three floors everywhere: expected. Over them at one: over_floor, and which."""
    found = compare(*sides, floors=[floor(sides, height)])
    assert found.result == result
    assert found.floor.floor is not None
    first = found.first_over_floor
    assert (first is None) == (result == "expected")
    # K and V are rounded: the first thing that can differ is what attention makes of them.
    assert first is None or (first.point, first.layer) == ("attn_out", 0)


def test_the_other_way_round(sides):
    """Which side was called a does not matter; it is told."""
    found = compare(sides[1], sides[0], floors=[floor(sides, 1e-2)])
    assert (found.result, found.floor.is_turned) == ("expected", True)


def test_one_path_needs_no_floor(sides):
    """Along one path the answer is equal or differs, whatever floors there are."""
    found = compare(sides[0], sides[0], floors=[floor(sides, 1e-2)])
    assert (found.result, found.floor.floor) == ("equal", None)


def test_a_floor_of_another_path_is_not_used(sides):
    """The answer says in which field it is another one."""
    a, _ = sides
    other = floor(sides, 1e-2, path_a={**a.path, "device": "cuda:0"})
    found = compare(*sides, floors=[other])
    assert found.result == "no_floor"
    assert found.floor.reasons == (
        "floor-0001 was measured with device 'cuda:0' where a has 'cpu'",
    )


def test_a_floor_of_another_model_is_not_used(sides):
    """Another file on either side: the answer says so once."""
    a, b = sides
    paths = {
        name: {**side.path, "model_sha256": "0" * 64}
        for name, side in (("path_a", a), ("path_b", b))
    }
    found = compare(*sides, floors=[floor(sides, 1e-2, **paths)])
    assert found.result == "no_floor"
    assert found.floor.reasons == ("floor-0001 was measured with another model",)


def test_a_fallen_floor_is_not_used(sides):
    """Refuted or withdrawn: the answer says why; an older one that stands is used instead."""
    fallen = floor(sides, 1e-2, fallen="what it rests on was refuted", run="floor-0002")
    found = compare(*sides, floors=[fallen])
    assert found.result == "no_floor"
    assert found.floor.reasons == (
        "floor-0002 carries nothing any more: what it rests on was refuted",
    )
    both = compare(*sides, floors=[floor(sides, 1e-2), fallen])
    assert (both.result, both.floor.floor.run) == ("expected", "floor-0001")


def test_the_last_floor_is_used(sides):
    """Of several for the same paths the newest counts, higher or lower."""
    older, newer = floor(sides, 1.0), floor(sides, 1e-6, run="floor-0002")
    assert compare(*sides, floors=[older, newer]).result == "over_floor"
    assert compare(*sides, floors=[newer, older]).result == "expected"


def test_a_floor_without_a_point_is_not_used(sides):
    """A floor that was not measured everywhere explains nothing where it was not."""
    whole = floor(sides, 1e-2)
    points = {at: value for at, value in whole.points.items() if at[0] != "qkv"}
    found = compare(*sides, floors=[evolve(whole, points=points)])
    assert found.result == "no_floor"
    assert found.floor.reasons == ("floor-0001 was not measured at qkv",)


def test_the_nearest_reasons_are_told(sides):
    """Of many floors for other paths only the nearest three, the most alike first."""
    a, _ = sides
    fields = ("device", "kv_dtype", "container", "attention_form", "batching")
    floors = [
        floor(sides, 1.0, run=f"floor-{n}", path_a={**a.path, **dict.fromkeys(fields[:n], "x")})
        for n in (5, 4, 3, 2, 1)
    ]
    told = choose_floor(floors, sides[0].path, sides[1].path).reasons
    assert len(told) == MOST_REASONS
    assert [reason.split()[0] for reason in told] == ["floor-1", "floor-2", "floor-3"]


def test_an_infinite_distance_is_never_within_a_floor(sides):
    """A NaN on one side is over the highest floor."""
    a, b = sides
    points, kept = len(b.identity["points"]), len(b.identity["rows"]["kept"])
    rows = from_blob(b.blob, points, kept).copy()
    rows[5, 2, 10:] = float("nan")
    rows[5, 2, 0] -= 1
    rows[5, 2, 6] += 1
    found = compare(a, evolve(b, blob=to_blob(rows)), floors=[floor(sides, 1e30)])
    assert found.result == "over_floor"
    assert found.first_over_floor.largest == float("inf")


def test_the_median_is_held_against_its_own_floor(sides):
    """A largest row within its floor does not excuse a median that is not."""
    whole = floor(sides, 1.0)
    points = {at: evolve(value, free_median=1e-6) for at, value in whole.points.items()}
    assert compare(*sides, floors=[evolve(whole, points=points)]).result == "over_floor"


def test_a_sketch_resolves_no_less_than_it_can():
    """Limits for distances by sketch are not under 1e-5, however low the floor is."""
    least = PointFloor(**dict.fromkeys(FLOORS, 1e-6))
    assert free_limits(least) == (1e-5, 1e-5)
    assert free_limits(evolve(least, free_max=1e-4)) == (pytest.approx(3e-4), 1e-5)


def test_the_record_says_what_was_used(sides):
    """Floors and answers of each point are in the record of a comparison."""
    points = compare(*sides, floors=[floor(sides, 1e-6)]).to_record()["points"]
    assert {point["is_over_floor"] for point in points} == {True, False}
    assert all(point["floor"]["free_max"] == 1e-6 for point in points)

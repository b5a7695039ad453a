"""Somebody else's trace: what the contract says is what is compared, and nothing is guessed."""

import json

import numpy as np
import pytest
import yaml
from documents import ROOT

from ml import portable_sketch, sketch
from ml.comparison import TraceData, compare
from ml.errors import MalformedTrace
from ml.imported_contract import read_contract
from ml.imported_traces import NOT_STATED, read_trace
from ml.statistics import row_statistics
from ml.tracing import trace

IDS = [319, 75, 75, 78, 220, 272, 68]
LAYERS = "0-3"


@pytest.fixture(scope="module")
def traced(reference):
    """tiny4 through the numpy engine, every activation kept."""
    return trace(reference / "tiny4-f16.gguf", IDS, engine="numpy", keep_tensors=True)


@pytest.fixture(scope="module")
def reference():
    """The folder of the tiny models."""
    return ROOT / "tests" / "data" / "reference"


def contract(points, **changes):
    """The fields of a contract."""
    fields = {"format": "imported-trace/1", "program": "other 1.0", "ids": IDS, "points": points}
    return fields | changes


def written(folder, fields):
    """A contract in a file beside the folder."""
    path = folder.parent / "contract.yaml"
    path.write_text(yaml.safe_dump(fields), encoding="utf-8")
    return path


def read(folder, fields):
    """The imported trace of a folder."""
    return read_trace(folder, read_contract(written(folder, fields)))


def save(folder, tensors, change=lambda values: values):
    """Each activation in a file of its own; the points of the contract."""
    folder.mkdir(exist_ok=True)
    points = {}
    for (point, layer), values in tensors.items():
        name = f"{point}.npy" if layer is None else f"{point}.{layer}.npy"
        np.save(folder / name, change(values))
        entry = {"point": point, "file": f"{point}.npy"}
        if layer is not None:
            entry = {"point": point, "layers": LAYERS, "file": f"{point}.{{layer}}.npy"}
        points[point] = entry
    return list(points.values())


@pytest.mark.parametrize("values", ["tensor", "rows"])
def test_the_same_numbers_compare_as_equal(traced, tmp_path, values):
    """Activations or ready rows of our own trace, taken in again, give the same rows."""
    change = portable_sketch.rows if values == "rows" else lambda array: array[None]
    points = save(tmp_path / "acts", traced.tensors, change)
    taken = read(tmp_path / "acts", contract(points, values=values))
    assert taken.identity == traced.identity
    ours = np.frombuffer(traced.blob, "<f4").reshape(-1, 74)
    theirs = np.frombuffer(taken.blob, "<f4").reshape(-1, 74)
    scale = ours[:, 5:6] + 1
    assert np.allclose(ours / scale, theirs / scale, atol=1e-6)
    result = compare(TraceData.of(traced), TraceData.of(taken))
    assert result.first_divergence is None
    assert "engine" in {difference.name for difference in result.path_differences}
    assert taken.path["kv_dtype"] == NOT_STATED


def test_the_last_row_is_not_all_rows(traced, tmp_path):
    """One row against all of them is incomparable, and the fix is told."""
    points = save(tmp_path / "acts", traced.tensors, lambda values: values[-1:])
    taken = read(tmp_path / "acts", contract(points, rows="last"))
    assert taken.kept_rows == (len(IDS) - 1,)
    result = compare(TraceData.of(traced), TraceData.of(taken))
    assert result.result == "incomparable"
    (difference,) = result.identity_differences
    assert difference.name == "rows"
    assert "the same rows" in difference.fix


def test_before_and_after_the_bias_are_two_points(traced, tmp_path):
    """A point that the other side lacks is incomparable: q before its bias is not q after it."""
    held = {key: value for key, value in traced.tensors.items() if key[0] == "output"}
    points = save(tmp_path / "acts", held)
    points[0]["point"] = "q_bias"
    result = compare(TraceData.of(traced), TraceData.of(read(tmp_path / "acts", contract(points))))
    assert result.result == "incomparable"


def test_heads_and_pairs(tmp_path):
    """Heads that come first, and pairs side by side, are brought into the canonical layout."""
    rng = np.random.default_rng(7)
    canonical = rng.standard_normal((7, 4 * 8)).astype(np.float32)
    heads = canonical.reshape(7, 4, 8)
    interleaved = heads.reshape(7, 4, 2, 4).transpose(0, 1, 3, 2).reshape(7, 4, 8)
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "q.npy", interleaved.transpose(1, 0, 2))
    entry = {"point": "q_rope", "layers": 0, "file": "q.npy", "heads": 4, "pairs": "interleaved"}
    taken = read(tmp_path / "a", contract([entry]))
    rows = np.frombuffer(taken.blob, "<f4").reshape(7, 74)
    assert np.array_equal(rows[:, :10], row_statistics(canonical))
    assert np.array_equal(rows[:, 10:], sketch.sketch(canonical))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((6, 8), np.float32), "has 6 rows, and 7 tokens are stated"),
        (np.zeros((7, 8), np.int32), "does not hold floating-point numbers"),
        (np.zeros((7,), np.float32), "has the shape [7], not [tokens, channels]"),
        (np.zeros((2, 7, 8), np.float32), "has the shape [2, 7, 8]"),
        (np.zeros((7, 0), np.float32), "has the shape [7, 0]"),
        (np.array(["x"] * 7, dtype=object), "cannot be read"),
    ],
)
def test_arrays_that_are_none(tmp_path, values, says):
    """An array of another shape or type is refused by the name of its file."""
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "logits.npy", values, allow_pickle=True)
    with pytest.raises(MalformedTrace) as caught:
        read(tmp_path / "a", contract([{"point": "logits", "file": "logits.npy"}]))
    assert "logits.npy" in str(caught.value)
    assert says in str(caught.value)


def test_everything_wrong_at_once(tmp_path):
    """A missing file, a file nobody named and a broken one are told together."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "logits.npy").write_bytes(b"\x93NUMPY\x01\x00junk")
    (tmp_path / "a" / "stray.npy").write_bytes(b"")
    points = [
        {"point": "logits", "file": "logits.npy"},
        {"point": "output", "layers": "0-1", "file": "o.{layer}.npy"},
    ]
    with pytest.raises(MalformedTrace) as caught:
        read(tmp_path / "a", contract(points))
    for says in ("o.0.npy is not there", "o.1.npy is not there", "logits.npy cannot be read",
                 "stray.npy: no point of the contract is in this file"):  # fmt: skip
        assert says in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": "x"}, "format: 'x' is not imported-trace/1"),
        ({"program": " "}, "program: say which"),
        ({"ids": []}, "ids: a list of token ids"),
        ({"ids": [1, True]}, "ids: a list"),
        ({"ids": [-1]}, "ids: a list"),
        ({"rows": "some"}, "rows: 'some' is not all or last"),
        ({"values": "x"}, "values: 'x'"),
        ({"path": {"kv": 1}}, "path: names with texts"),
        ({"model_sha256": "ab"}, "model_sha256: 64 hex digits"),
        ({"more": 1}, "more: unknown field"),
        ({"points": []}, "points: a list is needed"),
        ({"points": [1]}, "points[1]: not a mapping"),
        ({"points": [{"point": "x", "file": "a.npy"}]}, "'x' is no capture point"),
        ({"points": [{"point": "output", "file": "a.npy"}]}, "output has layers, such as 0-3"),
        ({"points": [{"point": "logits", "layers": 0, "file": "a.npy"}]}, "logits has no layers"),
        ({"points": [{"point": "logits", "file": "../a.npy"}]}, "the name of a file in the folder"),
        ({"points": [{"point": "logits", "file": "a.safetensors"}]}, "has named tensors"),
        ({"points": [{"point": "output", "layers": "0-3", "file": "a.npy"}]}, "write {layer}"),
        ({"points": [{"point": "output", "layers": "3-1", "file": "{layer}"}]}, "such as 0-3"),
        ({"points": [{"point": "logits", "file": "a.npy"}] * 2}, "is named twice"),
        ({"points": [{"point": "logits", "file": "a.npy", "heads": 0}]}, "0 is no number of heads"),
        ({"points": [{"point": "logits", "file": "a.npy", "pairs": "x"}]}, "pairs: 'x'"),
    ],
)
def test_contracts_that_are_none(tmp_path, changes, says):
    """Each mistake in a contract is told by its field."""
    fields = contract([{"point": "logits", "file": "a.npy"}]) | changes
    (tmp_path / "a").mkdir()
    with pytest.raises(MalformedTrace) as caught:
        read_contract(written(tmp_path / "a", fields))
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "!!python/object:os.x {}", "\x00", "x" * 10])
def test_files_that_are_no_contract(tmp_path, text):
    """What is no YAML mapping is refused, and nothing in it is executed."""
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MalformedTrace):
        read_contract(path)


def test_portable_rows_are_ours():
    """The file to paste gives our rows: statistics to the bit, lanes within float32 rounding."""
    rng = np.random.default_rng(3)
    values = rng.standard_normal((20, 333)).astype(np.float32)
    values[3, 5], values[4, 6], values[5, 7], values[6, :] = np.nan, np.inf, -np.inf, 0
    rows = portable_sketch.rows(values)
    assert np.array_equal(rows[:, :10], row_statistics(values))
    wanted = sketch.sketch(values)
    assert np.array_equal(np.isnan(rows[:, 10:]), np.isnan(wanted))
    assert np.allclose(rows[:, 10:], wanted, rtol=0, atol=1e-5, equal_nan=True)


def test_portable_sketch_has_the_vectors():
    """The file to paste reproduces the vectors of sketch v1."""
    cases = json.loads((ROOT / "tests/vectors/ml/sketch_v1.json").read_text())["rows"]
    assert cases
    for case in cases:
        row = np.array([case["row"]], dtype=np.float32)
        found = portable_sketch.sketch(row)[0]
        assert np.allclose(found, case["sketch"], rtol=0, atol=1e-6 * np.abs(row).sum())


def test_portable_sketch_is_one_small_file():
    """Under a hundred lines, and numpy is its only import."""
    text = (ROOT / "ml" / "portable_sketch.py").read_text()
    assert len(text.splitlines()) < 100
    assert [line for line in text.splitlines() if "import " in line and "`" not in line] == [
        "import numpy as np"
    ]

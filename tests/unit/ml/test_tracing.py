"""The trace value: what it holds and what it refuses (numpy engine; more in tests/numeric)."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from ml import errors
from ml.identity import canonical_bytes, canonical_digest, tokens_sha256
from ml.points import ALL_POINTS, DEFAULT_POINTS, in_order
from ml.rows import COLUMNS, from_blob
from ml.tracing import run, trace

PROMPT = [319, 75, 75, 78, 220, 272, 68]


@pytest.fixture
def traced(tiny4):
    """A trace of the reference prompt."""
    return trace(tiny4, PROMPT, engine="numpy")


def test_points_rows_and_blob_fit_together(traced):
    """Default points in computation order; the blob's statistics are those of the last row."""
    assert [(p.point, p.layer) for p in traced.points] == [
        (point.id, layer) for point, layer in in_order(DEFAULT_POINTS, 4)
    ]
    assert traced.identity["points"] == [[p.point, p.layer, p.width] for p in traced.points]
    assert set(traced.identity["boundaries"]) == {p.point for p in traced.points}
    assert len(traced.points) == 3 + 4 * 10
    assert traced.kept_rows == tuple(range(7))
    stored = from_blob(traced.blob, len(traced.points), 7)
    assert stored.shape == (43, 7, COLUMNS)
    for point, rows in zip(traced.points, stored, strict=True):
        assert point.rows == 7
        assert point.last.mean == rows[-1, 1]
        assert point.all.count == 7 * point.width


def test_records_are_canonical_json(traced):
    """ASCII keys, no floats, one byte string; the digest is of it."""
    for record in (traced.identity, traced.path):
        text = canonical_bytes(record)
        assert json.loads(text) == record
        assert canonical_digest(json.loads(text)) == canonical_digest(record)
        assert b"." not in b"".join(k.encode() for k in keys(record))
        assert not [leaf for leaf in leaves(record) if isinstance(leaf, float)]
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_bytes({"a": float("nan")})


def keys(record):
    """All keys, deep."""
    for key, value in record.items():
        assert key.isascii()
        yield key
        if isinstance(value, dict):
            yield from keys(value)


def leaves(value):
    """All values that hold no others."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for item in value:
        yield from leaves(item)


def test_the_records_state_what_was_done(traced, tiny4):
    """The fields that others rely on."""
    assert traced.identity["tokens_sha256"] == tokens_sha256(PROMPT)
    assert traced.identity["positions"] == {"count": 7, "first": 0}
    assert traced.identity["rows"] == {"kept": list(range(7)), "selection": "all"}
    assert traced.path["model_sha256"] == traced.model.sha256
    assert (traced.path["kv_dtype"], traced.path["device"]) == ("f32", "cpu")
    assert set(traced.path["weight_formats"]) == {"F16", "F32"}
    assert traced.model.size_bytes == tiny4.stat().st_size
    assert (traced.model.name, traced.model.architecture) == ("tiny4", "qwen2")
    assert traced.environment["device_asked"] == "auto"
    assert traced.wall_ms > 0


def test_tokens_digest():
    """SHA-256 of the ids as little-endian u32."""
    import hashlib

    assert tokens_sha256([1, 258]) == hashlib.sha256(b"\1\0\0\0\2\1\0\0").hexdigest()


def test_top_breaks_ties_by_the_lowest_id(traced):
    """The house rule; NaN comes last."""
    logits = np.array([1.0, 3.0, np.nan, 3.0, -np.inf], dtype=np.float32)
    tied = evolve(traced, logits=logits)
    assert [token for token, _ in tied.top(5)] == [1, 3, 0, 4, 2]
    assert tied.top(1) == ((1, 3.0),)


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ([], "no token"),
        ([1, 512], "position 1 holds 512"),
        ([-1], "position 0 holds -1"),
        ([True, 1], "position 0 holds True"),
        ([1.0], "position 0 holds 1.0"),
        (["1"], "position 0 holds '1'"),
        ([2**70], "outside the vocabulary"),
        ([1] * 2049, "2049 tokens, and the model takes 2048"),
    ],
)
@pytest.mark.parametrize("engine", ["numpy", "a"])
def test_prompts_that_are_refused(tiny4, ids, says, engine):
    """Before anything is computed, by every engine alike."""
    with pytest.raises(errors.BadPrompt, match=says) as caught:
        trace(tiny4, ids, engine=engine)
    assert caught.value.hint


def test_numpy_integers_are_ids(tiny4):
    """An array of ids is as good as a list."""
    ids = np.array([1, 2], dtype=np.int16)
    assert trace(tiny4, ids, engine="numpy").identity["tokens_sha256"] == tokens_sha256([1, 2])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"engine": "z"}, errors.UnknownEngine),
        ({"kv": "bf16"}, errors.BadOption),
        ({"activation": "q8"}, errors.BadOption),
        ({"engine": "b", "activation": "q4", "device": "cpu"}, errors.BadOption),
        ({"points": ["qkv", "nowhere"]}, errors.UnknownPoint),
        ({"points": []}, errors.UnknownPoint),
        ({"device": "gpu"}, errors.BadDevice),
        ({"device": "cuda"}, errors.DeviceUnavailable),
    ],
)
def test_options_that_are_refused(tiny4, options, error):
    """Each with a hint."""
    with pytest.raises(error) as caught:
        trace(tiny4, PROMPT, **{"engine": "numpy", **options})
    assert caught.value.hint


def test_a_missing_file_and_a_folder(tmp_path):
    """Said as such."""
    for path in (tmp_path, tmp_path / "absent.gguf"):
        with pytest.raises(errors.FileUnreadable):
            trace(path, PROMPT, engine="numpy")


def test_a_result_from_another_device_is_thrown_away(tiny4, monkeypatch):
    """An engine that computed elsewhere than chosen is caught after the run."""
    from ml.architectures import open_model
    from ml.engines import reference

    honest = reference.ReferenceEngine.run
    monkeypatch.setattr(
        reference.ReferenceEngine,
        "run",
        lambda self, request: evolve(honest(self, request), device="cuda:0"),
    )
    with pytest.raises(errors.DeviceDiffers, match=r"cpu was chosen.*cuda:0"):
        run(open_model(tiny4), PROMPT, engine="numpy", device="cpu", kv="f32", points=None)


def test_progress_is_told(tiny4):
    """Stage, done, total; ending at the total."""
    told = []
    trace(tiny4, PROMPT, engine="numpy", progress=lambda *report: told.append(report))
    assert told == [("layer", layer, 4) for layer in range(5)]


def test_long_prompts_keep_64_rows_and_pool_all(tiny4):
    """Pooled statistics cover every row; the blob holds 64 of them."""
    ids = [i % 512 for i in range(100)]
    traced = trace(tiny4, ids, engine="numpy", points=["output"], keep_tensors=True)
    assert len(traced.kept_rows) == 64
    assert len(traced.blob) == 4 * 64 * COLUMNS * 4
    for point in traced.points:
        tensor = traced.tensors[point.point, point.layer].astype(np.float64)
        assert point.rows == 100
        assert point.all.std == pytest.approx(tensor.std(ddof=1), rel=1e-6)
    assert traced.identity["rows"]["selection"] == "first 4, last 16, 44 evenly spaced between"


def test_the_numpy_engine_never_imports_tinygrad(tiny4):
    """Nor gguf, nor tokenizers; and importing the room imports nothing heavy."""
    program = (
        "import sys, ml, ml.tracing, ml.comparison\n"
        "heavy = {'tinygrad', 'gguf', 'tokenizers'}\n"
        f"ml.tracing.trace({str(tiny4)!r}, [1, 2], engine='numpy', points={sorted(ALL_POINTS)!r})\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)

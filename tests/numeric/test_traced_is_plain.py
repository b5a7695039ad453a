"""Tracing changes no number: logits are bit-equal whatever is captured, and without capture."""

import pytest

from ml.architectures import open_model
from ml.points import ALL_POINTS
from ml.tracing import run

PROMPT = (319, 75, 75, 78, 220, 272, 68)


def logits(reference, engine, model="f16", **options):
    """Last token's logits as bytes, on the CPU."""
    opened = open_model(reference / f"tiny4-{model}.gguf")
    _, result = run(opened, PROMPT, engine=engine, device="cpu", **options)
    return result.logits.tobytes()


@pytest.mark.parametrize("engine", ["a", "numpy"])
@pytest.mark.parametrize("kv", ["f32", "f16"])
def test_traced_and_plain_logits_are_bit_equal(reference, engine, kv):
    """The plain pass is the same graph with the captured values made contiguous, no statistics."""
    plain = logits(reference, engine, kv=kv, points=ALL_POINTS, statistics=False)
    assert logits(reference, engine, kv=kv, points=ALL_POINTS) == plain
    assert logits(reference, engine, kv=kv, points=None) == plain


def test_what_is_captured_changes_no_bit(reference):
    """One point, another point, full activations kept: the same logits."""
    alone = logits(reference, "a", kv="f32", points=["ffn_silu"])
    assert logits(reference, "a", kv="f32", points=["attn_mix"]) == alone
    assert logits(reference, "a", kv="f32", points=["embedding"], keep_tensors=True) == alone


def test_the_cache_dtype_does_change_them(reference):
    """Rounding K and V to f16 is a real difference, so the two tests above compare something."""
    f32, f16 = (logits(reference, "a", kv=kv, points=None) for kv in ("f32", "f16"))
    assert f32 != f16

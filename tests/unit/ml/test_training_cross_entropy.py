"""Cross entropy in chunks against numpy in float64, whole."""

import numpy as np
import pytest
from tinygrad import Tensor, dtypes

from ml import devices
from ml.tinygrad_devices import fixed_settings
from ml.training.cross_entropy import chunk_gradients, chunks, token_losses

TOKENS, HIDDEN, WORDS = 12, 8, 40


@pytest.fixture(scope="module")
def sides():
    """Hidden state, targets and output matrix; logits of tens, so that exp could overflow."""
    devices.resolve("cpu")
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(TOKENS, HIDDEN)).astype(np.float32) * 6
    targets = rng.integers(0, WORDS, TOKENS).astype(np.int32)
    output = rng.normal(size=(WORDS, HIDDEN)).astype(np.float32) * 6
    return hidden, targets, output


def expected(hidden, targets, output):
    """Losses, and gradients of their mean by both sides, in float64."""
    logits = hidden.astype(np.float64) @ output.astype(np.float64).T
    shifted = logits - logits.max(-1, keepdims=True)
    shares = np.exp(shifted) / np.exp(shifted).sum(-1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(TOKENS), targets]
    slope = shares.copy()
    slope[np.arange(TOKENS), targets] -= 1
    slope /= TOKENS
    return losses, slope @ output, slope.T @ hidden


@pytest.mark.parametrize("parts", [1, 3])
def test_chunks_together_are_the_whole(sides, parts):
    """Losses and both gradients, in one chunk and in three, to the precision of float32."""
    hidden, targets, output = sides
    losses, by_hidden, by_output = expected(*sides)
    size = TOKENS // parts
    found = {"loss": 0.0, "hidden": [], "output": np.zeros((WORDS, HIDDEN))}
    each = []
    with fixed_settings("CPU"):
        matrix = Tensor(output, device="CPU")
        for part in range(parts):
            at = slice(size * part, size * (part + 1))
            chunk, ids = (Tensor(x[at], device="CPU") for x in (hidden, targets))
            each.append(token_losses(chunk, ids, matrix, dtypes.float32).numpy())
            share, of_hidden, of_output = chunk_gradients(
                chunk, ids, matrix, TOKENS, dtypes.float32
            )
            found["loss"] += float(share.numpy())
            found["hidden"].append(of_hidden.numpy())
            found["output"] += of_output.numpy()
    assert np.concatenate(each) == pytest.approx(losses, rel=2e-6, abs=2e-5)
    assert found["loss"] == pytest.approx(losses.mean(), rel=2e-6)
    np.testing.assert_allclose(np.concatenate(found["hidden"]), by_hidden, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(found["output"], by_output, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("tokens", "vocabulary"),
    [(1024, 4096), (8192, 50304), (7, 1 << 24), (12, 1 << 22), (1, 1 << 30)],
)
def test_chunks_are_equal_and_small(tokens, vocabulary):
    """They divide the tokens, and their logits keep the limit unless one token is over it."""
    parts = chunks(tokens, vocabulary)
    assert tokens % parts == 0
    size = tokens // parts
    assert size * vocabulary <= 2**24 or size == 1

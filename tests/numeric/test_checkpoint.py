"""A checkpoint of Hugging Face gives the numbers of the GGUF file with the same weights."""

from pathlib import Path

import numpy as np
import pytest
from checkpoints import write_checkpoint

from ml.tracing import trace

TINY4 = Path(__file__).parents[1] / "data" / "reference" / "tiny4-f16.gguf"
PROMPT = [319, 75, 75, 78, 220, 272, 68]


@pytest.mark.parametrize("files", [1, 3])
@pytest.mark.parametrize("engine", ["numpy", "a"])
def test_the_same_numbers(engine, files, tmp_path):
    """Bit for bit: logits, and statistics and sketch of every row at every point."""
    folder = write_checkpoint(TINY4, tmp_path / "tiny4", files=files)
    ours = trace(folder, PROMPT, engine=engine, device="cpu")
    theirs = trace(TINY4, PROMPT, engine=engine, device="cpu")
    assert np.array_equal(ours.logits, theirs.logits)
    assert ours.blob == theirs.blob
    assert ours.identity == theirs.identity
    differing = {key for key, value in ours.path.items() if value != theirs.path[key]}
    assert differing == {"container", "model_sha256"}


def test_bfloat16(tmp_path):
    """As most checkpoints are: both engines decode it alike, and it is near the f16 model."""
    folder = write_checkpoint(TINY4, tmp_path / "tiny4", is_bf16=True)
    a, numpy = (trace(folder, PROMPT, engine=e, device="cpu").logits for e in ("a", "numpy"))
    wanted = trace(TINY4, PROMPT, engine="numpy", device="cpu").logits
    assert np.abs(a - numpy).max() <= 1e-5 * numpy.std()
    difference = np.sqrt(np.square(numpy - wanted).mean()) / wanted.std()
    # Eight bits of precision instead of eleven, cut off and not rounded.
    assert 1e-3 < difference < 5e-2

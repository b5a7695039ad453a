"""Damaged Llama files: whatever stands in the header, opening the model is one error or a model."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llamas import VARIANTS, write_gguf

from ml.architectures import open_model
from ml.errors import MlError
from ml.rope import rule, tables


@pytest.fixture(scope="module")
def folder():
    """A folder for damaged copies."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture(scope="module")
def sound(folder):
    """Bytes of a model with a tensor of factors, and of one with YaRN's keys."""
    return {
        name: write_gguf(VARIANTS[name], folder / f"{name}.gguf").read_bytes()
        for name in ("llama3", "yarn")
    }


@given(
    name=st.sampled_from(["llama3", "yarn"]),
    changes=st.lists(
        st.tuples(st.integers(0, 2600), st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFF])),
        min_size=1,
        max_size=4,
    ),
)
@settings(max_examples=300, deadline=None)
def test_a_damaged_header(sound, folder, name, changes):
    """No other error than ours; where it opens, the angles can be worked out."""
    content = bytearray(sound[name])
    for at, value in changes:
        content[at] = value
    path = folder / "damaged.gguf"
    path.write_bytes(content)
    with contextlib.suppress(MlError):
        config = open_model(path).config
        assert rule(config)
        with np.errstate(all="ignore"):
            cos, _ = tables(np.arange(2), config.head_dim, config.rope_theta, config.rope_scaling)
        assert cos.shape == (2, config.head_dim // 2)


@given(factor=st.floats(width=32), context=st.integers(0, 2**32 - 1), base=st.floats(width=32))
@settings(max_examples=200, deadline=None)
def test_any_number_for_a_scaling(folder, factor, context, base):
    """Subnormal, huge, infinite or not a number at all: refused by name, or angles as stated."""
    keys = {
        "llama.rope.scaling.type": "yarn",
        "llama.rope.scaling.factor": factor,
        "llama.rope.scaling.original_context_length": context,
        "llama.rope.scaling.yarn_beta_fast": base,
    }
    path = write_gguf(VARIANTS["plain"], folder / "odd.gguf", keys=keys)
    with contextlib.suppress(MlError):
        config = open_model(path).config
        with np.errstate(all="ignore"):
            cos, _ = tables(np.arange(2), config.head_dim, config.rope_theta, config.rope_scaling)
        assert np.isfinite(cos).all()

"""The converter's permutation of rows, taken back: for every head, row width and type of number."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from llamas import permuted

from ml.architectures.row_order import unpermute

extents = st.integers(1, 6)


@given(heads=extents, half=extents, row_bytes=st.integers(1, 40), seed=st.integers(0, 99))
def test_unpermuting_takes_the_permutation_back(heads, half, row_bytes, seed):
    """Byte for byte, whatever a row is packed as; no row is cut."""
    rows = heads * 2 * half
    data = np.random.default_rng(seed).integers(0, 256, (rows, row_bytes), dtype=np.uint8)
    found = unpermute(permuted(data, heads).reshape(-1), rows, 2 * half)
    assert found.tobytes() == data.tobytes()

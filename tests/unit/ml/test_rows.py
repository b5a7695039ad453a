"""Which rows are kept, and the blob they are kept in."""

import numpy as np
import pytest

from ml.errors import MalformedTrace
from ml.rows import COLUMNS, from_blob, kept_rows, selection_name, to_blob


@pytest.mark.parametrize("count", [1, 2, 63, 64])
def test_short_prompts_keep_every_row(count):
    """Up to 64."""
    assert kept_rows(count) == tuple(range(count))
    assert selection_name(count) == "all"


@pytest.mark.parametrize("count", [65, 66, 128, 1000, 2048, 32768])
def test_long_prompts_keep_64(count):
    """The first 4, the last 16, and 44 spread evenly from end to end of what is between."""
    kept = kept_rows(count)
    assert len(set(kept)) == 64
    assert list(kept) == sorted(kept)
    assert kept[:4] == (0, 1, 2, 3)
    assert kept[-16:] == tuple(range(count - 16, count))
    between = np.diff(kept[4:48])
    assert (kept[4], kept[47]) == (4, count - 17)
    assert between.max() - between.min() <= 1


def test_the_blob_round_trips_and_has_one_nan():
    """Any NaN becomes the quiet one, so that equal traces are equal bytes."""
    odd = np.array([0x7FC00001, 0xFFC00000, 0x7F800001], dtype=np.uint32).view(np.float32)
    rows = np.zeros((2, 3, COLUMNS), dtype=np.float32)
    rows[0, :, 20] = odd
    rows[1, 2, 73] = -1.5
    blob = to_blob(rows)
    assert len(blob) == 2 * 3 * 74 * 4
    assert blob.count(bytes.fromhex("0000c07f")) == 3
    assert blob[-4:] == bytes.fromhex("0000c0bf")
    assert np.array_equal(from_blob(blob, 2, 3), rows, equal_nan=True)


def test_a_blob_of_another_size():
    """Both sizes are in the message."""
    with pytest.raises(MalformedTrace, match="296 bytes, and 1 points of 2 rows take 592"):
        from_blob(bytes(296), 1, 2)

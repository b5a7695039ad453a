"""Which rows are kept, and the blob they are kept in."""

import numpy as np
import pytest

from ml.errors import BadOption, MalformedTrace
from ml.rows import COLUMNS, from_blob, kept_rows, select, to_blob


@pytest.mark.parametrize("count", [1, 2, 63, 64])
def test_short_prompts_keep_every_row(count):
    """Up to 64."""
    assert kept_rows(count) == tuple(range(count))
    assert select("all", count).selection == "all"


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


@pytest.mark.parametrize(
    ("spec", "chosen", "name"),
    [
        ("all", range(7), "all"),
        (":", range(7), "all"),
        ("last", [6], "last"),
        ("-1:", [6], "last"),
        ("6", [6], "last"),
        ("-7", [0], "row 0"),
        ("2:5", [2, 3, 4], "rows 2 to 4"),
        ("::3", [0, 3, 6], "rows 0 to 6 by 3"),
        ("1:100:4", [1, 5], "rows 1 to 5 by 4"),
    ],
)
def test_rows_are_named_by_what_they_are(spec, chosen, name):
    """Two spellings of one selection are one selection: only the positions count."""
    rows = select(spec, 7)
    assert (rows.chosen, rows.kept, rows.selection) == (tuple(chosen), tuple(chosen), name)


def test_a_long_slice_is_sampled_like_a_long_prompt():
    """64 of its rows are kept; the name says which rows they were taken from."""
    rows = select("100:", 1000)
    assert rows.chosen == tuple(range(100, 1000))
    assert rows.kept == tuple(row + 100 for row in kept_rows(900))
    assert rows.selection == (
        "rows 100 to 999, of these first 4, last 16, 44 evenly spaced between"
    )
    assert select("all", 1000).selection == "first 4, last 16, 44 evenly spaced between"


@pytest.mark.parametrize(
    "spec", ["", "first", "7", "-8", "5:5", "3:1", "::0", "1:2:3:4", "1,2", "²"]
)
def test_rows_that_are_none(spec):
    """One error, with what can be said."""
    with pytest.raises(BadOption) as refused:
        select(spec, 7)
    assert "last" in refused.value.hint

"""Four processes record flat out while two ask: no error reaches anybody."""

import pytest
from side_by_side import work_together

SECONDS = 4


@pytest.mark.slow
def test_four_writers_and_two_readers(nursery, tmp_path):
    """Nobody says anything, every append is there, positions are contiguous, the audit is clean."""
    found = work_together(tmp_path, SECONDS, nursery)
    assert found.entries > 1000
    assert min(len(took) for took in found.query_ms.values()) > 1

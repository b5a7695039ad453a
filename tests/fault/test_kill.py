"""`kill -9` at random moments, one to four writers: nothing acknowledged is lost or doubled."""

import os

import pytest
from killing import kill_at_random

KILLS = int(os.environ.get("LEDGER_TEST_KILLS", "100"))


@pytest.mark.slow
def test_kill_at_random_moments(nursery, tmp_path):
    """After every kill the audit is clean and what was acknowledged stands where it was told."""
    outcome = kill_at_random(tmp_path, KILLS, 20260101, nursery)
    assert outcome.kills >= KILLS
    assert outcome.entries > outcome.acknowledged > outcome.kills
    assert outcome.segments > outcome.ledgers
    assert outcome.refused
    assert outcome.reader_kills

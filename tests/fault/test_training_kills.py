"""`kill -9` of a training at random moments, then `--resume`: the same weights each time."""

import os

import pytest
from training_kills import STEPS, kill_and_resume

KILLS = int(os.environ.get("LEDGER_TEST_TRAINING_KILLS", "10"))


@pytest.mark.slow
def test_killed_trainings_end_in_the_same_state(tmp_path):
    """State, losses and norms are those of the run that was left alone, and the audit is sound."""
    outcome = kill_and_resume(tmp_path, KILLS, 20260202)
    assert outcome.kills == KILLS
    assert outcome.steps >= 2 * STEPS
    assert outcome.processes > KILLS

"""The real history, replayed once for all tests that only look."""

import pytest
from histories import history_bytes
from replays import findings_of, imported


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    """A ledger with the real history and nothing else."""
    return imported(tmp_path_factory.mktemp("replay") / "lab", history_bytes())


@pytest.fixture(scope="session")
def findings(history):
    """What the replay finds in it."""
    return findings_of(history)

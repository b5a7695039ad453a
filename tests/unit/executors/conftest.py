"""A ledger for the executors' commands."""

import pytest
from ledgers import HUMAN, new_ledger


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """A ledger on which commands work."""
    with new_ledger(tmp_path / "lab") as ledger:
        monkeypatch.setenv("LEDGER_DIR", str(ledger.folder.path))
        monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
        yield ledger

"""Small ledgers to take out, to compare and to clean up."""

import pytest
from evidence import BIG, secret_note, trace_of
from ledgers import EXECUTOR, HUMAN, new_ledger, note, run_started, step


@pytest.fixture
def ledger(tmp_path):
    """A ledger with its first entry."""
    with new_ledger(tmp_path / "lab") as ledger:
        yield ledger


@pytest.fixture
def home(ledger, monkeypatch):
    """The folder that holds it, as the working folder of somebody who may record."""
    monkeypatch.chdir(ledger.folder.path.parent)
    monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
    monkeypatch.delenv("LEDGER_DIR", raising=False)
    return ledger.folder.path.parent


@pytest.fixture
def written(home, ledger):
    """The folder of a ledger with notes, steps, evidence and a committed value."""
    ledger.append([note("hello"), note('quotes " and \\ and\nnewlines')])
    ledger.append([run_started("r-1"), *(step("r-1", n) for n in range(5))], actor=EXECUTOR)
    trace_of(ledger, BIG)
    trace_of(ledger, b"", run="trace-0002")
    secret_note(ledger)
    assert home.is_dir()
    return ledger.folder

"""A contract file to begin with, ways to change it, and ways to look at it."""

from pathlib import Path

import pytest
from ledgers import START_US, new_ledger

from ledger.contracts.base import Surroundings
from ledger.contracts.lint import lint
from ledger.contracts.reading import look_at

TINY4 = Path(__file__).parents[2] / "data" / "contracts" / "tiny4.yaml"


def _text(*changes):
    """The text of tiny4.yaml with each (old, new) replaced once; what is old must be there."""
    text = TINY4.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def tiny4():
    """Makes the text of the contract, changed by (old, new) pairs."""
    return _text


@pytest.fixture
def document():
    """Makes a document of the contract, changed by (old, new) pairs."""
    return lambda *changes, file="tiny4.yaml": look_at(_text(*changes).encode(), file)


@pytest.fixture
def around(tmp_path):
    """Surroundings with a project that has one test, and one known command."""
    (tmp_path / "tests").mkdir()
    test = "class TestLoss:\n    def test_low(self): ...\n\n\ndef test_loss(): ...\n"
    (tmp_path / "tests" / "test_loss.py").write_text(test, encoding="utf-8")
    (tmp_path / "tests" / "broken.py").write_text("def (", encoding="utf-8")
    return Surroundings(
        tests=tmp_path,
        find_command=lambda words: None if words[:1] == ["run"] else f"no command {words}",
        now_us=START_US,
        actor="human:ada",
    )


@pytest.fixture
def found(document, around):
    """The findings of the changed contract as (check, line, text)."""

    def find(*changes, **more):
        import attrs

        findings = lint(document(*changes), attrs.evolve(around, **more))
        return [(one.check, one.line, one.text) for one in findings]

    return find


@pytest.fixture
def lab(tmp_path):
    """A ledger with its first entry only."""
    with new_ledger(tmp_path / "lab") as made:
        yield made

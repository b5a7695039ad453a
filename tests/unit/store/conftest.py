"""Fixtures of the store's tests."""

import pytest
from ledgers import new_ledger
from nursery import Nursery


@pytest.fixture
def ledger(tmp_path):
    """A ledger with its first entry."""
    with new_ledger(tmp_path / "small") as ledger:
        yield ledger


@pytest.fixture(scope="module")
def nursery():
    """Real processes to run tasks in."""
    with Nursery() as nursery:
        yield nursery

"""Fixtures of the record's tests."""

import pytest
from ledgers import new_folder, new_ledger
from nursery import Nursery


@pytest.fixture
def folder(tmp_path):
    """A ledger's folder without any entry."""
    return new_folder(tmp_path / "lab")


@pytest.fixture
def ledger(tmp_path):
    """A ledger with its first entry."""
    with new_ledger(tmp_path / "lab") as ledger:
        yield ledger


@pytest.fixture(scope="module")
def nursery():
    """Real processes to run tasks in."""
    with Nursery() as nursery:
        yield nursery

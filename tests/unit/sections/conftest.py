"""A bench for each test of sections."""

import pytest
from zoo_base import a_lab


@pytest.fixture
def lab():
    """A bench on a fresh ledger."""
    with a_lab() as lab:
        yield lab

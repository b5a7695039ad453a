"""A laboratory that many tests look at and none changes."""

import pytest
from labs import build_lab, copy_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """The folder of a ledger with every sort of event. Only for looking."""
    return build_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def own_lab(lab, tmp_path):
    """A copy of it that the test may change."""
    return copy_lab(lab, tmp_path)

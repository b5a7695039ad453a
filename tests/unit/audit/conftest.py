"""A ledger to tamper with, made once and copied for each test."""

import pytest
from labs import ask, build_lab, copy_lab


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A ledger of two traces, a comparison, measurements and verdicts, caught up."""
    folder = build_lab(tmp_path_factory.mktemp("whole"), history=False)
    ask(folder, "select 1")
    return folder


@pytest.fixture
def own(whole, tmp_path):
    """A copy to tamper with."""
    return copy_lab(whole, tmp_path)

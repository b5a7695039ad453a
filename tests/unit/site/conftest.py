"""A site of a laboratory with every sort of event, and small ledgers with few."""

import pytest
from labs import criterion
from ledgers import new_ledger, note
from sites import shared_site


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """The folder of a ledger in which strangers wrote hostile texts. Only for looking."""
    return shared_site(tmp_path_factory)[0]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of its site. Only for looking."""
    return shared_site(tmp_path_factory)[1]


@pytest.fixture
def small(tmp_path):
    """A ledger with one criterion and one note."""
    with new_ledger(tmp_path / "small") as lab:
        lab.record("criterion.declared", criterion("LOSS"))
        lab.append([note("a word")])
        yield lab

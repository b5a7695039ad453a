"""Two ledgers that know nothing of each other."""

import pytest
from ledgers import START_US

from ledger.clock import FixedClock
from ledger.ledger import Ledger


@pytest.fixture
def make(tmp_path):
    """Make ledgers by origin, in folders of their own."""
    made = []

    def make(origin, name=None):
        home = tmp_path / (name or origin.replace("/", "-"))
        home.mkdir()
        clock = FixedClock(START_US + 1000 * len(made))
        ledger = Ledger.create(home, origin, actor="human:ada", clock=clock)
        made.append(ledger)
        return ledger

    yield make
    for ledger in made:
        ledger.close()


@pytest.fixture
def ours(make):
    """The ledger that takes over."""
    return make("example.org/ours")


@pytest.fixture
def theirs(make):
    """The other one: a note, a claim, a run that measured."""
    ledger = make("example.org/theirs")
    ledger.record("note.added", {"text": "theirs"})
    ledger.record("claim.stated", {"claim": "H-1", "text": "it holds", "prediction": None})
    with ledger.run("bench", seed=1) as run:
        run.step(loss=2.5)
        run.measure("loss_final", 2.25, "nats", {"model": "tiny4"})
    return ledger

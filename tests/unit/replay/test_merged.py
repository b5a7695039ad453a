"""A history that another ledger took in, and that was merged from there."""

import attrs
import pytest
from histories import history_bytes
from ledgers import HUMAN, START_US
from replays import findings_of

from ledger.clock import FixedClock
from ledger.commands.merge import merge
from ledger.commands.sources import FolderSource
from ledger.importers import find_importer, read_drafts, take_in
from ledger.ledger import Ledger

THEIRS = "example.org/theirs"


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """Our own ledger with the same history twice: taken in here, and merged from there."""
    home = tmp_path_factory.mktemp("merged")
    clock = FixedClock(START_US)
    (home / "a").mkdir()
    (home / "b").mkdir()
    with (
        Ledger.create(home / "a", "example.org/ours", actor=HUMAN, clock=clock) as ours,
        Ledger.create(home / "b", THEIRS, actor=HUMAN, clock=clock) as theirs,
    ):
        for ledger in (ours, theirs):
            take_in(ledger, read_drafts(find_importer("ship-two"), history_bytes()))
        merge(ours, FolderSource(theirs.folder), branch=None)
        yield ours.folder


def test_names_of_two_ledgers_are_not_one(merged, findings):
    """The same findings twice, once under qualified names; across the two only equal digests."""
    found = findings_of(merged)
    across = [one for one in found if min(one.events) <= 856 < max(one.events)]
    own = [one for one in found if max(one.events) <= 856]
    other = [one for one in found if min(one.events) > 856]
    expected = [one for one in findings if one.rule != "run/state-hash"]
    assert {one.rule for one in across} == {"run/state-hash"}
    assert len(across) == 6
    assert [attrs.evolve(one, numbers={}) for one in own] == [
        attrs.evolve(one, numbers={}) for one in expected
    ]
    rules = [(one.rule, one.severity) for one in expected]
    assert [(one.rule, one.severity) for one in other] == rules
    for mine, theirs in zip(own, other, strict=True):
        expected = [f"{THEIRS}:{name}" for name in mine.subject.split(", ")]
        assert theirs.subject.split(", ") == expected

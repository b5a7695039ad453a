"""The file store and a naive store in memory, held in lockstep through whatever may happen.

After every rule the segments are equal to the byte; receipts and refusals are compared as they
come, and now and then what the state, the queries and the audit say.
"""

import memory_rules
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from ledgers import ORIGIN
from lockstep_appends import Appends
from lockstep_crashes import Crashes
from lockstep_pair import UNKNOWN, WHO
from lockstep_runs import Runs

from ledger.audit import audit
from ledger.entry import format_hash, parse_hash
from ledger.store.reader import open_reader

EVENTS = """
select position, hash, chain, kind, origin, stream, stream_version, actor, entry
from events order by position
"""
STEPS = "select position, run, metric from steps order by position, metric"


class Lockstep(Appends, Runs, Crashes):
    """Everything that happens, and what a reader is told in between."""

    @rule(who=WHO, index=st.integers(0, 200), digits=st.integers(1, 64))
    def look_up(self, who, index, digits):
        """What a decision may ask, of a process that has yet to see what the other wrote."""
        self.clock.now += 1
        self.store.heal(self.clock.now)
        with self.ledgers[who].recorder.caught_up() as state:
            hashes = self.store.hashes
            hash_ = hashes[index % len(hashes)]
            entry, position = state.read(parse_hash(hash_))
            assert (entry.format(), position) == (
                self.store.texts[index % len(hashes)],
                index % len(hashes),
            )
            assert state.position_of(parse_hash(hash_)) == position
            assert state.position_of(parse_hash(UNKNOWN)) is None
            prefix = hash_[: len("sha256:") + digits]
            assert state.complete_hash(prefix) == self.store.complete_hash(prefix)
            for key, known in self.store.standings.items():
                value, raw, position = state.standing(key)
                assert (value, format_hash(raw), position) == known
            assert state.standing("claim/H-9") is None
            for head, version in {**self.store.heads, (ORIGIN, "run/none"): 0}.items():
                assert state.next_version(*head) == version

    @rule(at=st.none() | st.integers(0, 200))
    def ask(self, at):
        """What the queries see, now or as of a position, torn tail or not."""
        at = at if at is None else at % len(self.store.texts)
        with open_reader(self.folder, at=at) as db:
            found = db.execute(EVENTS).fetchall()
            claims = db.execute("select claim, position from claims order by position").fetchall()
            steps = db.execute(STEPS).fetchall()
        count = len(self.store.texts) if at is None else at + 1
        entries = self.store.entries[:count]
        assert found == [self.row(position) for position in range(count)]
        stated = [e for e in entries if (e["kind"], e["schema_version"]) == ("claim.stated", 2)]
        assert claims == [(e["body"]["claim"], e["position"]) for e in stated]
        taken = [e for e in entries if e["kind"] == "step.taken"]
        pairs = [(e, name) for e in taken for name in sorted(e["body"]["metrics"])]
        assert steps == [(e["position"], e["body"]["run"], name) for e, name in pairs]

    def row(self, position):
        """A row of `events`."""
        entry = self.store.entries[position]
        named = ("kind", "origin", "stream", "stream_version", "actor")
        head = (position, self.store.hashes[position], self.store.chains[position].hex())
        return (*head, *(entry[name] for name in named), self.store.texts[position].decode())

    @precondition(lambda self: self.store.torn is None)
    @rule()
    def audited(self):
        """The audit finds as many entries, and objects to what rests on nothing, or no longer."""
        report = audit(self.folder, processes=1)
        store = self.store
        wanted = memory_rules.unsupported(store.entries, store.hashes, store.standings)
        found = {f.position for f in report.findings if f.severity == "unsupported"}
        assert found == wanted
        counted = (report.entries, report.exit_code)
        assert counted == (len(store.texts), bool(wanted)), report.findings

    @invariant()
    def segments_are_equal(self):
        """The journal is the naive store's, to the byte, in the same files."""
        found = {path.name: path.read_bytes() for path in self.folder.journal.glob("*.log")}
        assert found == self.store.files()

    def teardown(self):
        """Heal, look at everything once more, and remove it."""
        try:
            self.look_up(0, 0, 6)
            self.look_up(1, 7, 1)
            self.segments_are_equal()
            self.audited()
            self.ask(None)
        finally:
            for ledger in self.ledgers:
                ledger.close()
            self._place.cleanup()


TestLockstep = pytest.mark.slow(Lockstep.TestCase)
TestLockstep.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)

"""Two recorders on one folder and a naive store in memory: what every lockstep machine has."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from ledgers import EXECUTOR, HUMAN, ORIGIN, START_US, SmallLedger, draft_of, run_body
from memory_store import MemoryStore, Wanted

from ledger import __version__
from ledger.errors import Malformed, Rejected
from ledger.ledger import Ledger

SEGMENT_BYTES = 3000
UNKNOWN = "sha256:" + "5" * 64
ACTORS = st.sampled_from([EXECUTOR, EXECUTOR, "executor:other", HUMAN, "agent:reviewer-2"])
WHO = st.integers(0, 1)
RUNS = st.sampled_from(["train-0001", "train-0002", "r-x"])
NAMES = st.sampled_from(["H-1", "H-2", "H-3"])
TEXTS = st.text(min_size=1, max_size=30).map("> ".__add__)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = FLOATS | st.integers(-(2**53), 2**53) | st.sampled_from(["NaN", "-Infinity"])
LABELS = st.sampled_from([None, "", "abc", "NaN", "Infinity"])
PROVENANCES = st.sampled_from(["measured", "measured", "derived", "asserted", "synthetic"])
#: Numbers of entries to cite, counted from the end; -1 is a hash that the ledger does not have.
CITES = st.lists(st.integers(-1, 40), max_size=2)


class Clock:
    """Stands still; the test moves it."""

    def __init__(self):
        self.now = START_US

    def now_us(self):
        """Microseconds since 1970."""
        return self.now


def step(run, number, metrics, provenance="synthetic"):
    """A training step."""
    body = {"run": run, "step": number, "provenance": provenance, "metrics": metrics}
    return Wanted("step.taken", body)


def note(text, cites=()):
    """A note."""
    return Wanted("note.added", {"text": text}, cites)


def claim(name):
    """A claim; a rule refuses it the second time."""
    return Wanted("claim.stated", {"claim": name, "text": "it holds", "prediction": None})


def criterion(name, sign, threshold):
    """A demand on loss_final of tiny4."""
    fields = {"criterion": name, "title": "small", "metric": "loss_final", "operator": sign}
    more = {"threshold": threshold, "unit": "nats", "blocking": True, "model": "tiny4"}
    return Wanted("criterion.declared", fields | more | {"binding": {"model": "tiny4"}})


def fields_of(receipt):
    """What a receipt says."""
    names = ("position", "hash", "kind", "stream", "stream_version")
    return tuple(getattr(receipt, name) for name in names)


class Pair(RuleBasedStateMachine):
    """Two recorders on one folder, as two processes would have, and the naive store."""

    def __init__(self):
        super().__init__()
        self._place = tempfile.TemporaryDirectory()
        self.clock = Clock()
        path = Path(self._place.name)
        with Ledger.create(path, ORIGIN, actor=HUMAN, clock=self.clock) as made:
            self.folder = made.folder
        self.store = MemoryStore(ORIGIN, SEGMENT_BYTES)
        body = {"format": "research-ledger/v1", "program": f"research-ledger {__version__}"}
        created = Wanted("ledger.created", body | {"keys": []})
        self.store.append([created], HUMAN, self.clock.now)
        self.ledgers = [self.open(), self.open()]
        self.runs = [None, None]

    def open(self):
        """The Python interface, as a process has it."""
        ledger = SmallLedger(self.folder, SEGMENT_BYTES, clock=self.clock)
        assert ledger.recorder
        self.store.heal(self.clock.now)
        return ledger

    def cited(self, numbers):
        """Hashes of entries, counted from the end."""
        hashes = self.store.hashes
        return tuple(UNKNOWN if n < 0 else hashes[-1 - n % len(hashes)] for n in numbers)

    def both(self, who, drafts, actor):
        """One append to both stores: the same receipts, or the same refusal. Whether it is one."""
        drafts_ = [draft_of(draft) for draft in drafts]
        append = self.ledgers[who].recorder.append
        return self.same(drafts, actor, lambda: append(drafts_, actor=actor))

    def same(self, drafts, actor, action):
        """Whether `action` recorded; the naive store says what, under which numbers, or why not."""
        self.clock.now += 1
        wanted, refusal = self.store.append(drafts, actor, self.clock.now)
        if refusal is None:
            assert [fields_of(receipt) for receipt in action()] == [fields_of(w) for w in wanted]
            return True
        with pytest.raises((Malformed, Rejected)) as refused:
            action()
        said = refused.value.reasons or [refused.value.message]
        assert (refused.value.exit_code, sorted(said)) == (refusal.exit_code, refusal.reasons)
        return False

    @initialize()
    def begin(self):
        """A run and a criterion, so that verdicts are within reach."""
        self.both(0, [Wanted("run.started", run_body("train-0001"))], EXECUTOR)
        self.both(1, [criterion("LOSS", "<=", 3.0)], HUMAN)

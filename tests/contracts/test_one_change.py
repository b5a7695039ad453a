"""One change, one place: a new event kind is one class and its line in the list."""

from collections.abc import Iterable
from typing import Literal

import pytest
from event_values import event_strategy, example_event
from hypothesis import given, settings
from ledgers import lines_of, new_ledger, new_recorder

import ledger.events
from ledger.entry import entry_hash, parse_entry, parse_hash
from ledger.errors import Malformed, Rejected
from ledger.events import read_event
from ledger.events.base import EntryHash, Event, Number, event, field_docs
from ledger.events.form import body_of, parse_body
from ledger.state.fold import kinds_with_standings


@event("kernel.tuned", version=1, family="decided", stream="run/{run}")
class KernelTuned(Event):
    """A kernel was given the launch shape that ran fastest."""

    run: str
    """The run that tuned it."""
    kernel: str
    """Name of the kernel."""
    threads: int
    """Threads in a block."""
    wall_ms: Number
    """Best wall time in milliseconds."""
    reason: Literal["searched", "given"]
    """How the shape was found."""
    baseline: EntryHash | None
    """The measurement it was held against."""

    def problems(self) -> Iterable[str]:
        """A block has threads."""
        return () if self.threads > 0 else ("threads: a block has at least one",)

    def standings(self) -> Iterable[tuple[str, str]]:
        """The latest shape of the kernel."""
        return ((f"kernel/{self.kernel}", str(self.threads)),)


BODY = {
    "run": "tune-0001",
    "kernel": "q4_k_matvec",
    "threads": 128,
    "wall_ms": 0.5,
    "reason": "searched",
    "baseline": None,
}


@pytest.fixture
def listed(monkeypatch):
    """The list with the new kind in it, and nothing else touched."""
    monkeypatch.setattr(ledger.events, "EVENTS", (*ledger.events.EVENTS, KernelTuned))
    monkeypatch.setitem(ledger.events.KINDS, KernelTuned.KIND.name, KernelTuned.KIND)


def test_unlisted(tmp_path):
    """A kind that is not in the list is refused, with the nearest known name."""
    with new_ledger(tmp_path / "lab") as lab, pytest.raises(Malformed, match=r"kernel\.tuned"):
        lab.record("kernel.tuned", BODY)


@pytest.mark.usefixtures("listed")
def test_recorded_and_read(tmp_path):
    """Listed, it is recorded by name, numbered in its stream, hashed, chained and read back."""
    with new_ledger(tmp_path / "lab") as lab:
        receipts = [lab.record("kernel.tuned", BODY) for _ in range(2)]
        assert [(r.stream, r.stream_version) for r in receipts] == [
            ("run/tune-0001", 0),
            ("run/tune-0001", 1),
        ]
        line = lines_of(lab.folder)[1]
        assert entry_hash(line.entry) == parse_hash(receipts[0].hash)
        entry = parse_entry(line.entry)
        assert read_event(entry.kind, entry.schema_version, entry.body) == KernelTuned(**BODY)
        assert lab.read(parse_hash(receipts[0].hash)) == (entry, 1)


@pytest.mark.usefixtures("listed")
def test_checked(tmp_path):
    """Its form is checked from its types and its own problems, its citations by the rules."""
    with new_ledger(tmp_path / "lab") as lab:
        with pytest.raises(Malformed) as refused:
            lab.record("kernel.tuned", {**BODY, "threads": "many", "reason": "x", "more": 1})
        starts = [reason.split(":")[0] for reason in refused.value.reasons]
        assert starts == ["more", "threads", "reason"]
        with pytest.raises(Malformed) as refused:
            lab.record("kernel.tuned", {**BODY, "threads": 0})
        assert refused.value.reasons == ("threads: a block has at least one",)
        with pytest.raises(Rejected):
            lab.record("kernel.tuned", {**BODY, "baseline": "sha256:" + "0" * 64})


@pytest.mark.usefixtures("listed")
def test_found_by_what_walks_the_list():
    """Help texts, examples and the state see it."""
    assert field_docs(KernelTuned)["threads"] == "Threads in a block."
    assert example_event(KernelTuned).kernel == "kernel-1"
    assert "kernel.tuned" in kinds_with_standings()


@settings(max_examples=10, deadline=None)
@given(generated=event_strategy(KernelTuned))
def test_generated(generated):
    """Values are generated from its types, and come back from their bodies."""
    assert generated.threads > 0
    assert parse_body(KernelTuned.KIND, body_of(generated)) == generated


def test_kept_by_a_program_without_it(tmp_path, monkeypatch):
    """A program that does not know it keeps it, counts it in its stream, and goes on."""
    with monkeypatch.context() as patch:
        patch.setitem(ledger.events.KINDS, KernelTuned.KIND.name, KernelTuned.KIND)
        with new_ledger(tmp_path / "lab") as lab:
            receipt = lab.record("kernel.tuned", BODY)
    with new_recorder(lab.folder).caught_up() as state:
        entry, position = state.read(parse_hash(receipt.hash))
    unknown = read_event(entry.kind, entry.schema_version, entry.body)
    assert type(unknown).__name__ == "UnknownEvent"
    assert (unknown.body, position) == (BODY, 1)
    assert state.next_version(entry.origin, "run/tune-0001") == 1

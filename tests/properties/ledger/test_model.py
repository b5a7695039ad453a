"""A ledger held against a plain list, through appends, refusals, restarts and crashes."""

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledgers import (
    EXECUTOR,
    claim,
    last_segment,
    lines_of,
    new_folder,
    new_recorder,
    note,
    run_started,
    step,
)

from ledger.errors import IntegrityError, Rejected
from ledger.journal.batch import Batch, write_batch
from ledger.journal.segments import list_segments
from ledger.state import remove_state

RUNS = st.sampled_from(["r-1", "r-2", "r-3"])


class LedgerAgainstList(RuleBasedStateMachine):
    """The model is what was acknowledged: (kind, stream, version), and the gaps."""

    def __init__(self):
        super().__init__()
        self._place = tempfile.TemporaryDirectory()
        self.folder = new_folder(Path(self._place.name) / "lab")
        self.recorders = [self.open(), self.open()]
        self.model = []
        self.is_torn = False

    def open(self):
        """A recorder with small segments, so that rotation happens."""
        return new_recorder(self.folder, segment_bytes=2500)

    def is_open(self):
        """Whether the last segment is not sealed."""
        return bool(last_segment(self.folder).stat().st_mode & 0o200)

    def expect(self, kind, stream):
        """Add what the next entry must be."""
        version = sum(known[1] == stream for known in self.model)
        self.model.append((kind, stream, version))

    def expect_healed(self):
        """The next writer records a torn tail before anything else."""
        if self.is_torn:
            self.expect("gap.found", "ledger")
            self.is_torn = False

    @rule(who=st.integers(0, 1), run=RUNS, size=st.integers(1, 4))
    def append_steps(self, who, run, size):
        """One or several instrument events."""
        self.expect_healed()
        self.recorders[who].append([step(run, n) for n in range(size)], actor=EXECUTOR)
        for _ in range(size):
            self.expect("step.taken", f"run/{run}")

    @rule(who=st.integers(0, 1), run=RUNS, text=st.text(min_size=1, max_size=30))
    def append_mixed(self, who, run, text):
        """A batch of all families."""
        self.expect_healed()
        drafts = [run_started(run), note("> " + text), step(run, 0)]
        self.recorders[who].append(drafts, actor=EXECUTOR)
        self.expect("run.started", f"run/{run}")
        self.expect("note.added", "ledger")
        self.expect("step.taken", f"run/{run}")

    @rule(who=st.integers(0, 1), name=st.sampled_from(["H-1", "H-2", "H-3"]))
    def append_claim(self, who, name):
        """A claim: recorded the first time, refused with its whole batch after that."""
        self.expect_healed()
        is_known = ("claim.stated", f"claim/{name}", 0) in self.model
        refusal = pytest.raises(Rejected) if is_known else contextlib.nullcontext()
        with refusal:
            self.recorders[who].append([note("before"), claim(name)], actor=EXECUTOR)
        if not is_known:
            self.expect("note.added", "ledger")
            self.expect("claim.stated", f"claim/{name}")

    @rule(who=st.integers(0, 1), forget=st.booleans())
    def reopen(self, who, forget):
        """A process ends, another begins, with or without the state."""
        self.recorders[who].close()
        if forget:
            remove_state(self.folder)
        self.expect_healed()
        self.recorders[who] = self.open()

    @precondition(lambda self: not self.is_torn and self.is_open())
    @rule(torn=st.binary(min_size=1, max_size=400), has_note=st.booleans())
    def crash(self, torn, has_note):
        """A killed writer leaves a part of a line, perhaps of a batch it announced."""
        torn = torn.replace(b"\n", b"\x00")
        path = last_segment(self.folder)
        if has_note:
            batch = Batch(list_segments(self.folder.journal)[-1], path.stat().st_size, 500)
            write_batch(self.folder.journal, batch, durable=False)
        with path.open("ab") as file:
            file.write(torn)
        self.is_torn = True

    @precondition(lambda self: not self.is_torn)
    @rule(length=st.integers(1, 10**6))
    def crash_before_writing(self, length):
        """A killed writer leaves the note of a batch of which nothing was written."""
        size = last_segment(self.folder).stat().st_size
        batch = Batch(list_segments(self.folder.journal)[-1], size, length)
        write_batch(self.folder.journal, batch, durable=False)

    @precondition(lambda self: not self.is_torn and last_segment(self.folder).stat().st_size)
    @rule()
    def crash_after_sealing(self):
        """A killed writer leaves a sealed segment and no next one."""
        last_segment(self.folder).chmod(0o444)

    @precondition(lambda self: self.model and not self.is_torn)
    @rule(back=st.integers(1, 100))
    def lost_tail(self, back):
        """A journal that is shorter than what a writer saw is refused, and is not changed."""
        for recorder in self.recorders:
            recorder.append([], actor=EXECUTOR)  # both have seen the end
        path = last_segment(self.folder)
        data = path.read_bytes()
        if not data:
            return
        path.write_bytes(data[: -min(back, len(data))])
        cut = path.read_bytes()
        for recorder in self.recorders:
            with pytest.raises(IntegrityError):
                recorder.append([step("r-1", 0)], actor=EXECUTOR)
        assert path.read_bytes() == cut
        path.write_bytes(data)

    @invariant()
    def journal_is_the_list(self):
        """The journal says what the model says, in order, chain verified."""
        entries = [json.loads(line.entry) for line in lines_of(self.folder)]
        found = [(entry["kind"], entry["stream"], entry["stream_version"]) for entry in entries]
        assert found == self.model

    def teardown(self):
        """Close and remove everything."""
        for recorder in self.recorders:
            recorder.close()
        self._place.cleanup()


TestLedgerAgainstList = LedgerAgainstList.TestCase
TestLedgerAgainstList.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)

"""What befalls a ledger in lockstep: crashes, deletions, other programs, lost ends."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from ledgers import EXECUTOR, HUMAN, ORIGIN, START_US, draft_of, last_segment
from lockstep_pair import TEXTS, WHO, Pair, note, step
from memory_store import MemoryStore

from ledger.errors import IntegrityError
from ledger.journal.batch import Batch, write_batch
from ledger.state import remove_state

#: What of a naive store one batch changes.
COPIED = ("entries", "texts", "hashes", "chains", "known", "standings", "heads")


class Crashes(Pair):
    """Ends that no writer chose."""

    @precondition(lambda self: self.store.torn is None and not self.store.is_sealed)
    @rule(kind=st.sampled_from(["weather.measured", "note.added"]), origin=st.booleans())
    def foreign(self, kind, origin):
        """A later program appends a kind, or a version of one, that this one does not know."""
        origin = "example.org/other" if origin else ORIGIN
        fields = {
            "actor": "robot:later",
            "body": {"run": "train-0001", "text": 5, "new": [1.5, {}]},
            "branch": None,
            "cites": [],
            "kind": kind,
            "origin": origin,
            "recorded_at": START_US,
            "schema_version": 7,
            "stream": "weather/here",
            "stream_version": self.store.next_version(origin, "weather/here"),
        }
        segments = len(self.store.segments)
        line = self.store.take_foreign(fields)
        if len(self.store.segments) > segments:
            last_segment(self.folder).chmod(0o444)
        name = max(self.store.files())
        with (self.folder.journal / name).open("ab") as file:
            file.write(line)

    @rule(who=WHO, forget=st.booleans())
    def restart(self, who, forget):
        """A process ends, its run with it; another begins, with or without the state."""
        self.ledgers[who].close()
        if forget:
            remove_state(self.folder)
        self.clock.now += 1
        self.ledgers[who], self.runs[who] = self.open(), None

    @rule(what=st.sampled_from(["state", "database", "lock"]))
    def delete(self, what):
        """Someone deletes what can be made again, under the processes that have it open."""
        if what == "state":
            remove_state(self.folder)
        elif what == "lock":
            (self.folder.path / "lock").unlink(missing_ok=True)  # other versions have one
        else:
            for path in self.folder.path.glob("ledger.duckdb*"):
                path.unlink()

    @precondition(lambda self: self.store.torn is None and not self.store.is_sealed)
    @rule(tail=st.binary(min_size=1, max_size=400) | st.integers(1, 5000).map(bytes))
    def crash(self, tail):
        """A killed writer leaves a part of a line; a power cut, NUL bytes."""
        self.leave(tail.replace(b"\n", b"\x00"))

    @precondition(lambda self: self.store.torn is None and not self.store.is_sealed)
    @rule(size=st.integers(2, 5), text=TEXTS, part=st.floats(0, 1))
    def crash_in_batch(self, size, text, part):
        """A killed writer leaves a batch that it announced: none, a part, or all of it."""
        first, data = self.store.segments[-1]
        before = len(data)
        lines = []
        ahead = MemoryStore(ORIGIN, 10**9)
        ahead.__dict__.update({k: v.copy() for k, v in vars(self.store).items() if k in COPIED})
        ahead.append([note(f"{text} {n}") for n in range(size)], HUMAN, self.clock.now)
        lines = b"".join(ahead.line(-size + n) for n in range(size))
        left = lines[: round(part * len(lines))]
        note_ = Batch(first, before, len(lines))
        write_batch(self.folder.journal, note_, durable=False)
        if left == lines:
            ahead.segments = [*self.store.segments[:-1], [first, data + lines]]
            self.store.__dict__.update({k: vars(ahead)[k] for k in (*COPIED, "segments")})
            with last_segment(self.folder).open("ab") as file:
                file.write(lines)
        else:
            self.leave(left)

    def leave(self, tail):
        """Put bytes behind the end, as a crash does."""
        self.store.torn = len(self.store.segments[-1][1])
        self.store.segments[-1][1] += tail
        with last_segment(self.folder).open("ab") as file:
            file.write(tail)

    @precondition(lambda self: self.store.torn is None and self.store.segments[-1][1])
    @rule()
    def crash_after_sealing(self):
        """A killed writer leaves a sealed segment and no next one."""
        last_segment(self.folder).chmod(0o444)
        self.store.is_sealed = True

    @precondition(lambda self: self.store.torn is None and not self.store.is_sealed)
    @rule(back=st.integers(1, 100))
    def lose_the_end(self, back):
        """A journal that is shorter than what a writer saw is refused, and is not changed."""
        for ledger in self.ledgers:
            ledger.append([], actor=EXECUTOR)  # both have seen the end
        path = last_segment(self.folder)
        data = path.read_bytes()
        if not data:
            return
        path.write_bytes(data[: -min(back, len(data))])
        cut = path.read_bytes()
        for ledger in self.ledgers:
            with pytest.raises(IntegrityError):
                ledger.append([draft_of(step("r-1", 0, {}))], actor=EXECUTOR)
        assert path.read_bytes() == cut
        path.write_bytes(data)

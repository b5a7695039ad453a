"""The file store and a naive store in memory, held in lockstep through whatever may happen.

After every rule the segments are equal to the byte; receipts and refusals are compared as they
come, and now and then what the state, the queries and the audit say.
"""

import json
import tempfile
from pathlib import Path

import memory_rules
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledgers import (
    EXECUTOR,
    HUMAN,
    ORIGIN,
    START_US,
    SmallLedger,
    draft_of,
    last_segment,
    lines_of,
    run_body,
)
from memory_store import MemoryStore, Wanted

from ledger import __version__
from ledger.audit import audit
from ledger.entry import format_hash, parse_hash
from ledger.errors import IntegrityError, Malformed, Rejected
from ledger.journal.batch import Batch, write_batch
from ledger.ledger import Ledger
from ledger.state import remove_state
from ledger.store.reader import open_reader

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


class Lockstep(RuleBasedStateMachine):
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

    @rule(who=WHO, run=RUNS, number=st.integers(0, 99), loss=NUMBERS, lr=FLOATS)
    def append_step(self, who, run, number, loss, lr):
        """The hot path."""
        metrics = {"loss": loss, "lr": lr, "wall_ms": 22.5}
        assert self.both(who, [step(run, number, metrics, "measured")], EXECUTOR)

    @rule(who=WHO, run=RUNS, size=st.integers(2, 8), value=NUMBERS)
    def append_steps(self, who, run, size, value):
        """A batch of instrument events."""
        assert self.both(who, [step(run, n, {"loss": value}) for n in range(size)], EXECUTOR)

    @rule(who=WHO, text=TEXTS, cites=CITES, actor=ACTORS, branch=st.sampled_from([None, "try/one"]))
    def append_note(self, who, text, cites, actor, branch):
        """A decided event, which may cite what is not there."""
        draft = Wanted("note.added", {"text": text}, self.cited(cites), branch=branch)
        assert self.both(who, [draft], actor) == (-1 not in cites)

    @rule(who=WHO, name=NAMES, text=TEXTS)
    def append_claim(self, who, name, text):
        """A claim in a batch: refused with the whole of it where it was stated before."""
        self.both(who, [note(text), claim(name), step("r-x", 0, {})], EXECUTOR)

    @rule(who=WHO, name=NAMES)
    def append_claim_twice(self, who, name):
        """A batch that contradicts itself."""
        assert not self.both(who, [claim(name), claim(name)], HUMAN)

    @rule(who=WHO, text=TEXTS, stream=st.sampled_from([None, "import/a", "import/b"]))
    def append_reported(self, who, text, stream):
        """What others stated, in a stream that whoever records it names."""
        names = ("topic", "said_on", "section", "spec_version", "document", "source")
        body = dict.fromkeys(names) | {"subject": "X-1", "rest": {"text": text, "list": [1, []]}}
        assert self.both(who, [Wanted("note.reported", body, stream=stream)], HUMAN)

    @rule(who=WHO, run=RUNS, actor=ACTORS, provenance=PROVENANCES)
    def begin_run(self, who, run, actor, provenance):
        """A run begins, perhaps again."""
        self.both(who, [Wanted("run.started", run_body(run, provenance))], actor)

    @rule(who=WHO, run=RUNS, failed=st.booleans())
    def end_run(self, who, run, failed):
        """A run ends."""
        end = {"error": "Overflow", "reason": "loss is NaN"} if failed else {"entries": 3}
        kind = "run.failed" if failed else "run.finished"
        assert self.both(who, [Wanted(kind, {"run": run, "wall_ms": 1.5} | end)], EXECUTOR)

    @rule(
        who=WHO,
        name=st.sampled_from(["LOSS", "SPEED"]),
        sign=st.sampled_from(sorted(memory_rules.OPERATORS)),
        threshold=st.integers(0, 4) | FLOATS,
    )
    def declare(self, who, name, sign, threshold):
        """A criterion."""
        self.both(who, [criterion(name, sign, threshold)], HUMAN)

    @rule(
        who=WHO,
        run=RUNS,
        metric=st.sampled_from(["loss_final"] * 3 + ["bits"]),
        value=st.floats(0, 6) | NUMBERS,
        model=st.sampled_from(["tiny4", "tiny4", "other"]),
        provenance=PROVENANCES,
        cites=CITES,
        actor=ACTORS,
    )
    def measure(self, who, run, metric, value, model, provenance, cites, actor):
        """A number that may become evidence."""
        key = {"model": model}
        body = {"run": run, "metric": metric, "value": value, "unit": "nats", "key": key}
        draft = Wanted("measurement.taken", body | {"provenance": provenance}, self.cited(cites))
        self.both(who, [draft], actor)

    @precondition(lambda self: "criterion/LOSS" in self.store.standings)
    @rule(
        who=WHO,
        back=st.integers(0, 2),
        changes=st.sampled_from(
            [{}] * 6 + [{"value": 0.5}, {"status": "DISCHARGED"}, {"unit": ""}]
        ),
        are_cited=st.sampled_from([True] * 6 + [False]),
    )
    def judge(self, who, back, changes, are_cited):
        """A verdict over one of the latest numbers; most do not follow, and are refused."""
        declaration = self.store.standings["criterion/LOSS"][1]
        kinds = [(e["kind"], hash_) for hash_, e in self.store.known.items()]
        numbers = [hash_ for kind, hash_ in kinds if kind == "measurement.taken"]
        evidence = numbers[-1 - back % len(numbers)] if numbers else UNKNOWN
        number = self.store.known[evidence]["body"] if numbers else {"value": 1.0}
        body = memory_rules.decide(self.store.known[declaration]["body"], number) | changes
        cites = (declaration, evidence)
        verdict = {**body, "declaration": declaration, "evidence": evidence}
        self.both(who, [Wanted("verdict.given", verdict, cites if are_cited else ())], HUMAN)

    @rule(
        who=WHO, metrics=st.sampled_from([{"loss": 2**53 + 1}, {"a": float("nan"), "b": -(2**60)}])
    )
    def append_wrong_number(self, who, metrics):
        """A number that canonical JSON does not hold."""
        assert not self.both(who, [step("r-x", 0, {}), step("r-x", 1, metrics)], EXECUTOR)

    @rule(who=WHO, wrong=st.integers(0, 6))
    def append_wrong(self, who, wrong):
        """Malformed in one way or another: nothing is recorded."""
        drafts, actor = [step("r-x", 0, {"loss": 1.0}), note("sound")], EXECUTOR
        if wrong == 0:
            drafts.append(note(" \n"))
        elif wrong == 1:
            drafts.append(step("r-x", "1", {}))
        elif wrong == 2:
            drafts.append(step("r-x", 1, {}, "measured"))
            actor = "robot:x"
        elif wrong == 3:
            drafts.append(Wanted("note.added", {"text": "x"}, ("sha256:12",), branch="a b"))
        elif wrong == 4:
            drafts.append(Wanted("note.added", {"text": "x"}, stream="claim/x"))
        elif wrong == 5:
            drafts.append(step("r-x", 1, {}, "measured"))
            actor = HUMAN
        else:
            body = {"run": "r-x", "step": 1, "provenance": "asserted", "metrics": {}}
            drafts.append(Wanted("step.taken", body, stream="run/other"))
        assert not self.both(who, drafts, actor)

    @precondition(lambda self: self.store.torn is None and not self.store.is_sealed)
    @rule(who=WHO, is_decided=st.booleans())
    def append_too_much(self, who, is_decided):
        """An entry over 65,535 bytes takes the rest of its batch with it."""
        large = note("x" * 66_000) if is_decided else step("r-x", 1, {"k" * 65_536: 1})
        assert not self.both(who, [step("r-x", 0, {}), large], EXECUTOR)

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

    @precondition(lambda self: None in self.runs)
    @rule(name=st.sampled_from(["train", "probe"]), provenance=PROVENANCES)
    def enter_run(self, name, provenance):
        """A run of the Python interface begins, under a name that is free."""
        who = self.runs.index(None)
        run = self.ledgers[who].run(name, program="test 1", provenance=provenance)
        body = run_body(self.store.free_run(name), provenance) | {"executor": name}
        self.clock.now += 1
        self.store.append([Wanted("run.started", body)], f"executor:{name}", self.clock.now)
        run.__enter__()
        assert run.name == body["run"]
        self.runs[who] = [run, body, 0, 1]

    @precondition(lambda self: any(self.runs))
    @rule(
        back=st.booleans(),
        number=st.none() | st.integers(0, 2**53 - 1),
        loss=st.floats() | st.integers(-(2**60), 2**60) | LABELS,
        lr=FLOATS,
    )
    def take_step(self, back, number, loss, lr):
        """The hot path of the Python interface: non-finite numbers are spelled."""
        run, body, following, _ = kept = [each for each in self.runs if each][-back]
        number = following if number is None else number
        named = memory_rules.NOT_FINITE.get(str(loss), loss) if isinstance(loss, float) else loss
        metrics = {"loss": named, "lr": lr, "wall_ms": 22.5}
        drafts = [step(body["run"], number, metrics, body["provenance"])]
        if self.same(drafts, run.actor, lambda: [run.step(number, loss=loss, lr=lr, wall_ms=22.5)]):
            kept[2:] = number + 1, kept[3] + 1

    @precondition(lambda self: any(self.runs))
    @rule(back=st.booleans(), failed=st.booleans())
    def leave_run(self, back, failed):
        """A run of the Python interface ends, well or not."""
        run, body, _, count = kept = [each for each in self.runs if each][-back]
        self.clock.now += 1
        self.store.heal(self.clock.now)
        error = ValueError("loss is NaN") if failed else None
        run.__exit__(type(error) if failed else None, error, None)
        wall_ms = json.loads(lines_of(self.folder)[-1].entry)["body"]["wall_ms"]
        end = {"error": "ValueError", "reason": "loss is NaN"} if failed else {"entries": count + 1}
        kind = "run.failed" if failed else "run.finished"
        fields = {"run": body["run"], "wall_ms": wall_ms} | end
        self.store.append([Wanted(kind, fields)], run.actor, self.clock.now)
        self.runs[self.runs.index(kept)] = None

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


COPIED = ("entries", "texts", "hashes", "chains", "known", "standings", "heads")
EVENTS = """
select position, hash, chain, kind, origin, stream, stream_version, actor, entry
from events order by position
"""
STEPS = "select position, run, metric from steps order by position, metric"


def criterion(name, sign, threshold):
    """A demand on loss_final of tiny4."""
    fields = {"criterion": name, "title": "small", "metric": "loss_final", "operator": sign}
    more = {"threshold": threshold, "unit": "nats", "blocking": True, "model": "tiny4"}
    return Wanted("criterion.declared", fields | more | {"binding": {"model": "tiny4"}})


def fields_of(receipt):
    """What a receipt says."""
    names = ("position", "hash", "kind", "stream", "stream_version")
    return tuple(getattr(receipt, name) for name in names)


TestLockstep = pytest.mark.slow(Lockstep.TestCase)
TestLockstep.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)

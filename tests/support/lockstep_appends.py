"""What is recorded in lockstep: right, wrong, decided, and in batches."""

import memory_rules
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from ledgers import EXECUTOR, HUMAN, run_body
from lockstep_pair import (
    ACTORS,
    CITES,
    FLOATS,
    NAMES,
    NUMBERS,
    PROVENANCES,
    RUNS,
    TEXTS,
    UNKNOWN,
    WHO,
    Pair,
    claim,
    criterion,
    note,
    step,
)
from memory_store import Wanted


class Appends(Pair):
    """Appends through either recorder."""

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

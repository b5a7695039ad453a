"""Runs of the Python interface in lockstep: entered, stepped through, left."""

import json

import memory_rules
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from ledgers import lines_of, run_body
from lockstep_pair import FLOATS, LABELS, PROVENANCES, Pair, step
from memory_store import Wanted


class Runs(Pair):
    """Runs that are open while everything else happens."""

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

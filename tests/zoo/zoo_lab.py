"""A bench to plant mistakes on: short words for what is recorded, and for who objects."""

from collections.abc import Callable, Sequence
from typing import Any

from labs import criterion
from ledgers import EXECUTOR, HUMAN, run_body

from ledger.audit import audit
from ledger.commands.judge import Judgement, judge
from ledger.entry import parse_hash
from ledger.errors import Rejected
from ledger.events import find_kind, read_event
from ledger.events.form import completed, parse_body
from ledger.ledger import Ledger
from ledger.monitors import marks_of
from ledger.monitors.runs import read_runs
from ledger.recorder import Draft
from ledger.rules.verdict import decide
from ledger.store.reader import open_reader

AGENT = "agent:smith"
KEY = {"model": "tiny4"}


class Lab:
    """One ledger. What is recorded gives back its hash; a refusal raises `Rejected`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._runs = 0

    def say(
        self,
        kind: str,
        *,
        cites: Sequence[str] = (),
        actor: str = HUMAN,
        branch: str | None = None,
        **body: Any,
    ) -> str:
        """Record an event; fields that may be null can be left out."""
        found = find_kind(kind)
        event = parse_body(found, completed(found, body))
        draft = Draft(event=event, cites=tuple(cites), branch=branch)
        return self.ledger.append([draft], actor=actor)[0].hash

    def row(self, name: str = "LOSS", **changes: Any) -> str:
        """Declare a row: the final loss of tiny4 is at most 3 nats."""
        around = {key: changes.pop(key) for key in ("cites", "actor", "branch") if key in changes}
        return self.say("criterion.declared", **around, **criterion(name, **changes))

    def begin(self, provenance: str = "measured", **facts: Any) -> str:
        """Start a run; its name."""
        self._runs += 1
        name, branch = f"train-{self._runs:04d}", facts.pop("branch", None)
        body = run_body(name, provenance) | facts
        self.say("run.started", actor=EXECUTOR, branch=branch, **body)
        return name

    def number(self, run: str | None, value: object, **changes: Any) -> str:
        """A number of a run: its final loss in nats, about tiny4."""
        around = {key: changes.pop(key) for key in ("cites", "actor", "branch") if key in changes}
        body = {
            "run": run, "metric": "loss_final", "value": value, "unit": "nats",
            "provenance": "measured", "key": KEY,
        }  # fmt: skip
        around.setdefault("actor", EXECUTOR)
        return self.say("measurement.taken", **around, **(body | changes))

    def end(self, run: str) -> str:
        """The good end of a run."""
        return self.say("run.finished", actor=EXECUTOR, run=run, wall_ms=60_000, entries=3)

    def measured(
        self, value: object, *, facts: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        """A number by a run of its own."""
        run = self.begin(**(facts or {}))
        hash_ = self.number(run, value, **changes)
        self.end(run)
        return hash_

    def steps(self, run: str, rows: Sequence[dict[str, Any]]) -> None:
        """Training steps with these metrics."""
        kind = find_kind("step.taken")
        drafts = [
            Draft(
                event=kind.event(run=run, step=number, provenance="measured", metrics=dict(metrics))
            )
            for number, metrics in enumerate(rows)
        ]
        self.ledger.append(drafts, actor=EXECUTOR)

    def event(self, hash_: str) -> Any:
        """The typed event with this hash."""
        with self.ledger.recorder.caught_up() as state:
            entry, _ = state.read(parse_hash(hash_))
        return read_event(entry.kind, entry.schema_version, entry.body)

    def verdict(self, declaration: str, evidence: str, /, **typed: Any) -> str:
        """Record the verdict that follows by hand, with fields typed over."""
        around = {key: typed.pop(key) for key in ("cites", "actor", "branch") if key in typed}
        fields = decide(self.event(declaration), self.event(evidence))
        fields |= {"declaration": declaration, "evidence": evidence, "control": None} | typed
        cited = (declaration, evidence, fields["control"])
        around.setdefault("cites", tuple(one for one in cited if one is not None))
        return self.say("verdict.given", **around, **fields)

    def claim(self, name: str = "H-1", **changes: Any) -> str:
        """State a claim."""
        around = {key: changes.pop(key) for key in ("cites", "actor", "branch") if key in changes}
        body = {"claim": name, "text": "the loss stays below three"}
        return self.say("claim.stated", **around, **(body | changes))

    def attack(
        self,
        claim: str,
        evidence: str,
        /,
        operator: str = "<=",
        threshold: Any = 3.0,
        *,
        other_way: str | None = None,
        **changes: Any,
    ) -> str:
        """Test a claim by a number; the outcome is what the number gives, unless typed."""
        from ledger.rules.attempts import outcome

        number = self.event(evidence)
        body = {
            "claim": claim, "member": None, "metric": number.metric, "operator": operator,
            "threshold": threshold, "unit": number.unit, "value": number.value,
            "outcome": outcome(number.value, operator, threshold), "evidence": evidence,
            "other_way": other_way,
        }  # fmt: skip
        cites = changes.pop("cites", [one for one in (evidence, other_way) if one is not None])
        return self.say("claim.tested", cites=cites, **(body | changes))

    def move(
        self,
        subject: str,
        from_status: str,
        to_status: str,
        evidence: str | None,
        *,
        kind: str = "row.moved",
        actor: str = HUMAN,
        cites: Sequence[str] | None = None,
    ) -> str:
        """Move a row (or with `claim.moved` a claim)."""
        cited = cites if cites is not None else [one for one in (evidence,) if one is not None]
        return self.say(
            kind, cites=cited, actor=actor, subject=subject, from_status=from_status,
            to_status=to_status, reason="it was reviewed", evidence=evidence,
        )  # fmt: skip

    def refute(self, entry: str, evidence: str) -> str:
        """Refute an entry."""
        return self.say(
            "entry.refuted", cites=(entry, evidence), entry=entry, evidence=evidence,
            reason="measured again, it does not hold",
        )  # fmt: skip

    def mark(self, run: str, mark: str = "INVALID", **changes: Any) -> str:
        """Mark a run as a monitor would."""
        body = {
            "run": run, "mark": mark, "monitor": "constant-loss", "why": "the loss stands still",
            "positions": [self.position()], "numbers": {},
        }  # fmt: skip
        if mark == "SOUND":
            body |= {"monitor": None, "positions": []}
        actor = changes.pop("actor", HUMAN)
        return self.say("run.marked", actor=actor, **(body | changes))

    def note(self, text: str = "a note", **around: Any) -> str:
        """Record a note."""
        return self.say("note.added", text=text, **around)

    def position(self) -> int:
        """The last position."""
        with self.ledger.recorder.caught_up() as state:
            return state.cursor.position - 1

    def status(self, row: str = "LOSS") -> str:
        """How a row stands."""
        with self.ledger.recorder.caught_up() as state:
            known = state.standing(f"verdict/{row}")
        return known[0] if known else "unbound"

    def judge(self, *names: str) -> dict[str, Judgement]:
        """Judge as the command does."""
        return {one.criterion: one for one in judge(self.ledger, names, actor=HUMAN)}

    def refusal(self, action: Callable[[], object]) -> tuple[str, ...]:
        """The reasons against what is done; empty where it is accepted."""
        try:
            action()
        except Rejected as refused:
            return tuple(refused.reasons)
        return ()

    def marks(self) -> tuple[str, ...]:
        """What monitors say of all runs."""
        with open_reader(self.ledger.folder) as db:
            found = [mark for view in read_runs(db) for mark in marks_of(view)]
        return tuple(f"{mark.monitor}: {mark.why}" for mark in found)

    def audit(self) -> tuple[str, ...]:
        """What the audit finds broken or unsupported."""
        report = audit(self.ledger.folder, processes=1)
        bad = [one for one in report.findings if one.severity in ("broken", "unsupported")]
        return tuple(f"audit {one.check}: {one.message}" for one in bad)

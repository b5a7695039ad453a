"""What follows when something falls: `ledger impact`, `ledger stale`, `ledger what-if`."""

import json

import pytest
from labs import criterion
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, run_started

from ledger.audit import audit
from ledger.cli import run
from ledger.commands.judge import judge
from ledger.events.run import RunFinished
from ledger.recorder import Draft

DAY_US = 86_400_000_000


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """A ledger in which SHIP requires LOSS, and both are discharged; H-1 survived a test."""
    with new_ledger(tmp_path / "lab") as ledger:
        monkeypatch.setenv("LEDGER_DIR", str(ledger.folder.path))
        monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
        ledger.record("criterion.declared", criterion("LOSS"))
        ledger.record(
            "criterion.declared", criterion("SHIP", metric="size", unit="bytes", requires=("LOSS",))
        )
        ledger.record("criterion.declared", criterion("APART", metric="other", blocking=False))
        measured(ledger, "train-0001", 2.5)
        measured(ledger, "size-0001", 1.0, metric="size", unit="bytes")
        judge(ledger, [])
        yield ledger


def measured(ledger, name, value, **changes):
    """A finished run with one number; the hash of the number."""
    ledger.append([run_started(name)], actor=EXECUTOR)
    receipt = ledger.append([measurement(name, value, **changes)], actor=EXECUTOR)[0]
    ledger.append([Draft(event=RunFinished(run=name, wall_ms=1.0, entries=2))], actor=EXECUTOR)
    return receipt.hash


@pytest.fixture
def ask(capsys):
    """A command with --json: (exit code, objects, stderr)."""

    def ask(*words):
        capsys.readouterr()
        code = run([*words, "--json"])
        out, err = capsys.readouterr()
        return code, json.loads(out) if out else None, err

    return ask


def names(rows, *columns):
    """Some columns of each row."""
    return [tuple(row[column] for column in columns) for row in rows]


def refute(ledger, hash_):
    """Refute an entry by a fresh measurement; the position of the refutation."""
    shows = measured(ledger, f"again-{hash_[7:11]}", 9.0, key={"model": "control"})
    fields = {"entry": hash_, "evidence": shows, "reason": "the harness read the wrong file"}
    return ledger.record("entry.refuted", fields, cites=[hash_, shows]).position


def claim(ledger, **more):
    """H-1, and the test that it survived; (hash of the statement, hash of the test)."""
    fields = {"claim": "H-1", "text": "the cache is exact"}
    stated = ledger.record("claim.stated", fields | more).hash
    evidence = measured(ledger, "cos-0001", 0.99, metric="cos", unit="ratio")
    other = measured(ledger, "cos-0002", 0.1, metric="cos", unit="ratio")
    body = {
        "claim": "H-1", "metric": "cos", "operator": ">=", "threshold": 0.9, "unit": "ratio",
        "value": 0.99, "outcome": "SURVIVED", "evidence": evidence, "other_way": other, **more,
    }  # fmt: skip
    body.pop("over", None)
    tested = ledger.record("claim.tested", body, cites=[stated, evidence, other]).hash
    return stated, tested


@pytest.mark.usefixtures("ledger")
def test_impact_of_a_run(ask):
    """A run that falls takes its number along, its row, and the row that requires that one."""
    code, rows, _ = ask("impact", "train-0001")
    assert code == 0
    found = names(rows, "depth", "what", "name", "status")
    assert found == [
        (1, "entry", "run/train-0001", None),
        (2, "row", "LOSS", "DISCHARGED"),
        (3, "row", "SHIP", "DISCHARGED"),
    ]
    steps = [row["through"] for row in rows[1:]]
    assert steps == [row["position"] for row in rows[:-1]]


def test_impact_by_position_hash_and_name(ledger, ask):
    """An entry is named by its position, the beginning of its hash, or the row it declares."""
    by_name = ask("impact", "LOSS")[1]
    declaration = ledger.query("criteria").objects()
    (found,) = [row for row in declaration if row["name"] == "LOSS"]
    by_hash = ask("impact", found["hash"][:20])[1]
    assert by_name == by_hash == ask("impact", str(found["position"]))[1]
    assert names(by_name, "what", "name") == [("row", "LOSS"), ("row", "SHIP")]


@pytest.mark.usefixtures("ledger")
def test_impact_of_nothing(ask):
    """What nothing rests on has an empty list, and says so."""
    assert ask("impact", "APART")[:2] == (0, [])


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("LOS", "did you mean LOSS?"),
        ("999999", "there is no position 999999"),
        ("9" * 40, "there is no position 9999"),
        ("sha256:" + "0" * 64, "no entry begins with sha256:0000"),
        ("sha256:", "more than one entry begins"),
        ("'; drop table events", "there is no row, claim or run"),
    ],
)
@pytest.mark.usefixtures("ledger")
def test_impact_of_what_is_not_there(ask, word, says):
    """A word that names nothing is refused with the nearest names."""
    code, _, err = ask("impact", word)
    assert code == 2
    assert says in err


@pytest.mark.usefixtures("ledger")
def test_nothing_is_stale(ask):
    """A sound record has nothing to look at again."""
    assert ask("stale")[:2] == (0, [])


def test_refuted_evidence_makes_rows_stale(ledger, ask):
    """A refuted number makes its row suspect until it is judged again by another one."""
    evidence = ledger.query("verdicts").objects()
    (loss,) = [row["evidence"] for row in evidence if row["name"] == "LOSS"]
    at = refute(ledger, loss)
    code, rows, _ = ask("stale")
    assert code == 1
    found = names(rows, "what", "name", "status", "since")
    assert found == [("row", "LOSS", "DISCHARGED", at)]
    measured(ledger, "train-0002", 2.75)
    assert [one.status for one in judge(ledger, ["LOSS"])] == ["DISCHARGED"]
    assert ask("stale")[:2] == (0, [])


def test_a_falsified_requirement_makes_rows_stale(ledger, ask):
    """A row that requires another is to be looked at when that one falls."""
    measured(ledger, "train-0002", 8.0)
    judge(ledger, ["LOSS"])
    (row,) = ask("stale")[1]
    assert (row["name"], row["why"]) == ("SHIP", "it requires LOSS, which is FALSIFIED")


def test_a_marked_run_makes_rows_stale(ledger, ask):
    """A run that is marked invalid takes its row along; a run that is sound again gives it back."""
    mark = {"run": "train-0001", "mark": "INVALID", "monitor": "repeated_losses", "why": "x"}
    more = {"positions": [8], "numbers": {}}
    ledger.record("run.marked", mark | more)
    (row,) = ask("stale")[1]
    assert (row["name"], row["why"]) == ("LOSS", "run train-0001 is INVALID")
    ledger.record("run.marked", mark | more | {"mark": "SOUND", "monitor": None})
    assert ask("stale")[1] == []


def test_a_premise_runs_out(ledger, ask):
    """A claim with an end is listed when that is past, and not before; a later test renews it."""
    claim(ledger, expires_at=4_000_000_000_000_000)
    assert ask("stale")[1] == []
    ledger.record("claim.stated", {"claim": "H-2", "text": "old", "expires_at": 1_000 * DAY_US})
    (row,) = ask("stale")[1]
    assert (row["what"], row["name"]) == ("premise", "H-2")
    assert row["why"].startswith("it ran out ")


def test_a_premise_of_another_commit(ledger, ask):
    """With --commit, a premise that was seen to hold at another commit is to be looked at."""
    claim(ledger, commit="aaaa")
    assert ask("stale", "--commit", "aaaa")[1] == []
    (row,) = ask("stale", "--commit", "bbbb")[1]
    assert (row["name"], row["why"]) == ("H-1", "it was seen to hold at commit aaaa")


def test_a_grown_set_opens_its_claims(ledger, ask):
    """A claim over a set that survived is open again when the set has a new member."""
    ledger.record("member.added", {"set": "corpora", "member": "one", "title": "the first"})
    ledger.record("claim.stated", {"claim": "H-3", "text": "none works", "over": "corpora"})
    evidence = measured(ledger, "cos-0001", 0.99, metric="cos", unit="ratio")
    other = measured(ledger, "cos-0002", 0.1, metric="cos", unit="ratio")
    body = {
        "claim": "H-3", "member": "one", "metric": "cos", "operator": ">=", "threshold": 0.9,
        "unit": "ratio", "value": 0.99, "outcome": "SURVIVED", "evidence": evidence,
        "other_way": other,
    }  # fmt: skip
    tested = ledger.record("claim.tested", body, cites=[evidence, other]).hash
    move = {"subject": "H-3", "from_status": "UNKNOWN", "to_status": "SURVIVED", "reason": "all"}
    ledger.record("claim.moved", move | {"evidence": tested}, cites=[tested])
    assert ask("stale")[1] == []
    (fate,) = [row["fate"] for row in ledger.query("claims").objects()]
    assert fate == "SURVIVED"
    ledger.record("member.added", {"set": "corpora", "member": "two", "title": "the second"})
    (row,) = ask("stale")[1]
    assert (row["what"], row["name"], row["status"]) == ("claim", "H-3", "UNKNOWN")
    (fate,) = [row["fate"] for row in ledger.query("claims").objects()]
    assert fate == "UNKNOWN"


def test_a_tightened_demand(ledger, ask):
    """A row judged by an earlier demand keeps its verdict, and is to be judged again."""
    (head,) = [r["hash"] for r in ledger.query("criteria").objects() if r["name"] == "LOSS"]
    ledger.record(
        "criterion.declared", criterion("LOSS", threshold=2.0, supersedes=head), cites=[head]
    )
    (row,) = ask("stale")[1]
    assert (row["name"], row["status"]) == ("LOSS", "DISCHARGED")
    assert row["why"] == "it was judged by an earlier demand"


def test_what_if_an_entry_fell(ledger, ask):
    """The board as if: what rests on the entry is suspect, and what requires that; no record."""
    before = ledger.query("events").rows
    _, rows, _ = ask("what-if", "--refute", "train-0001")
    found = names(rows, "row", "before", "after")
    assert found == [("LOSS", "DISCHARGED", "SUSPECT"), ("SHIP", "DISCHARGED", "SUSPECT")]
    assert ledger.query("events").rows == before


@pytest.mark.usefixtures("ledger")
def test_what_if_a_row_was_discharged(ask):
    """A row that is open is taken for discharged; one that is so already changes nothing."""
    _, rows, _ = ask("what-if", "--discharge", "APART", "--discharge", "LOSS")
    assert names(rows, "row", "before", "after", "because") == [
        ("LOSS", "DISCHARGED", "DISCHARGED", "it is discharged already: nothing changes"),
        ("APART", "unbound", "DISCHARGED", "taken for discharged"),
    ]


def test_what_if_tells_what_could_be_judged(ledger, ask):
    """A row that waits for one other is told to be free; it is not taken along."""
    ledger.record("criterion.declared", criterion("LAST", metric="z", requires=("APART", "LOSS")))
    rows = {row["row"]: row for row in ask("what-if", "--discharge", "APART")[1]}
    assert rows["LAST"]["after"] == "unbound"
    assert rows["LAST"]["because"] == "nothing more stands in its way: it can be judged"


def test_an_edge_takes_nothing_along(ledger, ask):
    """An edge says what somebody believes would follow: told with the fate of its claim."""
    ledger.record("claim.stated", {"claim": "H-E", "text": "fixing LOSS fixes APART"})
    edge = {"edge": "E-1", "from_name": "LOSS", "relation": "discharges", "to_name": "APART"}
    ledger.record("edge.stated", edge | {"claim": "H-E"})
    rows = {row["row"]: row for row in ask("what-if", "--discharge", "LOSS")[1]}
    assert rows["APART"]["after"] == "unbound"
    assert rows["APART"]["because"] == "hypothesis E-1: LOSS discharges it, UNKNOWN"


@pytest.mark.usefixtures("ledger")
def test_what_if_refuses(ask):
    """A row that was not declared, and nothing to suppose, are refused with a hint."""
    assert "did you mean APART?" in ask("what-if", "--discharge", "APAR")[2]
    code, _, err = ask("what-if")
    assert code == 2
    assert "give --discharge ROW or --refute EVENT" in err


def test_audit_of_what_fell(ledger):
    """A verdict whose evidence fell has no support; once judged again, it is a note of the past."""
    (loss,) = [row for row in ledger.query("verdicts").objects() if row["name"] == "LOSS"]
    assert audit(ledger.folder).exit_code == 0
    refute(ledger, loss["evidence"])
    report = audit(ledger.folder)
    assert report.exit_code == 1
    found = {f.position: f.severity for f in report.findings if f.check == "verdicts"}
    assert found[loss["position"]] == "unsupported"
    measured(ledger, "train-0002", 2.75)
    judge(ledger, ["LOSS"])
    report = audit(ledger.folder)
    assert report.exit_code == 0
    (told,) = [f for f in report.findings if f.position == loss["position"]]
    assert told.severity == "note"
    assert "LOSS was DISCHARGED, until" in told.message


def test_audit_of_a_fallen_premise(ledger):
    """A verdict that cites a claim has no support once the claim is refuted."""
    stated, tested = claim(ledger)
    declaration = ledger.record("criterion.declared", criterion("WITH", metric="w")).hash
    evidence = measured(ledger, "w-0001", 1.0, metric="w")
    (judgement,) = judge(ledger, ["WITH"])
    assert judgement.status == "DISCHARGED"
    assert declaration
    again = ledger.record("criterion.declared", criterion("AND", metric="w")).hash
    fields = {
        "criterion": "AND", "status": "DISCHARGED", "metric": "w", "value": 1.0, "operator": "<=",
        "threshold": 3.0, "unit": "nats", "declaration": again, "evidence": evidence,
    }  # fmt: skip
    at = ledger.record("verdict.given", fields, cites=[again, evidence, tested]).position
    low = measured(ledger, "cos-0003", 0.2, metric="cos", unit="ratio")
    body = {
        "claim": "H-1", "metric": "cos", "operator": ">=", "threshold": 0.9, "unit": "ratio",
        "value": 0.2, "outcome": "REFUTED", "evidence": low,
    }  # fmt: skip
    ledger.record("claim.tested", body, cites=[stated, low])
    report = audit(ledger.folder)
    told = [f for f in report.findings if f.position == at and f.severity == "unsupported"]
    assert "it rests on H-1" in told[0].message

"""The rules of evidence, as a user meets them: criteria, numbers, `ledger judge`, the board."""

import json

import pytest
from labs import criterion
from ledgers import EXECUTOR, HUMAN, measurement, new_ledger, note, run_failed, run_started

from ledger.cli import run
from ledger.errors import Rejected
from ledger.events import KINDS
from ledger.events.form import completed, parse_body
from ledger.events.run import RunFinished
from ledger.recorder import Draft


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    """A ledger in which a criterion is declared, and the folder that commands work in."""
    with new_ledger(tmp_path / "lab") as ledger:
        monkeypatch.setenv("LEDGER_DIR", str(ledger.folder.path))
        monkeypatch.setenv("LEDGER_ACTOR", HUMAN)
        ledger.record("criterion.declared", criterion("LOSS"))
        yield ledger


@pytest.fixture
def judge(capsys):
    """`ledger judge --json`: (exit code, rows by criterion, stderr)."""

    def judge(*names):
        capsys.readouterr()
        code = run(["judge", "--json", *names])
        out, err = capsys.readouterr()
        return code, {row["criterion"]: row for row in json.loads(out or "[]")}, err

    return judge


@pytest.fixture
def board(capsys):
    """The rows of `ledger board --json`, by name."""

    def board(*words):
        capsys.readouterr()
        assert run(["board", "--json", *words]) == 0
        return {row["row"]: row for row in json.loads(capsys.readouterr().out)}

    return board


def finished(name):
    """The good end of a run."""
    return Draft(event=RunFinished(run=name, wall_ms=1.0, entries=2))


def measured(ledger, name, value, **changes):
    """A finished run with one number; the hash of the number."""
    ledger.append([run_started(name)], actor=EXECUTOR)
    receipt = ledger.append([measurement(name, value, **changes)], actor=EXECUTOR)[0]
    ledger.append([finished(name)], actor=EXECUTOR)
    return receipt.hash


def verdicts(ledger):
    """How many verdicts are on record."""
    journal = next(ledger.folder.journal.glob("*.log")).read_bytes()
    return journal.count(b'"kind":"verdict.given"')


def test_unknown_without_evidence(ledger, judge, board):
    """No evidence: unknown, code 1, and nothing is recorded."""
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"], rows["LOSS"]["attempts"]) == (1, "unknown", 0)
    assert "nothing measured loss_final" in rows["LOSS"]["note"]
    assert verdicts(ledger) == 0
    assert (board()["LOSS"]["status"], board()["LOSS"]["standing"]) == ("unbound", "open")


def test_met(ledger, judge, board):
    """A measured number that meets the threshold: discharged, code 0, with its evidence."""
    evidence = measured(ledger, "r-1", 2.5)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"]) == (0, "DISCHARGED")
    assert rows["LOSS"]["evidence"] == evidence
    assert rows["LOSS"]["attempts"] == 1
    row = board()["LOSS"]
    assert (row["status"], row["standing"], row["attempts"]) == ("DISCHARGED", "judged", 1)
    assert row["evidence"] == evidence


def test_not_met(ledger, judge):
    """A number over the threshold: falsified, code 1."""
    measured(ledger, "r-1", 3.0000001)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"]) == (1, "FALSIFIED")


def test_judging_again(ledger, judge):
    """A second judgement changes nothing and says since when it stands."""
    measured(ledger, "r-1", 2.5)
    assert judge("LOSS", "LOSS")[0] == 0
    code, rows, _ = judge()
    assert code == 0
    assert "stands since position" in rows["LOSS"]["note"]
    assert verdicts(ledger) == 1


def test_newer_evidence_turns_it(ledger, judge, board):
    """A newer number that contradicts gives a new verdict, and the old one stays on record."""
    measured(ledger, "r-1", 2.5)
    assert judge()[0] == 0
    worse = measured(ledger, "r-2", 4.0)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"], rows["LOSS"]["attempts"]) == (1, "FALSIFIED", 2)
    assert rows["LOSS"]["evidence"] == worse
    measured(ledger, "r-3", 1.0)
    assert judge()[0] == 0
    assert verdicts(ledger) == 3
    assert board()["LOSS"]["attempts"] == 3


def test_attempts_count_what_was_about_it(ledger, judge):
    """Attempts are the matching numbers up to the evidence: not those of other metrics or keys."""
    measured(ledger, "r-1", 9.0)
    measured(ledger, "r-2", 1.0, metric="other")
    measured(ledger, "r-3", 1.0, key={"model": "another"})
    measured(ledger, "r-4", 1.0, unit="bits")
    measured(ledger, "r-5", 2.0)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["attempts"]) == (0, 2)


@pytest.mark.parametrize("provenance", ["asserted", "synthetic"])
def test_only_measured_numbers_discharge(ledger, judge, provenance):
    """A number that someone asserts, or that is synthetic, gives no verdict, and the reason."""
    ledger.append([run_started("r-1", "measured")], actor=EXECUTOR)
    ledger.append([measurement("r-1", 2.0, provenance=provenance)], actor=EXECUTOR)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"]) == (1, "unknown")
    assert f"is {provenance}, not measured" in rows["LOSS"]["note"]
    assert verdicts(ledger) == 0


@pytest.mark.usefixtures("ledger")
def test_nobody_types_a_number(judge, capsys):
    """A person's number can be recorded as asserted only, and never discharges."""
    fields = ["--metric", "loss_final", "--value", "0.1", "--unit", "nats", "--key"]
    words = ["record", "measurement.taken", *fields, '{"model": "tiny4"}', "--provenance"]
    assert run([*words, "measured", "--run", "r-1"]) == 5
    assert "record a number of yours as asserted" in capsys.readouterr().err
    assert run([*words, "asserted"]) == 0
    assert judge()[1]["LOSS"]["status"] == "unknown"


def test_nobody_types_a_verdict(ledger, capsys):
    """A verdict that someone records by hand is refused with every reason."""
    evidence = measured(ledger, "r-1", 4.0)
    words = ["record", "verdict.given", "--criterion", "LOSS", "--status", "DISCHARGED"]
    words += ["--metric", "loss_final", "--value", "2", "--operator", "<=", "--threshold", "3"]
    words += ["--unit", "nats", "--declaration", evidence, "--evidence", evidence]
    assert run(words) == 3
    said = capsys.readouterr().err
    assert "status is 'DISCHARGED'; the numbers give 'FALSIFIED'" in said
    assert "value is 2; the numbers give 4.0" in said
    assert "the declaration in force is at position 1" in said
    assert verdicts(ledger) == 0


def test_a_number_that_another_executor_adds(ledger, judge):
    """A number in a run's name that its own executor did not record carries nothing."""
    ledger.append([run_started("r-1")], actor=EXECUTOR)
    ledger.append([measurement("r-1", 2.0)], actor="executor:somebody")
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"]) == (1, "unknown")
    assert "was recorded by executor:somebody" in rows["LOSS"]["note"]


def test_a_number_after_the_end(ledger, judge):
    """A number recorded after its run was over carries nothing."""
    ledger.append([run_started("r-1"), finished("r-1")], actor=EXECUTOR)
    ledger.append([measurement("r-1", 2.0)], actor=EXECUTOR)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"]) == (1, "unknown")
    assert "lies outside run r-1" in rows["LOSS"]["note"]


def test_failed_run(ledger, judge):
    """A number of a run that failed carries no verdict."""
    ledger.append([run_started("r-1"), measurement("r-1", 2.0)], actor=EXECUTOR)
    ledger.append([run_failed("r-1")], actor=EXECUTOR)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"]) == (1, "unknown")
    assert "run r-1 failed" in rows["LOSS"]["note"]


def test_older_evidence_where_the_newest_is_weak(ledger, judge):
    """Where the newest number carries nothing, the newest one that does decides."""
    good = measured(ledger, "r-1", 2.0)
    ledger.append([run_started("r-2"), measurement("r-2", 9.0)], actor=EXECUTOR)
    ledger.append([run_failed("r-2")], actor=EXECUTOR)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["evidence"]) == (0, good)


@pytest.mark.parametrize(
    "changes",
    [{"unit": "bits"}, {"key": {"model": "other"}}, {"key": {}}, {"metric": "loss_first"}],
    ids=["unit", "binding", "no key", "metric"],
)
def test_about_something_else(ledger, judge, changes):
    """A number in another unit, or of another thing, is no evidence."""
    measured(ledger, "r-1", 1.0, **changes)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"]) == (1, "unknown")


@pytest.mark.parametrize(
    ("key", "binding"),
    [({"n": "1"}, {"n": 1}), ({"n": None}, {"m": None}), ({"n": 1}, {"n": True})],
)
def test_binding_is_exact(ledger, judge, key, binding):
    """A condition is met by the same value of the same type only."""
    body = criterion("BOUND", binding=binding, metric="bound")
    ledger.record("criterion.declared", body)
    measured(ledger, "r-1", 1.0, metric="bound", key=key)
    code, rows, _ = judge("BOUND")
    assert (code, rows["BOUND"]["status"]) == (1, "unknown")


@pytest.mark.parametrize("operator", ["<=", ">=", "<", ">", "==", "!="])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_not_finite(ledger, judge, operator, value):
    """A number that is none meets no threshold, whatever the operator."""
    ledger.record(
        "criterion.declared", criterion("FINITE", operator=operator, metric="finite", binding={})
    )
    measured(ledger, "r-1", value, metric="finite")
    code, rows, _ = judge("FINITE")
    assert (code, rows["FINITE"]["status"]) == (1, "FALSIFIED")


@pytest.mark.parametrize(
    ("threshold", "value", "status"),
    [
        (True, True, "DISCHARGED"),
        (True, False, "FALSIFIED"),
        (True, 1, "FALSIFIED"),
        ("equal", "equal", "DISCHARGED"),
        ("equal", "Equal", "FALSIFIED"),
        ("1", 1, "FALSIFIED"),
    ],
)
def test_truth_values_and_texts(ledger, judge, threshold, value, status):
    """A truth value or a text is met by the same one, and by no number."""
    changes = {"operator": "==", "threshold": threshold, "unit": None, "metric": "says"}
    ledger.record("criterion.declared", criterion("SAYS", **changes, binding={}))
    unit = None if isinstance(value, (bool, str)) else "count"
    measured(ledger, "r-1", value, metric="says", unit=unit)
    code, rows, _ = judge("SAYS")
    expected = status if unit is None else "unknown"
    assert rows["SAYS"]["status"] == expected
    assert code == (0 if expected == "DISCHARGED" else 1)


def test_threshold_moved(ledger, judge, capsys):
    """The threshold of a criterion cannot be moved after a result was seen."""
    measured(ledger, "r-1", 5.0)
    assert judge()[0] == 1
    line = {"kind": "criterion.declared", "body": criterion("LOSS", threshold=9.0)}
    path = ledger.folder.path.parent / "moved.jsonl"
    path.write_text(json.dumps(line))
    assert run(["record", "--from", str(path)]) == 3
    assert "its threshold stays in force" in capsys.readouterr().err
    assert judge()[1]["LOSS"]["status"] == "FALSIFIED"


def test_names(ledger, judge, capsys):
    """Judging by name judges these alone; a name that was not declared is a mistake."""
    ledger.record("criterion.declared", criterion("OTHER"))
    measured(ledger, "r-1", 2.0)
    assert set(judge("OTHER")[1]) == {"OTHER"}
    assert verdicts(ledger) == 1
    assert run(["judge", "NONE", "OTHER", "NEITHER"]) == 2
    assert "not declared: NONE, NEITHER" in capsys.readouterr().err


def test_nothing_to_judge(tmp_path, monkeypatch, capsys):
    """Without any criterion nothing is unmet, and the list is empty."""
    with new_ledger(tmp_path / "lab") as ledger:
        monkeypatch.setenv("LEDGER_DIR", str(ledger.folder.path))
    assert run(["judge", "--json", "--actor", HUMAN]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_what_the_same_process_recorded(ledger):
    """Judging sees what was declared and measured through the same object a moment before."""
    from ledger.commands.judge import judge

    ledger.append([note("x")])
    measured(ledger, "r-1", 2.0)
    ledger.append([Draft(event=_criterion("NEW"))], actor=HUMAN)
    measured(ledger, "r-2", 2.0)
    assert {found.status for found in judge(ledger, [])} == {"DISCHARGED"}


def _criterion(name):
    kind = KINDS["criterion.declared"]
    return parse_body(kind, completed(kind, criterion(name)))


@pytest.mark.usefixtures("ledger")
def test_actor_is_needed(monkeypatch, capsys):
    """Who judges must say who it is, before anything is judged."""
    monkeypatch.delenv("LEDGER_ACTOR")
    assert run(["judge"]) == 2
    assert "who records this?" in capsys.readouterr().err


def test_a_fallen_premise_holds_one_row_up(ledger, judge):
    """A row whose declaration rests on a claim that ran out stays unknown; others are judged."""
    old = {"claim": "H-OLD", "text": "the tokenizer is exact", "expires_at": 1}
    stated = ledger.record("claim.stated", old).hash
    ledger.record("criterion.declared", criterion("RESTS"), cites=[])
    again = criterion("RESTS-2", metric="loss_final")
    with pytest.raises(Rejected, match="a rule refuses"):
        ledger.record("criterion.declared", again, cites=[stated])
    measured(ledger, "r-1", 2.5)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"], rows["RESTS"]["status"]) == (0, *["DISCHARGED"] * 2)


def test_a_claim_that_fell_later_holds_one_row_up(ledger, judge):
    """A claim that is refuted after a row was declared on it: that row is unknown, no other."""
    stated = ledger.record("claim.stated", {"claim": "H-1", "text": "the cache is exact"}).hash
    ledger.record("criterion.declared", criterion("RESTS"), cites=[stated])
    low = measured(ledger, "cos-1", 0.2, metric="cos", unit="ratio")
    body = {
        "claim": "H-1", "metric": "cos", "operator": ">=", "threshold": 0.9, "unit": "ratio",
        "value": 0.2, "outcome": "REFUTED", "evidence": low,
    }  # fmt: skip
    ledger.record("claim.tested", body, cites=[stated, low])
    measured(ledger, "r-1", 2.5)
    code, rows, _ = judge()
    assert (code, rows["LOSS"]["status"], rows["RESTS"]["status"]) == (1, "DISCHARGED", "unknown")
    assert "its premise fell: H-1" in rows["RESTS"]["note"]

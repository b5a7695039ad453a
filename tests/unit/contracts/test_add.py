"""Adding a contract: one batch, nothing twice, and moved thresholds are told."""

import multiprocessing

import attrs
import pytest
from ledgers import EXECUTOR, HUMAN, lines_of, measurement, run_started

from ledger.commands.judge import judge
from ledger.contracts.add import add
from ledger.contracts.reading import look_at
from ledger.entry import parse_entry
from ledger.errors import BadArguments, Malformed, Rejected
from ledger.ledger import Ledger

SECOND = ("version: 1.0.0", "version: 1.1.0")


@pytest.fixture
def adds(lab, document, around):
    """Adds the changed contract."""
    return lambda *changes, **more: add(lab, document(*changes), around, **more)


def bodies(lab):
    """(kind, body) of every entry but the first."""
    entries = [parse_entry(line.entry) for line in lines_of(lab.folder)][1:]
    return [(entry.kind, entry.body) for entry in entries]


def changes_of(added):
    """What happened to each part, by name."""
    return {change.name: change.change for change in added.changes}


def measured(lab, run, value, **changes):
    """A final loss, measured by a run."""
    return lab.append([run_started(run), measurement(run, value, **changes)], actor=EXECUTOR)[-1]


def test_batch(lab, adds):
    """Constants, rows in the order of what they require, then the contract that names them."""
    added = adds()
    assert set(changes_of(added).values()) == {"declared"}
    kinds = [kind for kind, _ in bodies(lab)]
    assert kinds == ["constant.declared"] + ["criterion.declared"] * 4 + ["contract.added"]
    rows = [body["criterion"] for kind, body in bodies(lab) if kind == "criterion.declared"]
    assert rows == ["T4-LEARNS", "T4-PASS", "T4-PARITY", "T4-LOSS"]
    _, contract = bodies(lab)[-1]
    assert contract["rows"] == ["T4-LEARNS", "T4-LOSS", "T4-PASS", "T4-PARITY"]
    assert (contract["contract"], contract["version"], contract["supersedes"]) == (
        "tiny4", "1.0.0", None,
    )  # fmt: skip
    assert [receipt.position for receipt in added.receipts.values()] == [1, 2, 3, 4, 5, 6]


def test_fields(lab, adds, document):
    """Every term of a row reaches its declaration; the file is kept byte for byte."""
    adds()
    rows = {b["criterion"]: b for kind, b in bodies(lab) if kind == "criterion.declared"}
    assert rows["T4-LEARNS"]["threshold"] == 10.824905
    assert rows["T4-LEARNS"]["family"] == "falsifier"
    assert rows["T4-LEARNS"]["stop_rule"] == {"rule": "after 1000 steps", "steps": 1000}
    loss = rows["T4-LOSS"]
    assert loss["contract"] == "tiny4@1.0.0"
    assert loss["model"] == "tiny4"
    assert (loss["noise"], loss["provenance"]) == (0.05, ["measured"])
    assert (loss["requires"], loss["aliases"]) == (["T4-LEARNS"], ["T4-CONVERGED"])
    passes = rows["T4-PASS"]
    assert (passes["samples"], passes["blocking"]) == (164, False)
    assert (passes["control_metric"], passes["control_low"]) == ("pass_rate_known", 98)
    assert rows["T4-PARITY"]["rests_on"] == ["comparison.made"]
    assert all(row["if_fails"] and row["test"] and row["prediction"] for row in rows.values())
    assert lab.read_blob(bodies(lab)[-1][1]["file"]) == document().data


def test_citations_are_on_the_entries(lab, adds):
    """What the contract and a row rest on is cited by their entries."""
    note = lab.record("note.added", {"text": "why"})
    cites = f"cites: ['{note.hash}']"
    adds(("author: Ada", cites), ("noise: 0.05", f"noise: 0.05\n    {cites}"))
    citing = [parse_entry(line.entry) for line in lines_of(lab.folder)]
    assert [entry.kind for entry in citing if entry.cites] == [
        "criterion.declared", "contract.added",
    ]  # fmt: skip


def test_unchanged_is_not_declared_again(lab, adds):
    """A new version records what is new, and names everything."""
    adds()
    added = adds(SECOND, ("title: nine in ten", "title: at least nine in ten"))
    assert changes_of(added) == {
        "uniform-loss": "unchanged",
        "T4-LEARNS": "unchanged",
        "T4-PASS": "restated",
        "T4-PARITY": "unchanged",
        "T4-LOSS": "unchanged",
        "tiny4": "moved",
    }
    new = bodies(lab)[6:]
    assert [kind for kind, _ in new] == ["criterion.declared", "contract.added"]
    assert new[0][1]["contract"] == "tiny4@1.1.0"
    assert new[0][1]["supersedes"] is not None
    assert new[1][1]["supersedes"] is not None
    assert len(new[1][1]["rows"]) == 4


def test_spelling_of_a_number_is_no_change(adds):
    """3 is 3.0; true is not 1."""
    adds()
    assert changes_of(adds(SECOND, ("threshold: 3.0", "threshold: 3")))["T4-LOSS"] == "unchanged"
    third = ("version: 1.0.0", "version: 1.2.0")
    binding = ("binding: {model: tiny4, suite: small}", "binding: {model: tiny4, suite: 1}")
    assert changes_of(adds(third, binding))["T4-PASS"] == "restated"
    fourth = ("version: 1.0.0", "version: 1.3.0")
    binding = ("binding: {model: tiny4, suite: small}", "binding: {model: tiny4, suite: true}")
    assert changes_of(adds(fourth, binding))["T4-PASS"] == "restated"


def test_moved_before_any_result(lab, adds):
    """A threshold that moves before a result was seen is in force from then on."""
    adds()
    (moved,) = [c for c in adds(SECOND, ("old: 3.0", "old: 2.2")).changes if c.name == "T4-LOSS"]
    assert moved.change == "moved"
    assert moved.before == "loss_final <= 3.0 nats (noise 0.05)"
    assert moved.now == "loss_final <= 2.2 nats (noise 0.05)"
    assert bodies(lab)[-2][1]["seen"] is None


def test_moved_after_a_result(lab, adds):
    """The result that was seen is named, and the verdict that was given stays in force."""
    adds()
    seen = measured(lab, "train-0001", 4.0)
    judge(lab, ["T4-LEARNS", "T4-LOSS"], actor=HUMAN)
    with lab.recorder.caught_up() as state:
        assert state.standing("verdict/T4-LOSS")[0] == "FALSIFIED"
    added = adds(SECOND, ("threshold: 3.0", "threshold: 4.7"))
    (moved,) = [change for change in added.changes if change.name == "T4-LOSS"]
    assert (moved.change, moved.seen) == ("post hoc", seen.position)
    assert bodies(lab)[-2][1]["seen"] == seen.hash
    judgements = judge(lab, ["T4-LOSS"], actor=HUMAN)
    assert [one.threshold for one in judgements if one.post_hoc] == [4.7]
    with lab.recorder.caught_up() as state:
        assert state.standing("verdict/T4-LOSS")[0] == "FALSIFIED"
        assert state.standing("demand/T4-LOSS")[2] < seen.position


def test_tightened_after_a_result(lab, adds):
    """A demand that no result on record meets newly is not post hoc."""
    adds()
    measured(lab, "train-0001", 2.5)
    assert changes_of(adds(SECOND, ("threshold: 3.0", "threshold: 2.2")))["T4-LOSS"] == "moved"


def test_strict_demand_again(lab, adds):
    """Going back to the strict demand after a post hoc one is sound."""
    adds()
    measured(lab, "train-0001", 4.0)
    adds(SECOND, ("threshold: 3.0", "threshold: 4.7"))
    third = adds(("version: 1.0.0", "version: 1.2.0"))
    assert changes_of(third)["T4-LOSS"] == "moved"
    assert bodies(lab)[-2][1]["seen"] is None


def test_left_out(lab, adds, tiny4):
    """A row that the new version does not name is told, and stays."""
    adds()
    row = tiny4()[tiny4().index("  - name: T4-PARITY") :]
    added = adds(SECOND, (row, ""))
    assert changes_of(added)["T4-PARITY"] == "left out"
    assert bodies(lab)[-1][1]["rows"] == ["T4-LEARNS", "T4-LOSS", "T4-PASS"]


def test_dry_run(lab, adds):
    """The same changes, and nothing recorded: no entry, no blob."""
    planned = adds(dry_run=True)
    assert (len(lines_of(lab.folder)), list(lab.folder.blobs.rglob("*"))) == (1, [])
    assert planned.receipts == {}
    assert changes_of(planned) == changes_of(adds())


def test_refused(lab, adds):
    """Every reason at once, of file, record and rules, and nothing recorded."""
    with pytest.raises(Rejected) as caught:
        adds(
            ("value: 10.824905", "value: 11"),
            ("requires: [T4-LEARNS]", "requires: [NOWHERE]"),
            ("comparison.made", "comparison.maid"),
        )
    assert len(caught.value.reasons) >= 3
    assert caught.value.hint
    assert (len(lines_of(lab.folder)), list(lab.folder.blobs.rglob("*"))) == (1, [])


def test_malformed(lab, adds):
    """A file without the form is malformed, with what else is wrong in it."""
    with pytest.raises(Malformed) as caught:
        adds(("version: 1.0.0", "version: 1"), ("value: 10.824905", "value: 11"))
    assert len(caught.value.reasons) == 2
    assert len(lines_of(lab.folder)) == 1


def test_no_actor(lab, document, around):
    """Who adds it is asked as for any other event."""
    with pytest.raises(BadArguments):
        add(lab, document(), attrs.evolve(around, actor="ada"))
    assert len(lines_of(lab.folder)) == 1


def test_rule_that_speaks_late(adds, monkeypatch):
    """What only the recorder finds is told by the name of the row, not by a number."""
    import ledger.contracts.add as adding

    monkeypatch.setattr(adding, "lint", lambda *_: [])
    with pytest.raises(Rejected) as caught:
        adds(("requires: [T4-LEARNS]", "requires: [NOWHERE]"))
    assert any(reason.startswith("T4-LOSS: names: ") for reason in caught.value.reasons)


def _add_in_a_process(path, data, around, barrier, answers):
    with Ledger.open(path, actor=HUMAN) as ledger:
        barrier.wait()
        try:
            add(ledger, look_at(data, "tiny4.yaml"), around)
        except Rejected as error:
            answers.put(error.reasons)
        else:
            answers.put(())


def test_two_processes(lab, document, around):
    """Of two that add one version at once, one wins and the other is refused with the reason."""
    lab.close()
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    around = attrs.evolve(around, find_command=None)
    arguments = (str(lab.folder.path), document().data, around, barrier, answers)
    both = [context.Process(target=_add_in_a_process, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    found = sorted(answers.get(timeout=60) for _ in both)
    for process in both:
        process.join(timeout=60)
    assert found[0] == ()
    (reason,) = found[1]
    assert "tiny4 1.0.0 was added at position 6" in reason
    assert len(lines_of(lab.folder)) == 7

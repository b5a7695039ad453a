"""A run that was killed or failed, and goes on: `Ledger.resume`."""

import json

import pytest
from ledgers import lines_of, new_ledger

from ledger.errors import Conflict, Malformed
from ledger.ids import is_hash
from ledger.run import Resumed

STATE = "sha256:" + "ab" * 32


@pytest.fixture
def ledger(tmp_path):
    """A ledger with its first entry."""
    with new_ledger(tmp_path / "lab") as ledger:
        yield ledger


@pytest.fixture
def failed(ledger):
    """A run of three steps that failed."""

    def train():
        with ledger.run("train", seed=1) as run:
            for _ in range(3):
                run.step(loss=2.0)
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        train()
    return "train-0001"


def entries(ledger):
    """All entries after the first, parsed."""
    return [json.loads(line.entry) for line in lines_of(ledger.folder)[1:]]


def row_of(ledger, query):
    """The row of the only run."""
    table = ledger.query(query)
    return dict(zip(table.columns, table.rows[0], strict=True))


def go_on(ledger, name, step=2, executor="train"):
    """The run again, from a step."""
    return ledger.resume(executor, Resumed(run=name, step=step, state=STATE))


def test_steps_go_on_and_cite_where(ledger, failed):
    """Numbers begin at the checkpoint's step, and each step cites `run.resumed`."""
    with go_on(ledger, failed) as run:
        assert run.name == failed
        run.step(loss=1.5)
        run.step(loss=1.25)
    resumed, *rest = entries(ledger)[5:]
    assert (resumed["kind"], resumed["body"]["step"]) == ("run.resumed", 2)
    assert resumed["body"]["state"] == STATE
    assert resumed["stream"] == f"run/{failed}"
    steps, end = rest[:-1], rest[-1]
    assert [one["body"]["step"] for one in steps] == [2, 3]
    cited = {tuple(one["cites"]) for one in steps}
    assert len(cited) == 1
    (hash_,) = cited.pop()
    assert is_hash(hash_)
    assert ledger.read(bytes.fromhex(hash_[7:]))[0].kind == "run.resumed"
    assert (end["kind"], end["body"]["entries"]) == ("run.finished", 9)


def test_a_killed_run_goes_on(ledger):
    """One that has no end on record, as after `kill -9`, goes on as well."""
    run = ledger.run("train")
    run.__enter__()
    run.step(loss=2.0)
    with go_on(ledger, run.name, step=0) as again:
        again.step(loss=2.0)
    assert [e["body"]["step"] for e in entries(ledger) if e["kind"] == "step.taken"] == [0, 0]


def test_a_finished_run_is_over(ledger):
    """Nothing is recorded."""
    with ledger.run("train") as run:
        run.step(loss=1.0)
    before = len(entries(ledger))
    with pytest.raises(Conflict, match="has finished"), go_on(ledger, run.name):
        pass
    assert len(entries(ledger)) == before


@pytest.mark.parametrize(("name", "executor"), [(None, "other"), ("train-0009", "train")])
def test_only_who_began_it(ledger, failed, name, executor):
    """Another executor's run, and one that never began, are conflicts."""
    with (
        pytest.raises(Conflict, match="has begun no run"),
        go_on(ledger, name or failed, executor=executor),
    ):
        pass


def test_a_state_that_is_no_digest(ledger, failed):
    """The form is checked before anything is written."""
    before = len(entries(ledger))
    wrong = Resumed(run=failed, step=0, state="abc")
    with (
        pytest.raises(Malformed, match=r"run\.resumed is not recorded"),
        ledger.resume("train", wrong),
    ):
        pass
    assert len(entries(ledger)) == before


def test_it_can_fail_and_go_on_again(ledger, failed):
    """As often as it takes; each failure and each going on is on record."""
    with pytest.raises(ValueError, match="again"), go_on(ledger, failed):
        raise ValueError("again")
    with go_on(ledger, failed, step=3) as run:
        run.step(loss=1.0)
    kinds = [e["kind"] for e in entries(ledger)]
    assert kinds[4:] == [
        "run.failed", "run.resumed", "run.failed", "run.resumed", "step.taken", "run.finished"
    ]  # fmt: skip


def test_what_queries_say(ledger, failed):
    """`runs` says open while it goes on, and `changes` says resumed; then how it ended."""
    assert row_of(ledger, "runs")["outcome"] == "failed"
    with go_on(ledger, failed) as run:
        row = row_of(ledger, "runs")
        assert (row["outcome"], row["reason"]) == ("open", None)
        run.step(loss=1.0)
    row = row_of(ledger, "runs")
    assert (row["outcome"], row["reason"]) == ("finished", None)
    table = ledger.query("changes")
    said = [
        change for row in table.rows for change in row if change in ("started", "ended", "resumed")
    ]
    assert said[-3:] == ["ended", "resumed", "ended"]


def test_the_latest_of_a_step_counts(ledger, failed):
    """The curve has each step once, with the value of the second time."""
    with go_on(ledger, failed, step=1) as run:
        run.step(loss=1.5)
        run.step(loss=1.25)
    table = ledger.query("curve", run=failed, metric="loss")
    at, value = table.columns.index("step"), table.columns.index("value")
    assert [(row[at], row[value]) for row in table.rows] == [(0, 2.0), (1, 1.5), (2, 1.25)]

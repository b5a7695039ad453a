"""A run from start to end: what is recorded of it, however it ends."""

import json

import pytest
from ledgers import lines_of, new_ledger

from executors import base
from ledger.audit import audit
from ledger.errors import Malformed
from ledger.rules.support import weaknesses
from ml.errors import BadPrompt


@pytest.fixture
def ledger(tmp_path):
    """A ledger with its first entry."""
    with new_ledger(tmp_path / "lab") as ledger:
        yield ledger


def recorded(ledger):
    """(kind, body, actor, stream) of every entry after the first."""
    entries = [json.loads(line.entry) for line in lines_of(ledger.folder)[1:]]
    return [(e["kind"], e["body"], e["actor"], e["stream"]) for e in entries]


def test_a_run_that_ends_well(ledger):
    """Start, what was measured, end: in the run's stream, by the executor, counted."""
    with base.start(ledger, "bench", base.ON_RECORD) as run:
        run.measure("tokens_per_second", 12.5, "1/s", {"model": "x"})
        assert run.name == "bench-0001"
    (_, start, *_), (_, number, *_), (_, end, *_) = found = recorded(ledger)
    assert [kind for kind, *_ in found] == ["run.started", "measurement.taken", "run.finished"]
    assert {actor for *_, actor, _ in found} == {"executor:bench"}
    assert {stream for *_, stream in found} == {"run/bench-0001"}
    assert (start["program"], start["executor"]) == (base.PROGRAM, "bench")
    assert (number["run"], number["value"]) == ("bench-0001", 12.5)
    assert number["provenance"] == start["provenance"] == "derived"
    assert end["entries"] == 3
    assert end["wall_ms"] >= 0


def fail(ledger, error):
    """A run that measures one number and then raises; the receipt of the number."""
    receipts = []
    with (  # noqa: PT012 - the run is the block
        pytest.raises(type(error)) as caught,
        base.start(ledger, "bench", base.ON_RECORD) as run,
    ):
        receipts.append(run.measure("tokens", 1, "count", {}))
        raise error
    assert caught.value is error
    return receipts[0]


@pytest.mark.parametrize(
    ("error", "name", "reason"),
    [
        (ValueError("no such thing"), "ValueError", "no such thing"),
        (KeyboardInterrupt(), "interrupted", "interrupted"),
        (SystemExit(3), "interrupted", "3"),
        (RuntimeError(), "RuntimeError", "RuntimeError"),
        (OSError("file \udcff"), "OSError", "file ?"),
        (ValueError("x" * 100_000), "ValueError", "x" * 2000),
    ],
    ids=["error", "interrupt", "exit", "no words", "no text", "too many words"],
)
def test_a_run_that_fails(ledger, error, name, reason):
    """The error goes on, the run is recorded as failed with the reason, and what it had stays."""
    fail(ledger, error)
    found = recorded(ledger)
    assert [kind for kind, *_ in found] == ["run.started", "measurement.taken", "run.failed"]
    assert (found[-1][1]["error"], found[-1][1]["reason"]) == (name, reason)


def test_a_number_of_a_failed_run_carries_nothing(ledger):
    """What a run measured before it failed is kept and supports no verdict."""
    receipt = fail(ledger, ValueError("x"))
    with ledger.recorder.caught_up() as state:
        reasons = list(weaknesses(bytes.fromhex(receipt.hash[7:]), state))
    assert any("failed" in reason for reason in reasons)


def test_runs_are_numbered(ledger):
    """Each run of an executor has the next number, failed ones too."""
    names = []
    for number in range(4):
        try:
            with base.start(ledger, "bench", base.ON_RECORD) as run:
                names.append(run.name)
                if number % 2:
                    raise LookupError
        except LookupError:
            pass
    with base.start(ledger, "other", base.ON_RECORD) as run:
        names.append(run.name)
    assert names == ["bench-0001", "bench-0002", "bench-0003", "bench-0004", "other-0001"]


def test_what_has_no_form_is_not_recorded(ledger):
    """A number that JSON cannot hold is refused, and fails the run."""
    with pytest.raises(Malformed), base.start(ledger, "bench", base.ON_RECORD) as run:
        run.measure("loss", float("nan"), "nats", {})
    assert [kind for kind, *_ in recorded(ledger)] == ["run.started", "run.failed"]


@pytest.mark.parametrize(
    ("guard", "wanted"),
    [(base.ml_errors, base.ExecutorFailed), (base.bad_input, base.BadArguments)],
)
def test_errors_of_ml(guard, wanted):
    """What ml refuses becomes an error of the command line with its hint; a bug stays a bug."""
    with pytest.raises(wanted, match="empty") as caught, guard():
        raise BadPrompt("empty", hint="say something")
    assert caught.value.hint == "say something"
    with pytest.raises(ZeroDivisionError), guard():
        _ = 1 / 0


@pytest.mark.parametrize(
    ("sizes", "budget", "wanted"),
    [
        ([], 10, [range(0)]),
        ([3, 3], 100, [range(2)]),
        ([3, 3, 3, 3], 12, [range(2), range(2, 4)]),
        ([50, 1, 50], 12, [range(1), range(1, 2), range(2, 3)]),
    ],
)
def test_split_rows(monkeypatch, sizes, budget, wanted):
    """Ranges cover every row once, in order, and none is over the budget but a single row."""
    monkeypatch.setattr(base, "_TABLE_BYTES", budget)
    assert base.split_rows(len(sizes), lambda i: "x" * sizes[i]) == wanted


def test_stopped_before_the_block(ledger, monkeypatch):
    """Ctrl-C between the first entry and the block: it is recorded as interrupted all the same."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ledger.run._Steps", stop)
    with pytest.raises(KeyboardInterrupt), base.start(ledger, "bench", base.ON_RECORD):
        raise AssertionError("the block is not entered")
    found = recorded(ledger)
    assert [kind for kind, *_ in found] == ["run.started", "run.failed"]
    assert found[1][1]["error"] == "interrupted"
    assert audit(ledger.folder).exit_code == 0


def test_stopped_before_the_first_entry(ledger, monkeypatch):
    """Ctrl-C before anything was written records nothing."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ledger.journal.writer.Writer.append", stop)
    with pytest.raises(KeyboardInterrupt), base.start(ledger, "bench", base.ON_RECORD):
        raise AssertionError("the block is not entered")
    monkeypatch.undo()
    assert recorded(ledger) == []
    assert audit(ledger.folder).exit_code == 0

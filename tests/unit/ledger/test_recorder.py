"""Recording: two ways in, all or nothing, every problem at once, every stream numbered."""

import json
import math
import multiprocessing

import numpy
import pytest
from ledgers import (
    EXECUTOR,
    HUMAN,
    ORIGIN,
    START_US,
    claim,
    gaps_of,
    lines_of,
    measurement,
    new_recorder,
    note,
    run_started,
    snapshot,
    step,
)

from ledger.entry import entry_hash, format_hash
from ledger.errors import BadArguments, Malformed, Rejected, StoreFailed
from ledger.events.form import body_of
from ledger.events.ledger import GapFound
from ledger.events.reported import NoteReported
from ledger.events.run import StepTaken
from ledger.ledger import Ledger
from ledger.recorder import MAX_BATCH, Draft


def entries_of(folder):
    """Every recorded entry as JSON."""
    return [json.loads(line.entry) for line in lines_of(folder)]


def reported(topic="slip"):
    """A statement of others."""
    event = NoteReported(
        subject="x", said_on=None, section=None, spec_version=None, document=None, source=None,
        rest={"n": 1}, topic=topic,
    )  # fmt: skip
    return Draft(event=event)


def test_what_an_entry_says(folder):
    """Actor, time, stream, numbering and body of an entry, and the receipt that names it."""
    recorder = new_recorder(folder)
    cited = recorder.append([note("first")], actor=HUMAN)[0].hash
    draft = Draft(event=note("second").event, cites=(cited,), branch="try/one")
    (receipt,) = recorder.append([draft], actor="agent:x")
    line = lines_of(folder)[1]
    assert json.loads(line.entry) == {
        "actor": "agent:x",
        "body": {"text": "second"},
        "branch": "try/one",
        "cites": [cited],
        "kind": "note.added",
        "origin": ORIGIN,
        "recorded_at": START_US + 1,
        "schema_version": 1,
        "stream": "ledger",
        "stream_version": 1,
    }
    assert receipt.hash == format_hash(entry_hash(line.entry))
    assert (receipt.position, receipt.kind) == (1, "note.added")
    assert (receipt.stream, receipt.stream_version) == ("ledger", 1)


def test_instrument_way_runs_no_rule(folder, monkeypatch):
    """Instrument and reported events are written without asking a rule or the state."""
    recorder = new_recorder(folder)
    monkeypatch.setattr("ledger.recorder.reasons_against", None)
    monkeypatch.setattr(recorder.state, "catch_up", None)
    recorder.append([step("train-0001", 0), reported()], actor=EXECUTOR)
    assert [entry["kind"] for entry in entries_of(folder)] == ["step.taken", "note.reported"]


def test_decided_way_runs_the_rules(folder):
    """A decided event is held against what everyone recorded, up to the last entry."""
    first, second = new_recorder(folder), new_recorder(folder)
    first.append([claim("H-1")], actor=HUMAN)
    with pytest.raises(Rejected) as refused:
        second.append([claim("H-1")], actor=HUMAN)
    assert refused.value.reasons == (
        "uniqueness: H-1 was stated at position 0; choose another name",
    )


def test_all_reasons_of_a_batch(folder):
    """A refused batch names every event and every reason, and nothing of it is recorded."""
    recorder = new_recorder(folder)
    recorder.append([claim("H-1")], actor=HUMAN)
    before = snapshot(folder)
    missing = "sha256:" + "0" * 64
    drafts = [note("good"), claim("H-1"), Draft(event=note("x").event, cites=(missing,))]
    with pytest.raises(Rejected) as refused:
        recorder.append([*drafts, claim("H-2"), claim("H-2")], actor=HUMAN)
    starts = [reason.split(":")[0] for reason in refused.value.reasons]
    assert starts == ["event 2", "event 3", "event 5"]
    assert missing in refused.value.reasons[1]
    assert snapshot(folder) == before


def test_rejected_batch_gives_no_number(folder):
    """After a refused batch every stream goes on with the number it had."""
    recorder = new_recorder(folder)
    recorder.append([claim("H-1"), note("0")], actor=HUMAN)
    with pytest.raises(Rejected):
        recorder.append([note("lost"), step("r-1", 0), claim("H-1")], actor=EXECUTOR)
    receipts = recorder.append([note("1"), step("r-1", 0)], actor=EXECUTOR)
    assert [(r.stream, r.stream_version) for r in receipts] == [("ledger", 1), ("run/r-1", 0)]


def test_failed_write_gives_no_number(folder, monkeypatch):
    """After a write that failed every stream goes on with the number it had."""
    recorder = new_recorder(folder)
    recorder.append([step("r-1", 0)], actor=EXECUTOR)
    before = snapshot(folder)
    with monkeypatch.context() as patch:
        patch.setattr("ledger.journal.writer.os.write", lambda *_: 3)
        with pytest.raises(StoreFailed, match="took only a part"):
            recorder.append([step("r-1", 1), step("r-2", 0)], actor=EXECUTOR)
    assert snapshot(folder) == before
    receipts = recorder.append([step("r-1", 1), step("r-2", 0)], actor=EXECUTOR)
    assert [receipt.stream_version for receipt in receipts] == [1, 0]


def test_failure_after_the_write_keeps_numbers(folder, monkeypatch):
    """What was written is counted, though something after it failed."""
    recorder = new_recorder(folder)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ledger.journal.writer.remove_batch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            recorder.append([step("r-1", 0), step("r-1", 1)], actor=EXECUTOR)
    (receipt,) = recorder.append([step("r-1", 2)], actor=EXECUTOR)
    assert (receipt.position, receipt.stream_version) == (2, 2)


def test_malformed_drafts_all_at_once(folder):
    """Actor, streams, branches, citations and fields: every problem in one answer."""
    recorder = new_recorder(folder)
    drafts = [
        Draft(event=note("x").event, stream="run/other"),
        Draft(event=note("x").event, branch="a b"),
        Draft(event=note("x").event, cites=("abc",)),
        step("a b", 0),
        Draft(event=reported().event, stream="run/x"),
        measurement("r-1", 1.0),
        note(" "),
    ]
    with pytest.raises(Malformed) as refused:
        recorder.append(drafts, actor="ada")
    reasons = "\n".join(refused.value.reasons)
    for text in (
        "actor: 'ada' is not human:NAME",
        "event 1: stream: note.added belongs to ledger, not run/other",
        "event 2: branch: 'a b'",
        "event 3: cites: 'abc'",
        "event 4: stream: 'run/a b' is no stream",
        "event 5: stream: note.reported belongs to an import/NAME stream",
        "event 6: provenance: ada is no executor",
        "event 7: text: a note needs words",
    ):
        assert text in reasons
    assert lines_of(folder) == []


def test_too_many_at_once(folder):
    """A batch over the limit is refused before the lock is taken."""
    with pytest.raises(Malformed) as refused:
        new_recorder(folder).append([note("x")] * (MAX_BATCH + 1), actor=HUMAN)
    assert refused.value.reasons == ("10001 events at once; 10000 are allowed",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"metrics": {"loss": math.nan}}, "metrics.loss: not finite; where the field allows it"),
        ({"metrics": {"loss": math.inf}}, 'spell it as the string "Infinity"'),
        ({"metrics": {"loss": None}}, "metrics: expected"),
        ({"metrics": {"loss": "inf"}}, "metrics: "),
        ({"metrics": {"loss": numpy.float32(1)}}, "numpy.float32"),
        ({"metrics": {"loss": numpy.float64(1)}}, "numpy.float64"),
        ({"metrics": {"tokens": 2**53 + 1}}, "beyond 2^53"),
        ({"step": 1.5}, "step: expected `int`"),
        ({"provenance": "guessed"}, "provenance: "),
        ({"run": None}, "run: expected `str`"),
    ],
)
def test_events_made_in_python_are_checked(folder, changes, says):
    """An event made in Python is held to the form of its kind: NaN never becomes null."""
    fields = {"run": "r-1", "step": 0, "provenance": "measured", "metrics": {}} | changes
    with pytest.raises(Malformed) as refused:
        new_recorder(folder).append([Draft(event=StepTaken(**fields))], actor=EXECUTOR)
    assert says in "\n".join(refused.value.reasons)
    assert lines_of(folder) == []


def test_too_large(folder):
    """One event of a batch that is too large keeps the whole batch out."""
    recorder = new_recorder(folder)
    with pytest.raises(Malformed, match="65535 are allowed"):
        recorder.append([note("x"), note("y" * 70_000)], actor=HUMAN)
    assert lines_of(folder) == []
    (receipt,) = recorder.append([note("x")], actor=HUMAN)
    assert receipt.stream_version == 0


def test_two_recorders_interleave(folder):
    """Two that write to one stream in turns number it together."""
    recorders = [new_recorder(folder), new_recorder(folder)]
    versions = [
        recorders[number % 2].append([step("r-1", number)], actor=EXECUTOR)[0].stream_version
        for number in range(10)
    ]
    assert versions == list(range(10))


def test_two_processes_interleave(folder, nursery):
    """Two processes that write to one stream number it together, without a hole."""
    pids = [nursery.start("write_steps", folder.path, "r-1", 150, 20_000) for _ in range(2)]
    assert [nursery.wait(pid) for pid in pids] == [0, 0]
    assert [entry["stream_version"] for entry in entries_of(folder)] == list(range(300))
    assert gaps_of(folder) == []


def test_fork(folder, nursery):
    """A Ledger used on both sides of a fork keeps one order and one chain."""
    assert nursery.run("append_around_fork", folder.path, 150) == 0
    entries = entries_of(folder)
    assert len(entries) == 301
    for run in ("train-0001", "train-0002"):
        own = [entry for entry in entries if entry["stream"] == f"run/{run}"]
        assert [entry["stream_version"] for entry in own] == list(range(len(own)))


def test_ledger_records_by_name(ledger):
    """Ledger.record takes a kind's name and fields, and read finds what was recorded."""
    receipt = ledger.record("note.added", {"text": "hello"})
    entry, position = ledger.read(bytes.fromhex(receipt.hash.removeprefix("sha256:")))
    assert (entry.body, position) == ({"text": "hello"}, 1)
    instrument = ledger.append([run_started("train-0001")], actor=EXECUTOR)[0]
    assert ledger.read(bytes.fromhex(instrument.hash.removeprefix("sha256:")))[1] == 2
    with pytest.raises(Malformed, match=r"no event kind 'note\.add'") as refused:
        ledger.record("note.add", {"text": "x"})
    assert "note.added" in refused.value.hint


def test_actor_is_needed(ledger):
    """Without an actor nothing is recorded."""
    nobody = Ledger(ledger.folder)
    with pytest.raises(BadArguments, match="who records this"):
        nobody.record("note.added", {"text": "x"})


def test_second_beginning(ledger):
    """The first entry of a ledger cannot be recorded twice."""
    body = json.loads(lines_of(ledger.folder)[0].entry)["body"]
    with pytest.raises(Rejected, match="a rule refuses it"):
        ledger.record("ledger.created", body)


def test_runs_are_numbered(ledger):
    """A run name is not given twice, however its number was taken."""
    body = body_of(run_started("any").event)
    assert ledger.start_run("train", body, actor=EXECUTOR)[0] == "train-0001"
    other = Ledger(ledger.folder, actor=EXECUTOR)
    other.append([run_started("train-0007")])
    name, receipt = ledger.start_run("train", body, actor=EXECUTOR)
    assert (name, receipt.stream) == ("train-0008", "run/train-0008")
    assert ledger.start_run("trace", body, actor=EXECUTOR)[0] == "trace-0001"


def test_runs_that_start_at_once_get_names_of_their_own(ledger):
    """Of several processes that start runs together, no two get one name."""
    place = str(ledger.folder.path)
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        names = pool.starmap(_start_runs, [(place, 10)] * 4)
    assert len({name for part in names for name in part}) == 40


def _start_runs(place, count):
    with Ledger.open(place, actor=EXECUTOR) as ledger:
        body = body_of(run_started("any").event)
        return [ledger.start_run("train", body)[0] for _ in range(count)]


def test_gap_is_an_instrument_event():
    """A gap is recorded by the way that needs no rule, so that healing cannot be refused."""
    assert GapFound.KIND.family == "instrument"

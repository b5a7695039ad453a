"""Taking over another record: verbatim, once, on a branch that counts when somebody says so."""

import contextlib
import json
import shutil

import pytest
from ledgers import lines_of, snapshot

from ledger.audit import audit
from ledger.commands.merge import merge
from ledger.commands.sources import ExportSource, FolderSource
from ledger.entry import entry_hash, format_hash
from ledger.errors import BadArguments, IntegrityError, Malformed, Rejected
from ledger.events import KINDS
from ledger.events.form import completed, parse_body
from ledger.exporters import Selection, find_exporter
from ledger.ledger import Ledger
from ledger.recorder import Draft

CRITERION = {
    "criterion": "AC-1",
    "title": "the loss is small",
    "metric": "loss_final",
    "operator": "<=",
    "threshold": 3.0,
    "unit": "nats",
    "blocking": True,
    "model": None,
    "binding": {"model": "tiny4"},
}


def entries(ledger):
    """The bytes E of every entry."""
    return [line.entry for line in lines_of(ledger.folder)]


def kinds(ledger):
    """The kind of every entry."""
    return [json.loads(entry)["kind"] for entry in entries(ledger)]


@contextlib.contextmanager
def refused(says):
    """A rule refuses the block, for a reason that says so."""
    with pytest.raises(Rejected) as caught:
        yield
    assert any(says in reason for reason in caught.value.reasons), caught.value.reasons


def is_sound(ledger):
    """Whether the audit finds the record in order, or says what is not."""
    findings = [f for f in audit(ledger.folder).findings if f.severity in ("broken", "unsupported")]
    assert findings == []


def test_verbatim(ours, theirs):
    """What is taken over keeps its bytes, so its hash; what was here stays; the audit is clean."""
    before = entries(ours)
    merged = merge(ours, FolderSource(theirs.folder), branch=None)
    assert entries(ours)[: len(before)] == before
    assert entries(ours)[len(before) + 1 :] == entries(theirs)
    assert (merged.branch, merged.taken, merged.known) == ("example.org/theirs", 7, 0)
    assert merged.head == format_hash(entry_hash(entries(theirs)[-1]))
    assert not merged.is_on_main
    (marker,) = [json.loads(e)["body"] for e in entries(ours) if b"branch.imported" in e]
    last = lines_of(theirs.folder)[-1]
    assert marker == {
        "name": "example.org/theirs",
        "source": "example.org/theirs",
        "source_size": 7,
        "source_chain": "sha256:" + last.chain.hex(),
        "entries": 7,
        "head": merged.head,
    }
    is_sound(ours)


def test_twice(ours, theirs):
    """A second merge adds nothing; once the other grew, what is new comes."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    before = snapshot(ours.folder)
    again = merge(ours, FolderSource(theirs.folder), branch=None)
    assert (again.taken, again.known) == (0, 7)
    assert snapshot(ours.folder) == before
    theirs.record("note.added", {"text": "later"})
    grown = merge(ours, FolderSource(theirs.folder), branch=None)
    assert (grown.taken, grown.known) == (1, 7)
    assert entries(ours)[-1] == entries(theirs)[-1]
    is_sound(ours)


def test_there_and_back(ours, theirs):
    """Two ledgers that take each other over have each other's entries, and stop."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    merge(theirs, FolderSource(ours.folder), branch=None)
    back = merge(ours, FolderSource(theirs.folder), branch=None)
    assert back.taken == 1  # theirs said that it took ours over
    assert set(entries(theirs)) - set(entries(ours)) == set()
    assert merge(theirs, FolderSource(ours.folder), branch=None).taken == 1
    is_sound(ours)
    is_sound(theirs)


def test_numbers_go_on(ours, theirs):
    """Our own streams are numbered as if nothing had come."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    assert ours.record("note.added", {"text": "x"}).stream_version == 2
    with Ledger.open(ours.folder.path, actor="human:ada") as fresh:
        assert fresh.record("note.added", {"text": "y"}).stream_version == 3
    with ours.run("bench") as run:
        assert run.name == "bench-0001"
    is_sound(ours)


def test_what_is_on_a_branch_does_not_count(ours, theirs):
    """Evidence of a branch supports no verdict of the main line until the branch is merged."""
    merged = merge(ours, FolderSource(theirs.folder), branch=None)
    declaration = ours.record("criterion.declared", CRITERION).hash
    (evidence,) = [format_hash(entry_hash(e)) for e in entries(ours) if b'"measurement.taken"' in e]
    verdict = {
        name: CRITERION[name] for name in ("criterion", "metric", "operator", "threshold", "unit")
    } | {"status": "DISCHARGED", "value": 2.25, "declaration": declaration, "evidence": evidence}
    cites = [declaration, evidence]
    with refused("on a branch that is not merged"):
        ours.record("verdict.given", verdict, cites=cites)
    again = merge(ours, FolderSource(theirs.folder), branch=None, reason="looked at each number")
    assert again.is_on_main
    assert again.head == merged.head
    assert ours.record("verdict.given", verdict, cites=cites)
    is_sound(ours)
    position = kinds(ours).index("branch.merged")
    assert merge(ours, FolderSource(theirs.folder), branch=None, reason="again").is_on_main
    assert kinds(ours).count("branch.merged") == 1, position


def test_later_entries_wait(ours, theirs):
    """What comes to a branch after it was merged does not count before it is merged again."""
    merge(ours, FolderSource(theirs.folder), branch=None, reason="fine")
    with theirs.run("bench") as run:
        receipt = run.measure("loss_final", 1.0, "nats", {"model": "tiny4"})
    merge(ours, FolderSource(theirs.folder), branch=None)
    with ours.recorder.caught_up() as state:
        entry, position = state.read(bytes.fromhex(receipt.hash[7:]))
        assert not state.counts(entry, position)
        assert state.counts(*state.read(entry_hash(entries(theirs)[3])))


def test_names_of_both(ours, theirs):
    """Names that both gave are listed; theirs goes by its origin here, ours stays."""
    ours.record("claim.stated", {"claim": "H-1", "text": "ours", "prediction": None})
    with ours.run("bench"):
        pass
    merged = merge(ours, FolderSource(theirs.folder), branch=None, reason="fine")
    found = {(c.what, c.name, c.position, c.theirs) for c in merged.conflicts}
    assert found == {
        ("claim", "H-1", 1, "example.org/theirs:H-1"),
        ("run", "bench-0001", 2, "example.org/theirs:bench-0001"),
    }
    with ours.recorder.caught_up() as state:
        assert state.standing("claim/H-1")[2] == 1
        assert state.standing("claim/example.org/theirs:H-1")[2] > 3
    is_sound(ours)


@pytest.fixture
def fork(ours, tmp_path):
    """A copy of our ledger that went its own way, as we did."""
    ours.record("criterion.declared", CRITERION)
    ours.close()
    shutil.copytree(ours.folder.path, tmp_path / "copy" / ".ledger")
    with Ledger.open(tmp_path / "copy", actor="human:bob") as copy:
        copy.record("note.added", {"text": "in the copy"})
        copy.record("claim.stated", {"claim": "H-9", "text": "bob's", "prediction": None})
        ours.record("note.added", {"text": "in the original"})
        ours.record("claim.stated", {"claim": "H-9", "text": "ada's", "prediction": None})
        yield copy


def test_a_copy_needs_a_name(ours, fork):
    """A copy has the same origin: its branch must be named."""
    with pytest.raises(BadArguments, match="a copy that went its own way"):
        merge(ours, FolderSource(fork.folder), branch=None)


def test_a_copy_comes_back(ours, fork):
    """What both have is skipped, what only the copy has comes; numbers stay, names are reported."""
    merged = merge(ours, FolderSource(fork.folder), branch="bob", reason="fine")
    assert (merged.taken, merged.known) == (2, 2)
    assert [(c.name, c.theirs) for c in merged.conflicts] == [("H-9", "H-9")]
    with ours.recorder.caught_up() as state:
        assert state.read(state.standing("claim/H-9")[1])[0].actor == "human:ada"
    assert ours.record("note.added", {"text": "x"}).stream_version == 4
    is_sound(ours)


def test_what_was_off_the_main_line_there(make, ours, theirs):
    """What the other ledger has on branches comes on branches of its own."""
    third = make("example.org/third")
    third.record("note.added", {"text": "third"})
    merge(theirs, FolderSource(third.folder), branch=None)
    draft = Draft(event=parse_body(KINDS["note.added"], {"text": "try"}), branch="try")
    theirs.append([draft])
    merge(ours, FolderSource(theirs.folder), branch="t", reason="fine")
    found = [json.loads(e)["body"] for e in entries(ours) if b'"kind":"branch.imported"' in e]
    own = [(b["name"], b["entries"]) for b in found if b["source"] == "example.org/theirs"]
    assert own == [("t", 8), ("t/example.org/third", 2), ("t/try", 1)]
    with ours.recorder.caught_up() as state:
        counts = [state.counts(*state.read(entry_hash(e))) for e in entries(theirs)]
    assert counts == [True] * 8 + [False] * 3
    is_sound(ours)


def test_a_long_record(ours, theirs, monkeypatch):
    """A record of many chunks comes chunk by chunk; one that is cut short goes on later."""
    monkeypatch.setattr("ledger.commands.merge._CHUNK_ENTRIES", 3)
    source, calls = FolderSource(theirs.folder), []

    def stop(done, total):
        calls.append((done, total))
        if total and done > total // 2 + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(ours, source, branch=None, on_progress=stop)
    assert kinds(ours).count("branch.imported") == 1
    is_sound(ours)
    merged = merge(ours, FolderSource(theirs.folder), branch=None)
    assert (merged.taken, merged.known) == (4, 3)
    assert [e for e in entries(ours) if e in entries(theirs)] == entries(theirs)
    is_sound(ours)


def test_a_damaged_record(ours, theirs):
    """A record whose chain does not hold is refused, and nothing is taken."""
    before = snapshot(ours.folder)
    path = theirs.folder.journal / f"{0:020d}.log"
    path.write_bytes(path.read_bytes().replace(b'"text":"theirs"', b'"text":"thelrs"'))
    with pytest.raises(IntegrityError):
        merge(ours, FolderSource(theirs.folder), branch=None)
    assert snapshot(ours.folder) == before


def test_a_record_without_form(ours, theirs):
    """A record with events that have not their form is refused with every one of them."""
    frame = theirs.recorder.framer.frame(KINDS["note.added"], "ledger", "human:eve", None)
    for _ in range(2):
        theirs.recorder.append_body(frame, b'{"words":"x"}')
    before = snapshot(ours.folder)
    with pytest.raises(Malformed) as caught:
        merge(ours, FolderSource(theirs.folder), branch=None)
    assert sum("position 8" in reason for reason in caught.value.reasons) == 2
    assert snapshot(ours.folder) == before


def test_a_later_program(ours, theirs):
    """Events of kinds that this program does not know come as they are."""
    kind = KINDS["note.added"]
    frame = theirs.recorder.framer.frame(kind, "ledger", "human:eve", None)
    body = b'{"text":"from the future"}'
    data = frame.format(body, 1, 99).replace(b'"note.added"', b'"dream.seen"')
    theirs.recorder._writer.enter(lambda _data: None)
    theirs.recorder._writer.append([data.replace(b":99}", b":2}")])
    theirs.recorder._writer.leave()
    assert merge(ours, FolderSource(theirs.folder), branch=None).taken == 8
    assert kinds(ours)[-1] == "dream.seen"
    is_sound(ours)


def test_evidence_comes_too(ours, theirs):
    """Blobs that entries name are kept here as well; one that is missing there is counted."""
    digest, lost = theirs.write_blob(b"evidence"), theirs.write_blob(b"lost")
    for blob in (digest, lost):
        body = {"segment": 0, "offset": 0, "torn_bytes": 1, "blob": blob, "last_good_position": 0}
        theirs.record("gap.found", body)
    path = theirs.folder.blobs / lost[7:9] / lost[9:]
    path.unlink()
    merged = merge(ours, FolderSource(theirs.folder), branch=None)
    assert merged.missing_blobs == 1
    assert ours.read_blob(digest) == b"evidence"


@pytest.mark.parametrize("name", ["jsonl", "jsonl.zst"])
def test_an_exported_record(ours, theirs, make, tmp_path, name):
    """A file that was exported gives what the ledger itself gives."""
    digest = theirs.write_blob(b"evidence" * 20_000)
    body = {"segment": 0, "offset": 0, "torn_bytes": 1, "blob": digest, "last_good_position": 0}
    theirs.record("gap.found", body)
    path = tmp_path / f"record.{name}"
    selection = Selection(
        folder=theirs.folder,
        first=0,
        end=8,
        blobs="evidence",
        table=None,
        query=None,
        parameters={},
    )
    with path.open("wb") as file:
        find_exporter(None, str(path)).write(selection, file, lambda _done, _total: None)
    twin = make("example.org/ours", "twin")
    merged = merge(ours, ExportSource(path), branch=None)
    assert merged == merge(twin, FolderSource(theirs.folder), branch=None)
    assert entries(ours)[2:] == entries(twin)[2:]
    assert ours.read_blob(digest) == b"evidence" * 20_000
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(Malformed):
        merge(twin, ExportSource(path), branch=None)


def test_not_by_hand(ours, theirs):
    """An import is nothing to be recorded alone; a merge cites a head of its branch."""
    digest = "sha256:" + "0" * 64
    imported = {
        "name": "b", "source": "x", "source_size": 1, "source_chain": digest, "entries": 1,
        "head": digest,
    }  # fmt: skip
    with refused("by `ledger merge`"):
        ours.record("branch.imported", imported)
    merged = merge(ours, FolderSource(theirs.folder), branch="b")
    own = format_hash(entry_hash(entries(ours)[0]))
    for head, branch, cites, says in (
        (merged.head, "c", [merged.head], "is on branch b, not on c"),
        (merged.head, "b", [], "cites the head"),
        (own, "b", [own], "is on the main line"),
        (digest, "b", [digest], "not in this ledger"),
    ):
        with refused(says):
            ours.record("branch.merged", {"name": branch, "head": head, "reason": "x"}, cites=cites)


def test_own_branch(ours):
    """What was recorded on a branch of ours counts once it is merged, up to the head."""

    def on(branch, kind, body):
        event = parse_body(KINDS[kind], completed(KINDS[kind], body))
        return ours.append([Draft(event=event, branch=branch)])[0]

    first = on("try", "criterion.declared", CRITERION)
    on("try", "note.added", {"text": "more"})
    with ours.recorder.caught_up() as state:
        assert state.standing("criterion/AC-1") is None
        assert state.standing("criterion/AC-1", "try")[2] == 1
    with refused("AC-1 was declared"):
        on("try", "criterion.declared", CRITERION)
    body = {"name": "try", "head": first.hash, "reason": "it is good"}
    ours.record("branch.merged", body, cites=[first.hash])
    with ours.recorder.caught_up() as state:
        assert state.standing("criterion/AC-1")[2] == 1
    is_sound(ours)


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "../x"])
def test_bad_branch(ours, theirs, name):
    """A name that can be no branch is refused."""
    with pytest.raises(BadArguments, match="cannot name a branch"):
        merge(ours, FolderSource(theirs.folder), branch=name)


def names(ledger, query, column, **parameters):
    """One column of a named query."""
    return [row[column] for row in ledger.query(query, **parameters).objects()]


def test_what_queries_say(ours, theirs):
    """Names of the other origin are qualified everywhere; its claims show once they count."""
    ours.record("claim.stated", {"claim": "H-1", "text": "ours", "prediction": None})
    with ours.run("bench") as run:
        run.step(loss=9.0)
    merge(ours, FolderSource(theirs.folder), branch=None)
    assert names(ours, "runs", "run") == ["bench-0001", "example.org/theirs:bench-0001"]
    for name, loss in (("bench-0001", 9.0), ("example.org/theirs:bench-0001", 2.5)):
        assert names(ours, "curve", "value", run=name, metric="loss") == [loss]
    assert names(ours, "claims", "claim") == ["H-1"]
    merge(ours, FolderSource(theirs.folder), branch=None, reason="fine")
    assert names(ours, "claims", "claim") == ["H-1", "example.org/theirs:H-1"]
    last = len(entries(ours)) - 2
    table = ours.query("claims", at=last)
    assert [row["claim"] for row in table.objects()] == ["H-1"]


def test_the_board_is_the_main_line(ours):
    """A criterion on a branch is a row of the board once the branch is merged."""
    kind = KINDS["criterion.declared"]
    event = parse_body(kind, completed(kind, CRITERION))
    head = ours.append([Draft(event=event, branch="try")])[0].hash
    assert names(ours, "board", "row") == []
    ours.record("branch.merged", {"name": "try", "head": head, "reason": "good"}, cites=[head])
    assert names(ours, "board", "row") == ["AC-1"]
    assert names(ours, "changes", "branch") == [None] * len(names(ours, "changes", "branch"))

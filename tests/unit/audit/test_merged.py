"""Ledgers that took others over: numbers of two histories, verdicts on branches, and forgeries."""

import shutil

import msgspec
import pytest
from labs import criterion
from ledgers import HUMAN, lines_of
from tampering import append_forged, as_note, lines, rewrite

from ledger.audit import audit
from ledger.commands.judge import judge
from ledger.commands.merge import merge
from ledger.commands.sources import FolderSource
from ledger.entry import entry_hash, format_hash
from ledger.journal.line import Line, chain_start, extend, parse_line
from ledger.ledger import Ledger

SIZES = (1, 700, 5_000, 1 << 30)


def answers(folder):
    """What an audit says, which does not depend on ranges."""
    whole = audit(folder)
    for size in SIZES:
        assert audit(folder, range_bytes=size, processes=1) == whole
    return whole


def said(folder):
    """(severity, check, position, message) of each finding that is no good news."""
    return [
        (f.severity, f.check, f.position, f.message)
        for f in answers(folder).findings
        if f.severity in ("broken", "unsupported")
    ]


def write_chain(folder, entries):
    """A journal of these entries with a sound chain."""
    chain, new = chain_start(folder.origin), []
    for position, entry in enumerate(entries):
        chain = extend(chain, entry)
        new.append(Line(position, chain, entry).format())
    rewrite(folder, new)


def entries(folder):
    """The bytes E of every entry."""
    return [parse_line(line).entry for line in lines(folder)]


def train(ledger, runs):
    """Runs of some steps with a measurement each."""
    for number in range(runs):
        with ledger.run("bench", provenance="measured") as run:
            for step in range(4):
                run.step(loss=2.5 - step / 10)
            run.measure("loss_final", 2.0 + number, "nats", {"model": "tiny4"})


@pytest.fixture
def ours(tmp_path):
    """The ledger that takes over."""
    (tmp_path / "ours").mkdir()
    with Ledger.create(tmp_path / "ours", "example.org/ours", actor=HUMAN) as ledger:
        ledger.record("criterion.declared", criterion("LOSS"))
        train(ledger, 2)
        yield ledger


@pytest.fixture
def theirs(tmp_path):
    """Another ledger, with a verdict of its own."""
    (tmp_path / "theirs").mkdir()
    with Ledger.create(tmp_path / "theirs", "example.org/theirs", actor=HUMAN) as ledger:
        ledger.record("criterion.declared", criterion("LOSS"))
        train(ledger, 2)
        judge(ledger, [], actor=HUMAN)
        yield ledger


@pytest.fixture
def fork(ours, tmp_path):
    """A copy of ours that went its own way, as ours did: with the same names and numbers."""
    shutil.copytree(ours.folder.path, tmp_path / "fork" / ".ledger")
    with Ledger.open(tmp_path / "fork", actor="human:bob") as ledger:
        train(ledger, 2)
        ledger.record("note.added", {"text": "in the copy"})
        train(ours, 3)
        ours.record("note.added", {"text": "in the original"})
        yield ledger


def test_taken_over(ours, theirs):
    """What came from elsewhere is sound here, in ranges of any size, and we go on numbering."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    train(ours, 1)
    theirs.record("note.added", {"text": "later"})
    merge(ours, FolderSource(theirs.folder), branch=None)
    ours.record("note.added", {"text": "ours"})
    report = answers(ours.folder)
    assert said(ours.folder) == []
    assert report.entries == len(lines_of(ours.folder))
    assert audit(ours.folder, processes=2, range_bytes=5_000) == report


def test_copy_that_came_back(ours, fork):
    """Entries of one origin with the same numbers, here and on the branch, are sound."""
    merge(ours, FolderSource(fork.folder), branch="bob", reason="fine")
    ours.record("note.added", {"text": "afterwards"})
    train(ours, 1)
    assert said(ours.folder) == []


def test_verdict_that_came_along(ours, theirs):
    """A verdict that another ledger gave is held against what that ledger measured."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    holds = [f.message for f in audit(ours.folder).findings if f.severity == "holds"]
    assert len(holds) == 1
    assert holds[0].startswith("LOSS is DISCHARGED: loss_final = ")


def forge_verdict(ours, theirs):
    """Append their verdict as if it were ours, on the main line; its position."""
    given = next(e for e in entries(theirs.folder) if b'"kind":"verdict.given"' in e)
    own = msgspec.json.decode(given) | {"origin": "example.org/ours", "stream_version": 1}
    return append_forged(ours.folder, lambda _: msgspec.json.encode(own, order="sorted"))


def test_evidence_on_a_branch(ours, theirs):
    """A verdict of the main line on what is on a branch lacks support."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    at = forge_verdict(ours, theirs)
    ((severity, check, position, message),) = said(ours.folder)
    assert (severity, check, position) == ("unsupported", "verdicts", at)
    assert "is on a branch that is not merged" in message


def test_evidence_of_a_merged_branch(ours, theirs):
    """Once the branch is merged, its numbers carry verdicts."""
    merge(ours, FolderSource(theirs.folder), branch=None, reason="looked at each number")
    at = forge_verdict(ours, theirs)
    assert said(ours.folder) == []
    assert at in {f.position for f in audit(ours.folder).findings if f.severity == "holds"}


def test_hole_in_what_was_taken_over(ours, theirs):
    """An entry that was left out of what was taken over is missed by the one that follows it."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    old = entries(ours.folder)
    gone = next(n for n, e in enumerate(old) if b'"step":1' in e and b"example.org/theirs" in e)
    new = [*old[:gone], *old[gone + 1 :]]
    new = [e.replace(b'"entries":%d' % count, b'"entries":%d' % (count - 1)) for e in new
           for count in [len(entries(theirs.folder))]]  # fmt: skip
    write_chain(ours.folder, new)
    found = [(check, position) for severity, check, position, _ in said(ours.folder)
             if severity == "broken" and check == "streams"]  # fmt: skip
    assert found == [("streams", gone)]
    assert "where 2 is the highest that can follow" in "".join(row[3] for row in said(ours.folder))


@pytest.mark.parametrize("change", [-1, 1, 10**6])
def test_wrong_count(ours, theirs, change):
    """An import that counts other entries than came along is broken."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    count = len(entries(theirs.folder))
    at = next(n for n, e in enumerate(entries(ours.folder)) if b'"branch.imported"' in e)
    big = b'"source_size":%d' % (count + 10**7)
    changed = [
        e.replace(b'"entries":%d' % count, b'"entries":%d' % (count + change)).replace(
            b'"source_size":%d' % count, big
        )
        for e in entries(ours.folder)
    ]
    write_chain(ours.folder, [*changed, as_note(changed[0], stream_version=2)])
    assert ("broken", "imports", at) in {row[:3] for row in said(ours.folder)}


def test_merge_that_names_another_branch(ours, theirs):
    """A forged `branch.merged` whose head is on another branch lets nothing count."""
    merge(ours, FolderSource(theirs.folder), branch=None)
    head = format_hash(entry_hash(entries(theirs.folder)[-1]))
    body = {"head": head, "name": "elsewhere", "reason": "because"}
    append_forged(
        ours.folder,
        lambda e: as_note(
            e, kind="branch.merged", body=body, cites=[head], origin="example.org/ours"
        ),
    )
    forge_verdict(ours, theirs)
    assert "is on a branch that is not merged" in "".join(row[3] for row in said(ours.folder))

"""Every way of tampering with a ledger is found, and what was touched is named."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labs import tree
from ledgers import HUMAN
from tampering import (
    BROKEN,
    found,
    index_of,
    lines,
    rewrite,
    segment,
)

from ledger.audit import audit
from ledger.entry import FIELDS
from ledger.journal.line import Line, chain_start, extend, parse_line
from ledger.ledger import Ledger
from ledger.state import remove_state


def test_clean(own):
    """An untouched ledger: code 0, one finding that holds for each verdict, and no other."""
    report = audit(own)
    assert report.exit_code == 0
    assert {f.severity for f in report.findings} == {"holds"}
    assert sorted(f.message.split(":")[0] for f in report.findings) == [
        "CLOSE is FALSIFIED",
        "LOSS is DISCHARGED",
    ]
    assert report.entries == len(lines(own))


def test_reads_only(own):
    """An audit changes no file, makes none, and heals nothing."""
    with segment(own).open("ab") as file:
        file.write(b"99 torn")
    before = tree(own.path)
    assert found(own)[0] == 0
    assert tree(own.path) == before


def test_reads_only_without_views(own):
    """Without database and state an audit makes neither, and finds the record sound."""
    own.database.unlink()
    remove_state(own)
    before = tree(own.path)
    assert found(own)[0] == 0
    assert tree(own.path) == before


@pytest.mark.parametrize("field", FIELDS)
def test_changed_field(own, field):
    """One changed byte in any field of an entry is found at its position."""
    at = index_of(own, b'"kind":"measurement.taken"')
    changed = lines(own)
    start = changed[at].index(b'"%s":' % field.encode()) + len(field) + 3
    end = start + re.search(rb'[0-9a-z](?=[",}\]0-9a-z])', changed[at][start:]).start()
    byte = changed[at][end : end + 1]
    changed[at] = changed[at][:end] + (b"7" if byte != b"7" else b"3") + changed[at][end + 1 :]
    rewrite(own, changed)
    code, seen, _ = found(own)
    assert code == BROKEN
    assert ("broken", "chain", at) in seen
    assert {position for severity, check, position in seen if check == "chain"} == {at}


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_byte(own, data):
    """Whatever byte of the journal is changed, the audit says broken and names the entry."""
    before = segment(own).read_bytes()
    offset = data.draw(st.integers(0, len(before) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != before[offset]))
    try:
        segment(own).write_bytes(before[:offset] + bytes([byte]) + before[offset + 1 :])
        code, seen, _ = found(own)
    finally:
        segment(own).write_bytes(before)
    at = before[:offset].count(b"\n")
    assert code == BROKEN
    assert any(severity == "broken" for severity, _, _ in seen)
    positions = {position for severity, check, position in seen if check == "chain"}
    if before[offset : offset + 1] not in b"\n0123456789" and byte != 10:
        assert at in positions


def test_deleted_line(own):
    """A deleted line is found where the next one stands, and nowhere else in the chain."""
    changed = lines(own)
    del changed[5]
    rewrite(own, changed)
    code, seen, said = found(own)
    assert code == BROKEN
    assert [p for s, check, p in seen if check == "chain"] == [6]
    assert "it says position 6 where 5 is due" in said
    assert "the database holds 1 entries that the journal lacks, the first at position 5" in said


def test_duplicated_line(own):
    """A line that stands twice is found once."""
    changed = lines(own)
    changed.insert(5, changed[4])
    rewrite(own, changed)
    code, seen, said = found(own)
    assert code == BROKEN
    assert [p for s, check, p in seen if check == "chain"] == [4]
    assert "it says position 4 where 5 is due" in said


def test_swapped_lines(own):
    """Two lines that changed places are found there, and the lines after them are not blamed."""
    changed = lines(own)
    changed[5], changed[6] = changed[6], changed[5]
    rewrite(own, changed)
    code, seen, _ = found(own)
    assert code == BROKEN
    assert {p for s, check, p in seen if check == "chain"} == {6}


def test_inserted_line(own):
    """A forged line with a chain of its own is found by the line that follows and the database."""
    changed = lines(own)
    before = parse_line(changed[4])
    forged = parse_line(changed[5]).entry.replace(b'"actor":"human', b'"actor":"agent')
    forged = forged.replace(b'"actor":"executor', b'"actor":"agent')
    changed.insert(5, Line(5, extend(before.chain, forged), forged).format())
    rewrite(own, changed)
    code, seen, said = found(own)
    assert code == BROKEN
    assert ("broken", "store", 5) in seen
    assert "it says position 5 where 6 is due" in said


@pytest.mark.parametrize("lost", [1, 3, "all"])
@pytest.mark.parametrize("witness", ["store", "state"])
def test_cut_off_end(own, lost, witness):
    """Entries cut off the end are missed by the database, and by the state, each alone."""
    kept = [] if lost == "all" else lines(own)[:-lost]
    last = len(lines(own)) - 1
    with Ledger(own, actor=HUMAN) as ledger:
        ledger.recorder  # noqa: B018 - the state is caught up when it is opened
    rewrite(own, kept)
    remove_state(own) if witness == "store" else own.database.unlink()
    code, seen, said = found(own)
    assert code == BROKEN
    assert ("broken", witness, None) in seen
    assert re.search(rf"position {last}, the journal ends at {len(kept) - 1}:", said)


def test_chain_made_anew(own):
    """A journal that was forged with a sound chain disagrees with the database and the state."""
    chain, forged = chain_start(own.origin), []
    for position, line in enumerate(lines(own)):
        entry = parse_line(line).entry
        if position == 7:
            entry = entry.replace(b'"actor":"executor', b'"actor":"agent').replace(
                b'"actor":"human', b'"actor":"agent'
            )
        chain = extend(chain, entry)
        forged.append(Line(position, chain, entry).format())
    rewrite(own, forged)
    code, seen, said = found(own)
    assert code == BROKEN
    assert {check for severity, check, _ in seen if severity == "broken"} >= {"store", "state"}
    assert ("broken", "store", 7) in seen
    assert "the database holds another entry here" in said


@pytest.mark.parametrize("harm", ["gone", "changed", "shorter", "a folder"])
def test_blob(own, harm):
    """A blob that is missing or is not what its name says is broken, at the entry that names it."""
    at = index_of(own, b'"kind":"trace.captured"')
    digest = re.search(rb'"blob":"sha256:([0-9a-f]{64})"', lines(own)[at])[1].decode()
    path = own.blobs / digest[:2] / digest[2:]
    data = path.read_bytes()
    path.unlink()
    if harm == "changed":
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    if harm == "shorter":
        path.write_bytes(data[:-4])
    if harm == "a folder":
        path.mkdir()
    code, seen, said = found(own)
    assert code == BROKEN
    assert ("broken", "blobs", at) in seen
    assert digest in said


def test_blobs_gone(own):
    """Without the folder of blobs each one that is named is missed; a ledger without needs none."""
    import shutil

    shutil.rmtree(own.blobs)
    code, seen, _ = found(own)
    assert code == BROKEN
    assert len({p for s, check, p in seen if check == "blobs"}) == 10


def test_stray_blob(own):
    """A blob that nothing names is worth a note, and breaks nothing."""
    with Ledger(own, actor=HUMAN) as ledger:
        digest = ledger.write_blob(b"nobody names me")
    code, seen, said = found(own)
    assert code == 0
    assert ("note", "blobs", None) in seen
    assert digest in said


def test_stray_file_among_blobs(own):
    """Other files among the blobs are no reason to stop."""
    (own.blobs / "README").write_text("hello")
    assert found(own)[0] == 0

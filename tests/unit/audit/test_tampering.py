"""Every way of tampering with a ledger is found, and what was touched is named."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labs import ask, copy_lab, tree
from ledgers import HUMAN, note, run_failed

from ledger.audit import audit
from ledger.entry import FIELDS, entry_hash, format_hash
from ledger.errors import IntegrityError
from ledger.events.ledger import GapFound
from ledger.journal.line import Line, chain_start, extend, parse_line
from ledger.ledger import Ledger
from ledger.state import remove_state

BROKEN, UNSUPPORTED = 6, 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A ledger of two traces, a comparison, measurements and verdicts, caught up."""
    from labs import build_lab

    folder = build_lab(tmp_path_factory.mktemp("whole"), history=False)
    ask(folder, "select 1")
    return folder


@pytest.fixture
def own(whole, tmp_path):
    """A copy to tamper with."""
    return copy_lab(whole, tmp_path)


def segment(folder):
    """The one file of the journal."""
    return next(folder.journal.glob("*.log"))


def lines(folder):
    """The lines of the journal, newline included."""
    return segment(folder).read_bytes().splitlines(keepends=True)


def rewrite(folder, new):
    """Put other lines in their place."""
    segment(folder).write_bytes(b"".join(new))


def found(folder):
    """(exit code, {(severity, check, position)}, all messages) of an audit."""
    report = audit(folder)
    seen = {(f.severity, f.check, f.position) for f in report.findings}
    return report.exit_code, seen, "\n".join(f.message for f in report.findings)


def index_of(folder, mark):
    """The first line that holds `mark`."""
    return next(n for n, line in enumerate(lines(folder)) if mark in line)


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
    assert len({p for s, check, p in seen if check == "blobs"}) == 3


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


def append_forged(folder, change):
    """Append the last line's entry, changed, with a sound chain: what a hostile writer could do."""
    line = parse_line(lines(folder)[-1])
    entry = change(line.entry)
    forged = Line(line.position + 1, extend(line.chain, entry), entry)
    with segment(folder).open("ab") as file:
        file.write(forged.format())
    return forged.position


def as_note(entry, **changes):
    """A canonical entry of a note, with fields as told."""
    import msgspec

    fields = msgspec.json.decode(entry)
    base = {
        "kind": "note.added",
        "body": {"text": "x"},
        "stream": "ledger",
        "cites": [],
        "stream_version": 2,
    }
    return msgspec.json.encode(fields | base | changes, order="sorted")


def test_dangling_citation(own):
    """A citation of what the ledger does not have lacks support."""
    at = append_forged(own, lambda entry: as_note(entry, cites=["sha256:" + "ab" * 32]))
    code, seen, said = found(own)
    assert code == UNSUPPORTED
    assert ("unsupported", "citations", at) in seen
    assert "sha256:" + "ab" * 32 in said


def test_citation_of_itself_or_later(own):
    """Only what was recorded before can be cited."""
    later = entry_hash(
        as_note(parse_line(lines(own)[-1]).entry, body={"text": "later"}, stream_version=3)
    )
    append_forged(own, lambda entry: as_note(entry, cites=[format_hash(later)]))
    append_forged(own, lambda entry: as_note(entry, body={"text": "later"}, stream_version=3))
    assert "was not recorded before it" in found(own)[2]


@pytest.mark.parametrize("version", [0, 1, 99])
def test_gap_in_a_stream(own, version):
    """An entry whose number in its stream is not the next one is broken."""
    append_forged(own, as_note)
    at = append_forged(own, lambda entry: as_note(entry, stream_version=version))
    code, seen, said = found(own)
    assert code == BROKEN
    assert ("broken", "streams", at) in seen
    assert f"ledger has version {version} where" in said


def test_unknown_kind(own):
    """A kind of a later program is hashed, kept, and noted."""
    append_forged(own, lambda entry: as_note(entry, kind="planet.found", stream_version=2))
    code, seen, said = found(own)
    assert code == 0
    assert ("note", "streams", None) in seen
    assert "1 events of kind planet.found, which this program does not know" in said


def test_body_without_its_form(own):
    """A known kind with a body that is none is broken."""
    at = append_forged(own, lambda entry: as_note(entry, body={"txt": 1}, stream_version=2))
    code, seen, _ = found(own)
    assert code == BROKEN
    assert ("broken", "streams", at) in seen


def test_entry_that_is_not_canonical(own):
    """An entry with a space between its tokens is broken, though its chain is sound."""
    at = append_forged(own, lambda entry: as_note(entry).replace(b'"body":', b'"body": ', 1))
    code, seen, said = found(own)
    assert code == BROKEN
    assert ("broken", "chain", at) in seen
    assert "canonical" in said


def test_changed_evidence(own):
    """A number changed after it was judged breaks its entry, and its verdict loses its support."""
    at = index_of(own, b'"metric":"loss_final"')
    at = next(
        n for n, line in enumerate(lines(own)) if b"loss_final" in line and b"measurement" in line
    )
    changed = lines(own)
    changed[at] = changed[at].replace(b'"value":2.5', b'"value":0.5')
    rewrite(own, changed)
    code, seen, said = found(own)
    assert code == BROKEN
    assert ("broken", "chain", at) in seen
    assert any(severity == "unsupported" and check == "verdicts" for severity, check, _ in seen)
    assert "LOSS is DISCHARGED, but: its evidence" in said


def test_run_that_failed_afterwards(own):
    """A verdict on a run that is recorded as failed later is unsupported, and exits with 1."""
    with Ledger(own, actor="executor:train") as ledger:
        ledger.append([run_failed("train-0001")])
    code, seen, said = found(own)
    assert code == UNSUPPORTED
    assert any(severity == "unsupported" and check == "verdicts" for severity, check, _ in seen)
    assert "run train-0001 failed" in said


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"status":"DISCHARGED"', b'"status":"FALSIFIED"', "the numbers give 'DISCHARGED'"),
        (b'"value":2.5', b'"value":1.5', "value is 1.5; the numbers give 2.5"),
        (b'"threshold":3.0', b'"threshold":2.9', "threshold is 2.9; the numbers give 3.0"),
        (b'"unit":"nats"', b'"unit":"bits"', "unit is 'bits'"),
    ],
)
def test_verdict_that_someone_typed(own, old, new, reason):
    """A forged verdict with a sound chain does not follow from its evidence."""
    import msgspec

    source = parse_line(lines(own)[index_of(own, b'"kind":"verdict.given"')]).entry
    if b"LOSS" not in source:
        source = next(
            parse_line(line).entry
            for line in lines(own)
            if b'"kind":"verdict.given"' in line and b'"criterion":"LOSS"' in line
        )
    fields = msgspec.json.decode(source.replace(old, new))
    fields["stream_version"] += 1
    forged = msgspec.json.encode(fields, order="sorted")
    at = append_forged(own, lambda _: forged)
    code, seen, said = found(own)
    assert code == UNSUPPORTED
    assert ("unsupported", "verdicts", at) in seen
    assert reason in said


def test_torn_tail(own):
    """What a crash left at the end is a note, and who opens the ledger next records the gap."""
    with segment(own).open("ab") as file:
        file.write(b"7" * 40)
    code, _, said = found(own)
    assert code == 0
    assert "the last 40 bytes are no whole line" in said
    with Ledger(own, actor=HUMAN) as ledger:
        ledger.append([note("after")])
    code, _, said = found(own)
    assert code == 0
    assert "no whole line" not in said
    assert GapFound.KIND.name.encode() in segment(own).read_bytes()


@pytest.mark.parametrize("name", ["00000000000000000000.log", None])
def test_journal_missing(own, name):
    """A missing first segment is found; a missing journal is an integrity error by itself."""
    if name is None:
        own.journal.rename(own.journal.with_name("away"))
        with pytest.raises(IntegrityError, match="the journal is missing"):
            audit(own)
        return
    segment(own).rename(segment(own).with_name(f"{7:020d}.log"))
    code, _, said = found(own)
    assert code == BROKEN
    assert "a segment begins at 7; the entries from 0 on are missing" in said


def test_database_that_cannot_be_read(own):
    """A damaged database is no fault of the record: a note, since the next query rebuilds it."""
    own.database.write_bytes(b"garbage" * 1000)
    code, seen, said = found(own)
    assert code == 0
    assert ("note", "store", None) in seen
    assert "the database was not read" in said


@pytest.mark.parametrize(
    "statement",
    [
        "update events set entry = replace(entry, '2.5', '0.5') where kind = 'measurement.taken'",
        "update events set hash = 'sha256:0' where position = 4",
        "update events set chain = 'ab' where position = 4",
        "delete from events where position = 4",
        "insert into events select * replace (999 as position) from events where position = 4",
        "delete from events where position > 4",
    ],
)
def test_changed_database(own, statement):
    """A row of the database that someone changed behind the triggers is found."""
    import duckdb

    with duckdb.connect(str(own.database)) as db:
        db.execute("drop trigger no_update on events")
        db.execute("drop trigger no_delete on events")
        db.execute(statement)
    code, seen, _ = found(own)
    if statement.endswith("position > 4"):
        assert code == 0  # a database that is behind is only behind
        assert ("note", "store", None) in seen
    else:
        assert code == BROKEN
        assert any(check == "store" and severity == "broken" for severity, check, _ in seen)

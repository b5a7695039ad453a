"""Entries that a hostile writer could append, with a sound chain, and views that were changed."""

import pytest
from ledgers import HUMAN, note, run_failed
from tampering import (
    BROKEN,
    NEXT,
    UNSUPPORTED,
    append_forged,
    as_next,
    found,
    index_of,
    lines,
    rewrite,
    segment,
)

from ledger.audit import audit
from ledger.entry import entry_hash, format_hash
from ledger.errors import IntegrityError
from ledger.events.ledger import GapFound
from ledger.journal.line import parse_line
from ledger.ledger import Ledger


def test_dangling_citation(own):
    """A citation of what the ledger does not have lacks support."""
    at = append_forged(own, lambda entry: as_next(entry, cites=["sha256:" + "ab" * 32]))
    code, seen, said = found(own)
    assert code == UNSUPPORTED
    assert ("unsupported", "citations", at) in seen
    assert "sha256:" + "ab" * 32 in said


def test_citation_of_itself_or_later(own):
    """Only what was recorded before can be cited."""
    later = entry_hash(
        as_next(parse_line(lines(own)[-1]).entry, body={"text": "later"}, stream_version=NEXT + 1)
    )
    append_forged(own, lambda entry: as_next(entry, cites=[format_hash(later)]))
    append_forged(
        own, lambda entry: as_next(entry, body={"text": "later"}, stream_version=NEXT + 1)
    )
    assert "was not recorded before it" in found(own)[2]


@pytest.mark.parametrize("version", [0, 1, 99])
def test_gap_in_a_stream(own, version):
    """An entry whose number in its stream is not the next one is broken."""
    append_forged(own, as_next)
    at = append_forged(own, lambda entry: as_next(entry, stream_version=version))
    code, seen, said = found(own)
    assert code == BROKEN
    assert ("broken", "streams", at) in seen
    assert f"ledger has version {version} where" in said


def test_unknown_kind(own):
    """A kind of a later program is hashed, kept, and noted."""
    append_forged(own, lambda entry: as_next(entry, kind="planet.found"))
    code, seen, said = found(own)
    assert code == 0
    assert ("note", "streams", None) in seen
    assert "1 events of kind planet.found, which this program does not know" in said


def test_body_without_its_form(own):
    """A known kind with a body that is none is broken."""
    at = append_forged(own, lambda entry: as_next(entry, body={"txt": 1}))
    code, seen, _ = found(own)
    assert code == BROKEN
    assert ("broken", "streams", at) in seen


def test_entry_that_is_not_canonical(own):
    """An entry with a space between its tokens is broken, though its chain is sound."""
    at = append_forged(own, lambda entry: as_next(entry).replace(b'"body":', b'"body": ', 1))
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
        "update statuses set status = 'DISCHARGED' where status = 'FALSIFIED'",
        "update measurements set value = 0, value_json = '0'",
        "delete from criteria where position = (select min(position) from criteria)",
        "insert into claims values (1, 'sha256:0', 'H-NEW', false, 'it works', null, null)",
        "update events set actor = 'human:eve' where position = 4",
        "update events set branch = 'side' where position = 4",
        "update events set branch = '' where position = 4",
        "update events set stream = null where position = 4",
        "update events set stream_version = stream_version + 1 where position = 4",
        "update events set kind = 'note.added' where position = 4",
        "update events set origin = 'example.org/other' where position = 4",
        "update events set schema_version = 3 where position = 4",
        "update events set recorded_at = recorded_at + interval 1 microsecond where position = 4",
        "update events set cites = [] where len(cites) = 1",
        "update events set cites = ['sha256:0'] where position = 4",
        "insert into events from events where position = 4",
        "delete from events",
        "update events set position = position + 1 where position >= 4",
        "update step_metrics set run = 'other' where step = 1",
        "update measurements set position = 999 where metric = 'loss_final'",
        "delete from trace_points where layer = 1",
        "insert into edges select * replace (5 as position) from edges limit 1",
        "insert into epochs (position, run, epoch) values (0, 'r', 1)",
    ],
)
def test_changed_database(own, statement):
    """A row of the database that someone changed behind the triggers is found, in any table."""
    import duckdb

    with duckdb.connect(str(own.database)) as db:
        db.execute("drop trigger no_update on events")
        db.execute("drop trigger no_delete on events")
        db.execute(statement)
    code, seen, _ = found(own)
    assert code == BROKEN
    assert any(check == "store" and severity == "broken" for severity, check, _ in seen)


def test_rows_in_another_order(own):
    """In which order rows are stored says nothing."""
    import duckdb

    with duckdb.connect(str(own.database)) as db:
        for (table,) in db.execute("select table_name from duckdb_tables()").fetchall():
            db.execute(f"create table again as from {table} order by hash({table})")
            db.execute(f"drop table {table}")
            db.execute(f"alter table again rename to {table}")
    code, seen, _ = found(own)
    assert code == 0
    assert {severity for severity, _, _ in seen} == {"holds"}


def test_database_that_lags(own):
    """A database that has not seen the last entries is held against the others, and noted."""
    count = len(lines(own))
    append_forged(own, as_next)
    code, seen, said = found(own)
    assert code == 0
    assert ("note", "store", None) in seen
    assert f"the database holds {count} entries so far" in said

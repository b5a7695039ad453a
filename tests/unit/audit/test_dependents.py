"""What rests on a bad entry is named, also where the entry that was cited is there no more."""

import json

import pytest
from tampering import (
    BROKEN,
    NEXT,
    TAMPERINGS,
    UNSUPPORTED,
    append_forged,
    as_next,
    lines,
    rewrite,
)

from ledger.audit import audit
from ledger.cli import run
from ledger.entry import entry_hash, format_hash, parse_entry
from ledger.journal.line import parse_line


def entries(folder):
    """Position, hash and entry of each line."""
    for line in map(parse_line, lines(folder)):
        yield line.position, format_hash(entry_hash(line.entry)), parse_entry(line.entry)


def rests_on(folder):
    """By position the positions of all entries that rest on it, as this test works it out."""
    found, place, cited = {}, {}, {}
    for position, hash_, entry in entries(folder):
        named = [v for v in entry.body.values() if isinstance(v, str) and v in place]
        cited[position] = {place[hash_] for hash_ in (*entry.cites, *named) if hash_ in place}
        place[hash_] = position
        found[position] = set()
    for position in found:
        below = {position}
        for later in range(position + 1, len(found)):
            if cited[later] & below:
                below.add(later)
        found[position] = below - {position}
    return found


def position_of(folder, kind, **fields):
    """Where the first entry of a kind with these fields stands."""
    for position, _, entry in entries(folder):
        if entry.kind == kind and all(entry.body.get(k) == v for k, v in fields.items()):
            return position
    raise AssertionError(kind)


def bad(folder, **how):
    """{position: positions of what rests on it} of the bad entries."""
    report = audit(folder, **{"processes": 1} | how)
    return {b.entry.position: [d.position for d in b.dependents] for b in report.bad}


@pytest.fixture
def bare(own):
    """A copy without its database."""
    own.database.unlink()
    return own


CHANGED = ["byte of the body", "digit of the chain", "digit of the position", "no line any more"]


@pytest.mark.parametrize("how", [*CHANGED, "NUL bytes", "blown up"])
def test_entry_that_was_changed(bare, how):
    """A trace that was changed: its comparisons, their numbers and the verdicts on them."""
    at = position_of(bare, "trace.captured", run="trace-0001")
    expected = sorted(rests_on(bare)[at])
    assert len(expected) > 3
    rewrite(bare, TAMPERINGS[how](lines(bare), at))
    said = parse_line(lines(bare)[at]).position if how == "digit of the position" else at
    assert bad(bare)[said] == expected
    assert bad(bare, range_bytes=1) == bad(bare)


def test_entry_that_was_taken_out(bare):
    """A trace that was taken out: what rested on it is found at the entry after it."""
    at = position_of(bare, "trace.captured", run="trace-0001")
    expected = rests_on(bare)
    rewrite(bare, TAMPERINGS["deleted"](lines(bare), at))
    assert set(bad(bare)[at + 1]) >= expected[at]
    assert bad(bare, range_bytes=1) == bad(bare)


def test_every_entry(bare):
    """Whichever entry is changed, exactly that rests on it which does."""
    original, expected = lines(bare), rests_on(bare)
    for at in range(1, len(original) - 1):
        rewrite(bare, TAMPERINGS["byte of the body"](original, at))
        found = bad(bare)
        assert sorted(found[at]) == sorted(expected[at]), at
        assert set(found) <= {at} | expected[at] | {p for p in expected if p > at}


def test_unsupported_entry(bare):
    """An entry that is sound and lacks support: what rests on that is named, too."""
    first = append_forged(bare, lambda entry: as_next(entry, cites=["sha256:" + "ab" * 32]))
    hash_ = format_hash(entry_hash(parse_line(lines(bare)[-1]).entry))
    more = append_forged(bare, lambda e: as_next(e, cites=[hash_], stream_version=NEXT + 1))
    report = audit(bare)
    assert report.exit_code == UNSUPPORTED
    assert bad(bare) == {first: [more]}


def test_nothing_bad(own):
    """In a sound ledger nothing is named."""
    assert audit(own).bad == ()


def test_named_for_people(own, capsys):
    """The first bad entry, by what it is, and what rests on it, below the table."""
    at = position_of(own, "measurement.taken", metric="loss_final")
    verdict = position_of(own, "verdict.given", criterion="LOSS")
    refuted = position_of(own, "entry.refuted")
    rewrite(own, TAMPERINGS["byte of the body"](lines(own), at))
    assert run(["audit", "--ledger", str(own.path)]) == BROKEN
    out, err = capsys.readouterr()
    assert (
        f"first bad entry: position {at} (measurement.taken in run/train-0001); 2 entries rest "
        f"on it: verdict.given in row/LOSS at {verdict}, entry.refuted in ledger at {refuted}\n"
    ) in out
    assert f"position {verdict} (verdict.given in row/LOSS); nothing rests on it\n" in out
    assert err.endswith("the record is BROKEN in 3 places\n")  # chain, form, database


def test_named_for_programs(own, capsys):
    """`--json` has the same columns in the same order for every finding, and who rests on it."""
    at = position_of(own, "measurement.taken", metric="loss_final")
    verdict = position_of(own, "verdict.given", criterion="LOSS")
    refuted = position_of(own, "entry.refuted")
    assert run(["audit", "--json", "--ledger", str(own.path)]) == 0
    sound = json.loads(capsys.readouterr().out)
    rewrite(own, TAMPERINGS["byte of the body"](lines(own), at))
    assert run(["audit", "--json", "--ledger", str(own.path)]) == BROKEN
    found = json.loads(capsys.readouterr().out)
    columns = ["severity", "check", "position", "hash", "message", "dependents"]
    assert all(list(row) == columns for row in (*sound, *found))
    assert all(row["dependents"] is None for row in sound)
    by_position = {
        row["position"]: row["dependents"] for row in found if row["severity"] != "holds"
    }
    assert by_position == {at: [verdict, refuted], verdict: [], refuted: []}


def test_many(bare):
    """Of very many bad entries the first hundred are followed; all of them are counted."""
    text = b"".join(lines(bare))
    last = parse_line(lines(bare)[-1])
    junk = b"".join(b"%d %064x {}\n" % (last.position + n, n) for n in range(1, 151))
    next(bare.journal.glob("*.log")).write_bytes(text + junk)
    report = audit(bare)
    assert len(report.bad) == 100
    assert report.count("broken") == 150
    assert report.bad[0].entry.position == last.position + 1
    assert [f.dependents for f in report.findings if f.severity == "broken"].count(None) == 50
